"""Records of CSV files by the names of their headers, held against Python's own reader."""

import csv
import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.bronze import csv_flaws, kept_layouts
from jobs.bronze.csv_records import records
from jobs.bronze.parsing import parse

FILES = 150
COLUMNS = "id BIGINT, remark STRING, at TIMESTAMP, x DOUBLE, place STRING"
TEXTS = [
    "Hall",
    "",
    " ",
    'V8 "T"',
    '"',
    'a "b", c',
    "x;y",
    "#3",
    "1,5",
    "Küche",
    "tab\there",
    "''",
    "a|b",
    "NULL",
    " x ",
]
COMMENT = "# checked by hand"
UNKNOWN = ["", "Battery [V]", "rssi", "remark2"]


def made(choose: random.Random, source: Source) -> str:
    """A file: columns in any order, some of its own or some missing, names and values quoted where it pleases."""
    own = [name for name in source.fields if name in source.key or choose.random() < 0.9]
    others = choose.sample(UNKNOWN, choose.randrange(3)) if len(own) == len(source.fields) else []
    names = choose.sample([*own, *others], len(own) + len(others))
    file = io.StringIO()
    writer = csv.writer(
        file,
        delimiter=source.delimiter,
        quoting=choose.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        lineterminator="\n",
    )
    file.write(
        choose.choice(
            ["", "", "\n", f"sep={source.delimiter}\n", "Station Berlin\n", f"# {source.delimiter}\n"]
        )
    )
    header = [choose.choice([name, name.upper()]) if name in source.fields else name for name in names]
    writer.writerow(header)
    for number in range(choose.randrange(6)):
        value = {
            "id": choose.choice([number, number, number, f"#{number}"]),
            "at": f"2024-03-05 10:00:{number:02}",
            "x": choose.choice(
                [f"{choose.randrange(1000) / 8:.3f}".replace(".", source.decimal), "warm", "NULL"]
            ),
        }
        writer.writerow([value.get(name, choose.choice(TEXTS)) for name in names])
        if choose.random() < 0.2:
            choose.choice([writer.writerow, lambda _: file.write("\n")])([""] * len(names))
        if choose.random() < 0.1:
            writer.writerow(header)
        if choose.random() < 0.2 and source.comments:
            file.write(f"{COMMENT}\n")
    return file.getvalue()


def with_hashes(names: Sequence[str], source: Source) -> str:
    """A file with a line that begins with #, and is a record by the number of its tokens, below one that is not."""
    d = source.delimiter
    value = {"id": "#7", "remark": f'"a{d}b"', "at": "2024-03-05 10:00:00", "x": "warm", "place": "Hall"}
    return f"{COMMENT}\n{d.join(names)}\n{d.join(value[name] for name in names)}\n"


def by_name(content: str, source: Source) -> Iterator[tuple[dict[str, str | None], dict[str, str]]]:
    """What Python's own reader finds: of each record the source's columns by name, and what else has a value."""
    rows = [
        row for row in csv.reader(io.StringIO(content), delimiter=source.delimiter) if "".join(row).strip()
    ]
    at = next(at for at, row in enumerate(rows) if "id" in [name.lower() for name in row])
    names = rows[at]
    known = {name.lower(): name for name in names if name.lower() in source.fields}
    rest = {
        name or f"column {number}": name for number, name in enumerate(names, 1) if name.lower() not in known
    }
    for row in rows[at + 1 :]:
        if row in (names, [COMMENT]):
            continue
        record = {name: _value(value, source) for name, value in zip(names, row, strict=True)}
        own = {name: record.get(known.get(name, "none")) for name in source.fields}
        yield own, {ours: value for ours, theirs in rest.items() if (value := record[theirs])}


def _value(text: str, source: Source) -> str | None:
    stripped = text.strip(" ")
    return None if stripped in ("", *source.nulls) else stripped


def read(spark, folder: Path, contents: Sequence[str], source: Source) -> list[list[tuple[dict, dict]]]:
    """What bronze reads of each of some files, all by one query."""
    paths = [f"arrived=2024-03-05/{number} a+ä%.csv" for number in range(len(contents))]
    found = {}
    for path, content in zip(paths, contents, strict=True):
        file = folder / path.replace("/", "-")
        file.write_text(content, newline="\n")
        assert csv_flaws.flaw(file, source) is None, content
        found[path] = csv_flaws.layout(file, source)
    lines = [
        (f"file:/lake/landing/{source.name}/{quote(path, safe='/+=')}", number, line)
        for path, content in zip(paths, contents, strict=True)
        for number, line in enumerate(content.split("\n"))
    ]
    frame = spark.createDataFrame(lines, "_file STRING, n INT, value STRING")
    unusual = {path: layout for path, layout in found.items() if not layout.is_usual}
    rows = parse(records(frame, source, unusual), source, bool(unusual))
    as_text = [F.col("_rescued").cast("string").alias("_rescued"), F.col("at").cast("string").alias("at")]
    kept = rows.select(*[name for name in rows.columns if name not in ("at", "_rescued")], *as_text)
    read: dict[str, list[tuple[dict, dict]]] = {file: [] for file, *_ in lines}
    for row in kept.orderBy("_file", "n").collect():
        assert row._malformed is None, row
        read[row._file].append(
            ({name: row[name] for name in source.fields}, json.loads(row._rescued or "{}"))
        )
    return list(read.values())


def _typed(
    own: dict[str, str | None], others: dict[str, str], source: Source
) -> tuple[dict[str, object], dict[str, str]]:
    """The values in their types; what is no number goes to the others, an id with # too: it makes no comment."""
    x = (own["x"] or "").replace(source.decimal, ".")
    is_number = x[:1].isdigit()
    is_id = own["id"].isdigit()
    typed = {**own, "id": int(own["id"]) if is_id else None, "x": float(x) if is_number else None}
    strange = {"id": own["id"]} if not is_id else {}
    return typed, others | strange | ({"x": x} if x and not is_number else {})


@pytest.mark.parametrize(
    "format_",
    [
        {},
        {"delimiter": ";", "decimal": ",", "nulls": ("NULL",), "comments": True},
        {"delimiter": "\t"},
        {"delimiter": "|", "comments": True},
    ],
    ids=["comma", "semicolon", "tab", "pipe"],
)
def test_each_value_stands_under_its_name_as_pythons_own_reader_has_it(spark, tmp_path, format_):
    source = Source("logger", "csv", COLUMNS, ("id", "at"), **format_)
    choose = random.Random(20240305)
    contents = [made(choose, source) for _ in range(FILES)]
    contents += [with_hashes(names, source) for names in ([*source.fields], ["id", "x", "at", "remark"])]
    for content, found in zip(contents, read(spark, tmp_path, contents, source), strict=True):
        meant = [_typed(own, others, source) for own, others in by_name(content, source)]
        assert found == meant, content


def test_a_line_that_begins_with_a_hash_below_the_header_is_a_record_where_the_source_has_no_comments(
    spark, tmp_path
):
    source = Source("logger", "csv", COLUMNS, ("id", "at"))
    damaged = ["#7,,2024-03", "# checked by hand", "#NV"]
    content = "\n".join([COMMENT, *([",".join(source.fields), *damaged] * 2), ""])
    file = tmp_path / "a.csv"
    for text, layouts in ((content, {"arrived=2024-03-05/a.csv"}), (content[len(COMMENT) + 1 :], ())):
        file.write_text(text)
        found = {path: csv_flaws.layout(file, source) for path in layouts}
        lines = [("file:/lake/landing/logger/arrived=2024-03-05/a.csv", line) for line in text.split("\n")]
        frame = spark.createDataFrame(lines, "_file STRING, value STRING")
        rows = parse(records(frame, source, found), source, bool(found)).select("_malformed").collect()
        # The same text above the header is about the file, wherever it comes again.
        assert sorted(row[0] for row in rows) == sorted(
            line for line in damaged * 2 if not found or line != COMMENT
        )


def test_a_file_is_read_as_it_came_when_the_catalog_had_fewer_columns(spark, tmp_path):
    source = Source("logger", "csv", COLUMNS, ("id", "at"))
    more = replace(source, columns=f"{COLUMNS}, battery DOUBLE")
    path = "arrived=2024-03-05/a.csv"
    content = "id,remark,at,x,place\n1,,2024-03-05 10:00:00,1.5,Hall\nID,Remark,At,X,Place\n#2,,,,Hall\n"
    kept_layouts.save(tmp_path, {}, [path], source)
    layouts = kept_layouts.load([tmp_path / "arrived=2024-03-05"], more)
    lines = [(f"file:/lake/landing/logger/{path}", line) for line in content.split("\n")]
    frame = spark.createDataFrame(lines, "_file STRING, value STRING")
    rows = parse(records(frame, more, layouts), more, bool(layouts)).collect()
    assert sorted((row.id or 0, row.x, row.place, row.battery, row._malformed) for row in rows) == [
        (0, None, "Hall", None, None),
        (1, 1.5, "Hall", None, None),
    ]


DUMP = Source("dump", "csv", COLUMNS, ("id", "at"), header=False, delimiter="\t", escapes="backslash")
# PostgreSQL's letters; before what it has none for, and before all in MySQL, stands a backslash.
LETTERS = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
IN_DUMPS = [
    "Hall",
    'V8 "T"',
    '"',
    "C:\\temp\\new",
    "\\",
    "\\\\N",
    "\\N",
    "a\tb",
    "\\\tb\\",
    "Küche",
    "#3",
    "",
    "\u2028\x0b",
]


def dumped(value: str | None, *, by_mysql: bool) -> str:
    """A value as a database writes it: None is no value."""
    if value is None:
        return "\\N"
    special = {"\\", "\t"} if by_mysql else {"\\", *LETTERS}
    letters = {"\0": "0"} if by_mysql else LETTERS
    return "".join(f"\\{letters.get(each, each)}" if each in special else each for each in value)


def test_a_day_and_a_time_in_columns_of_their_own_are_one_instant_or_none(spark, tmp_path):
    source = Source(
        "parts",
        "csv",
        COLUMNS,
        ("id", "at"),
        names=(("Date", "at"), ("Time", "at"), ("Date Time", "at")),
        times=("dd.MM.yyyy HH:mm", "HH:mm dd.MM.yyyy"),
        nulls=("---",),
    )
    contents = [
        "id,Date,Time,x\n1,05.03.2024, 10:00 ,1\n2,05.03.2024,,1\n3,,10:00,1\n4,,---,1\n5,05.03.2024,24:00,1\n",
        'id,x,Time,remark,Date\n6,1,10:00,Hall,"05.03.2024"\n',
        "id,x,Date Time\n7,1,05.03.2024 10:00\n8,1,05.03.2024\n",
    ]
    found = {
        own["id"]: (own["at"], others)
        for rows in read(spark, tmp_path, contents, source)
        for own, others in rows
    }
    ten = "2024-03-05 10:00:00"
    assert found == {
        1: (ten, {}),
        2: (None, {"at": "05.03.2024 ?"}),
        3: (None, {"at": "? 10:00"}),
        4: (None, {}),
        5: (None, {"at": "05.03.2024 24:00"}),
        6: (ten, {}),
        7: (ten, {}),
        8: (None, {"at": "05.03.2024"}),
    }
    usual = replace(source, times=())
    contents = ["id,Date,Time\n1,2024-03-05,10:00:00\n2,2024-03-05,\n3,2024/3/5,10:00\n"]
    ((first, second, third),) = read(spark, tmp_path, contents, usual)
    assert (first[0]["at"], second[0]["at"], third[0]["at"]) == (ten, None, ten)


def test_what_databases_write_with_backslashes_is_what_they_had(spark, tmp_path):
    choose, contents, meant = random.Random(20240305), [], []
    for number in range(40):
        by_mysql = number % 2 == 0
        texts = [*IN_DUMPS, None, *([] if by_mysql else ["two\nlines", "\r\n", "\b\\b"])]
        rows = [
            [str(at), choose.choice(texts), "2024-03-05 10:00:00", "1.5", choose.choice(texts)]
            for at in range(9)
        ]
        lines = ["\t".join(dumped(value, by_mysql=by_mysql) for value in row) for row in rows]
        contents.append("".join(f"{line}\n" for line in [*lines, "" if by_mysql else "\\."]))
        found = [dict(zip(DUMP.fields, row, strict=True)) for row in rows]
        meant.append([row | {"remark": _held(row["remark"]), "place": _held(row["place"])} for row in found])
    for content, found, rows in zip(contents, read(spark, tmp_path, contents, DUMP), meant, strict=True):
        assert found == [({**row, "id": int(row["id"]), "x": 1.5}, {}) for row in rows], content


def _held(text: str | None) -> str | None:
    return (text or "").strip(" ") or None
