"""Columns as the catalog writes them, `name TYPE, name TYPE`, in one spelling whatever the case of the types."""

import re
from collections.abc import Mapping
from functools import cache

# What a value of a landed file is read as; see `jobs/value_reading.py`.
READ_AS = ("STRING", "INT", "BIGINT", "DOUBLE", "DECIMAL(p,s)", "BOOLEAN", "DATE", "TIMESTAMP", "VARIANT")
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_SAME = {"INTEGER": "INT", "LONG": "BIGINT", "DEC": "DECIMAL", "NUMERIC": "DECIMAL"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_WHOLE = {"TINYINT": (2, 0), "SMALLINT": (4, 0), "INT": (9, 0), "BIGINT": (18, 0)}
_LIKE = {"FLOAT": "DOUBLE", "TIMESTAMP_NTZ": "TIMESTAMP"}  # to what a value is written to
_DOUBLE = 15  # digits that a double gives back as they were
_SIMPLE = re.compile(r"([A-Za-z]+)(\(\d+(?:,\d+)?\))?")


@cache  # readers of files ask for it at each line
def columns_of(ddl: str) -> Mapping[str, str]:
    """Column name -> SQL type, in order. Raises ValueError for a column without a type."""
    pairs = [column.strip().partition(" ") for column in ddl.split(", ")]
    if lacking := [name for name, _, kind in pairs if not kind]:
        raise ValueError(f"columns has {lacking[0]!r} without a type; write name TYPE, name TYPE")
    return {name: kind for name, _, kind in pairs}


def tidy(ddl: str) -> str:
    """Columns with one blank where there are some, types in capitals but for the fields of nested ones."""
    columns = (" ".join(column.split()).partition(" ") for column in _split(ddl))
    return ", ".join(f"{name} {_type(kind)}".strip() for name, _, kind in columns if name)


def unread(ddl: str) -> list[str]:
    """The columns of a source, with their types, as which no value of a file is read; in order."""
    columns = (column.strip() for column in ddl.split(", "))
    return [column for column in columns if not _is_read(column.partition(" ")[2])]


def misnamed(ddl: str) -> str:
    """Return why a source cannot have its columns by these names; empty if it can."""
    names = [column.strip().partition(" ")[0] for column in ddl.split(", ")]
    small = [name.casefold() for name in names]
    if twice := sorted({name for name in names if small.count(name.casefold()) > 1}):
        return f"columns has {', '.join(twice)}: names differ in more than case"
    if odd := [name for name in names if not _NAME.fullmatch(name)]:
        said = "a name is made of a-z, digits and _ and begins with a letter; other ones of a csv header go into names"
        return f"columns has {', '.join(odd)}: {said}"
    return ""


def holds(kind: str, other: str) -> bool:
    """Whether a column of a type can have each value of another type as it is; a text may be read as anything."""
    if kind in (other, "STRING", "VARIANT") or other in ("STRING", "VARIANT"):
        return True
    if (other, kind) in (("BOOLEAN", "INT"), ("DATE", "TIMESTAMP")):
        return True
    room, needed = _digits(kind), _digits(other)
    if kind == "DOUBLE":
        return bool(needed) and sum(needed) <= _DOUBLE
    return bool(room and needed) and all(most >= digits for most, digits in zip(room, needed, strict=True))


def cuts(kind: str, returned: str) -> bool:
    """Whether a cast to a column's type may make less of a value and say nothing; `returned` is spelled as Spark does.

    An exact number that is too large for the type is an error then. Nested types are not looked into.
    """
    other = returned.upper()
    if other in (kind, "VOID") or "<" in other:
        return False
    room, needed = _digits(kind), _digits(other)
    if room and needed:
        return room[1] < needed[1]
    return not holds(kind, _LIKE.get(other, other))


def _digits(kind: str) -> tuple[int, ...]:
    """How many digits an exact number has before its point, and behind it; none for other types."""
    if size := _DECIMAL.fullmatch(kind):
        return int(size[1]) - int(size[2]), int(size[2])
    return _WHOLE.get(kind, ())


def _is_read(kind: str) -> bool:
    size = _DECIMAL.fullmatch(kind)
    return bool(0 <= int(size[2]) <= int(size[1]) <= 38) if size else kind in READ_AS


def _type(kind: str) -> str:
    simple = _SIMPLE.fullmatch(kind.replace(" ", ""))
    if not simple:
        return kind
    name, size = simple[1].upper(), simple[2] or ""
    return f"{_SAME.get(name, name)}{size}"


def _split(ddl: str) -> list[str]:
    """Split at the commas that are within no brackets."""
    found, depth = [""], 0
    for letter in ddl:
        depth += (letter in "(<") - (letter in ")>")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return found
