"""Tokens with backslash escapes, as MySQL (SELECT … INTO OUTFILE) and PostgreSQL (COPY) write them: Spark columns."""

from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.bronze.csv_lines import ESCAPED, NULL

_BACKSLASH = "\\"
_PAIR = r"\\\\"
_ESCAPES = [(_BACKSLASH + letter, meant) for letter, meant in ESCAPED.items()]


def tokens(line: Column, delimiter: str, pattern: str) -> Column:
    """The tokens of a line with their escapes resolved: ARRAY<STRING>, null for a line that ends within an escape.

    A token is null where the file has no value. `pattern` is the delimiter as regular expressions have it. MySQL puts
    the backslash before the delimiter itself, PostgreSQL before a letter for it.
    """
    is_escaped = F.contains(line, F.lit(_BACKSLASH))
    token = rf"(?s){pattern}((?:[^{pattern}\\]|\\.)*+)"
    split = F.regexp_extract_all(F.concat(F.lit(delimiter), line), F.lit(token), 1)
    # What the pattern passes over is in no token.
    meant = F.when(F.array_join(split, delimiter) == line, F.transform(split, _meant))
    return F.when(is_escaped, meant).otherwise(F.split(line, pattern))


def without_escapes(line: Column) -> Column:
    """A line without its escapes, so that every delimiter that is left stands between two tokens."""
    return F.regexp_replace(line, r"(?s)\\.", "")


def _meant(token: Column) -> Column:
    # Between pairs of backslashes, each of which is one, a backslash begins an escape.
    pieces = F.transform(F.split(token, _PAIR), _without_pairs)
    return F.when(token != NULL, F.array_join(pieces, _BACKSLASH))


def _without_pairs(text: Column) -> Column:
    """What a text in which no backslash stands for itself means."""
    known = reduce(lambda found, escape: F.replace(found, *map(F.lit, escape)), _ESCAPES, text)
    return F.regexp_replace(known, r"(?s)\\(.)", "$1")
