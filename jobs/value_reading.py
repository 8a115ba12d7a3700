"""One reading of a value: from the text that a file has for it to the type of its column, for JSON and CSV alike.

A value is read only where nothing of it is lost: no fraction is cut, no boolean becomes a number, and a time is
one that only one moment can be meant by. All else is null here, and the caller keeps the text.
"""

import re
from collections.abc import Callable, Sequence
from operator import and_

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.clock import USUAL, Clock, has_hours, has_zone
from jobs.delta.frames import folded

_DAY = r"(?!0000)\d{4}-\d{1,2}-\d{1,2}"
_SLASHED = r"^(\d{4})/(\d{1,2})/(\d{1,2})"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
_MIDNIGHT = r"([ T]00:00(:00(\.0+)?Z?)?)?"  # what pandas, JavaScript and spreadsheets put behind a date
# Letters but these are ambiguous: BST is British Summer Time and Bangladesh's.
_ZONE = r" ?([Zz]|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
# Shifted to UTC, a time of the first or last day can be of a year that nothing can show.
_NEVER = r"(?!(0001-0?1-0?1|9999-12-31).*:.*[+-]\d{2}(:?\d{2})?$)"
_EDGES = r"(?!0001-0?1-0?1|9999-12-31)"
# 12.000 may be twelve, or twelve thousand as half of Europe writes it.
_WHOLE = r"^(?![+-]?\d{1,3}\.000$)([+-]?\d+)(\.0*)?$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# In whole digits, or with an exponent of which a DECIMAL(38,18) has all digits; %s is the scale of the type.
_IN_DIGITS = r"^[+-]?(?=\.?\d)\d{0,40}(\.\d{0,%s}0{0,40})?$"
_WITH_EXPONENT = r"^[+-]?\d{1,20}(\.\d{0,9})?[eE](\+?\d{1,2}|-0?\d)$"
# 20240305T100000Z, or without T and zone.
_COMPACT = (
    r"^(?!0000|0001|9999)(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2}([.,]\d{1,9})?)(Z|[+-]\d{2}:?\d{2})?$"
)
# By its size, a count since 1970 is of seconds, milliseconds, microseconds or nanoseconds: of 1973 or
# later, and of 2001 or later for nanoseconds. Smaller ones are no times: a clock that was never set, a spreadsheet's
# day number; nor are those of the sizes between, such as counts of 100 nanoseconds since 1601 or the year 1.
# What may be a day of this century as well, with its hour, hour and minute, or parts of a second, is no count.
_CALENDAR = r"20\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])([0-5]\d([0-5]\d\d+)?)?"
_EPOCH = rf"^(?!{_CALENDAR}$)[1-9](\d{{8,9}}|\d{{11,12}}|\d{{14,15}}|\d{{18}})(\.\d{{1,9}})?$"
# Of such a count, so many digits are those of its microseconds, by the digits before its point: 15, or one more.
_MICROS_DIGITS = 15

GREATEST_FLOAT = 3.4028234e38  # of 32 bits, as controllers write it for a sensor that is not there


def reading(text: Column, kind: str, clock: Clock = USUAL) -> Column:
    """Read a text as a SQL type; null where it is blank or does not fit. Strings are taken as they are.

    Times and days are read as the source of the clock writes them.
    """
    if kind == "STRING":
        return text
    if patterns := clock.patterns(kind):
        return _by_patterns(F.trim(text), patterns, clock.zone).cast(kind.lower())
    if kind.startswith("DECIMAL"):
        return _decimal(F.trim(text), kind)
    if kind == "TIMESTAMP":
        return _timestamp(F.trim(text), clock.zone)
    if read := _READ.get(kind):
        return read(F.trim(text))
    return F.trim(text).try_cast(kind.lower())


def is_blank(text: Column) -> Column:
    """Whether a text holds no value: null, empty or nothing but spaces."""
    return F.coalesce(F.trim(text) == "", F.lit(True))


def is_misfit(text: Column, value: Column) -> Column:
    """Whether a text holds something and `reading` found no value of its type in it."""
    return ~is_blank(text) & value.isNull()


def _whole(kind: str) -> Callable[[Column], Column]:
    """301 and 301.0 are whole, 301.9 is not: which number was meant is not for a cast to say."""
    return lambda text: F.when(text.rlike(_WHOLE), F.regexp_extract(text, _WHOLE, 1).try_cast(kind))


def _double(text: Column) -> Column:
    # Java's own reading takes NaN, Infinity and suffixes such as 1d.
    return measured(F.when(text.rlike(_NUMBER), text.try_cast("double")))


def measured(value: Column) -> Column:
    """A double that something can measure; null for infinity, and the greatest floats, which stand for no value."""
    return F.when(F.abs(value) < GREATEST_FLOAT, value)


def _decimal(text: Column, kind: str) -> Column:
    """Spark rounds what has more decimals than the type."""
    value = text.try_cast(kind.lower())
    scale = re.sub(r".*,|\)", "", kind)
    # Only of few digits: what a cast costs grows with the exponent.
    is_exact = text.rlike(_WITH_EXPONENT) & (value == text.try_cast("decimal(38, 18)"))
    return F.when(text.rlike(_IN_DIGITS % scale) | is_exact, value)


def _boolean(text: Column) -> Column:
    """Switches are on or off, and pandas writes 1.0 for true where values are missing."""
    usual = F.lower(text)
    return (
        F.when(usual.isin("on", "1.0"), F.lit(True))
        .when(usual.isin("off", "0.0"), F.lit(False))
        .otherwise(text.try_cast("boolean"))
    )


def _date(text: Column) -> Column:
    compact = F.regexp_replace(_dashed(text), r"^(\d{4})(\d{2})(\d{2})$", "$1-$2-$3")
    return F.when(compact.rlike(f"^{_DAY}{_MIDNIGHT}$"), compact.try_cast("date"))


def _dashed(text: Column) -> Column:
    """A date like 2024/03/05 as 2024-03-05; other texts as they are."""
    return F.regexp_replace(text, _SLASHED, "$1-$2-$3")


# Spark's plan has a copy of a text for each time that it is used, so it is used as few times as can be.
def _timestamp(written: Column, zone: str) -> Column:
    text = F.regexp_replace(_dashed(written), _COMPACT, "$1-$2-$3 $4:$5:$6$8")
    # At the ends of the calendar, a shift to UTC can lead to a year that nothing can show.
    never = _NEVER if zone == "UTC" else _EDGES
    is_calendar = text.rlike(f"^{never}{_DAY}([ Tt]{_CLOCK}({_ZONE})?)?$")
    return F.when(is_calendar, _instant(text, zone)).when(written.rlike(_EPOCH), _since_1970(written))


def _instant(text: Column, zone: str) -> Column:
    # Java leaves out seconds that are zero, and Spark reads no zone behind minutes.
    seconds = F.regexp_replace(text, rf"^([^:]*:\d{{2}})({_ZONE})$", "$1:00$2")
    # PostgreSQL's +00, which is that of hours alone.
    whole = F.regexp_replace(seconds, r"(:.*[+-]\d{2})$", "$1:00")
    written = F.translate(whole, ",tz", ".TZ").try_cast("timestamp")
    return (
        written
        if zone == "UTC"
        else F.when(text.rlike(f":.*{_ZONE}$"), written).otherwise(_local(written, zone))
    )


def _by_patterns(text: Column, patterns: Sequence[str], zone: str) -> Column:
    """The instant that all patterns say which fit; null where two say two, since either may be meant."""
    read = [_by_pattern(text, pattern, zone) for pattern in patterns]
    first = F.coalesce(*read)
    return F.when(folded(and_, [F.coalesce(each == first, F.lit(True)) for each in read]), first)


def _by_pattern(text: Column, pattern: str, zone: str) -> Column:
    found = F.try_to_timestamp(text, F.lit(pattern))
    # A day has no zone, and further than this a shift to UTC can lead to a year that nothing can show.
    is_shown = found.between(F.lit("0001-01-03").cast("timestamp"), F.lit("9999-12-29").cast("timestamp"))
    is_local = zone != "UTC" and has_hours(pattern) and not has_zone(pattern)
    return F.when(is_shown, _local(found, zone) if is_local else found)


def _local(shown: Column, zone: str) -> Column:
    """The instant at which clocks of a zone show a time; null where they show it twice a year, or never."""
    return F.get(F.transform(F.array(shown), lambda each: _unique_instant(each, zone)), 0)


def _unique_instant(shown: Column, zone: str) -> Column:
    # Clocks are changed less often than every other day, so one of these differences from UTC is that of the instant.
    near = [shown + F.make_dt_interval(days=F.lit(days)) for days in (-1, 1)]
    before, after = (shown - (F.from_utc_timestamp(each, zone) - each) for each in near)
    is_before, is_after = (F.from_utc_timestamp(each, zone) == shown for each in (before, after))
    return (
        F.when(before == after, before).when(is_before & ~is_after, before).when(is_after & ~is_before, after)
    )


def _since_1970(text: Column) -> Column:
    before_point = F.length(F.substring_index(text, ".", 1))
    digits = F.rpad(F.translate(text, ".", ""), _MICROS_DIGITS + 1, "0")
    micros = F.substr(digits, F.lit(1), F.lit(_MICROS_DIGITS) + before_point % F.lit(3))
    return F.timestamp_micros(micros.try_cast("bigint"))


_READ: dict[str, Callable[[Column], Column]] = {
    "INT": _whole("int"),
    "BIGINT": _whole("bigint"),
    "DOUBLE": _double,
    "BOOLEAN": _boolean,
    "DATE": _date,
}
