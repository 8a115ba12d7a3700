"""When a landed file arrived: an instant, kept in its path for as long as the file is.

`arrived=2024-03-05/at-13.45.10.000250-mine.csv` came on that day (UTC) at that time. Of a file that somebody puts into
the folder of a day himself, only the day is known: it counts as having come when the day ended.
"""

import re
from datetime import UTC, date, datetime
from pathlib import PurePath

from pyspark.sql import Column
from pyspark.sql import functions as F

ARRIVED = r"/arrived=(\d{4}-\d{2}-\d{2})/"
INSTANT = r"/arrived=(\d{4}-\d{2}-\d{2}/at-\d{2}\.\d{2}\.\d{2}\.\d{6})-"
# Within the folder of a day, others may be called like those of the lake.
BELOW = r"/landing/{}/(arrived=[0-9-]+/.*)$"
_FILED = re.compile(r"at-\d{2}\.\d{2}\.\d{2}\.\d{6}-")
LONGEST = 200  # bytes of a name; most file systems take 255, with what is put before it
CLOCKS_DIFFER = "INTERVAL 5 MINUTES"  # at most, those of devices and of the lake


def filed_as(instant: datetime, name: str) -> PurePath:
    """Where a file of this name belongs that arrived at an instant (UTC), relative to its source's folder."""
    return PurePath(f"arrived={instant:%Y-%m-%d}", f"at-{instant:%H.%M.%S.%f}-{_short(name)}")


def below(path: str, source: str) -> str:
    """A file's path relative to the folder of its source, `arrived=2024-03-05/name`; a path that is in none, itself."""
    found = re.search(BELOW.format(source), path, re.S)
    return found[1] if found else path


def was_filed(file: PurePath) -> bool:
    """Whether a file in the folder of a day was moved there from where it was delivered, by its name."""
    return bool(_FILED.match(file.name))


def _short(name: str) -> str:
    """A name that is too long, without its middle: how a file is read depends on how its name ends."""
    end = "".join(PurePath(name).suffixes[-2:])[-40:]
    stem = name.removesuffix(end).encode()
    return f"{stem[: LONGEST - len(end.encode())].decode(errors='ignore')}{end}"


def instant_of(changed_at: float) -> datetime:
    """The instant (UTC) at which a file arrived, by the last change of its inode: never later than now.

    Unlike the time of its content, which is kept when a file is copied or unpacked, nobody can set that one.
    """
    return min(datetime.fromtimestamp(changed_at, UTC), datetime.now(UTC))


def is_day_folder(name: str) -> bool:
    """Whether the name of a folder is that of the files of one day."""
    prefix, _, day = name.partition("=")
    try:
        return prefix == "arrived" and str(date.fromisoformat(day)) == day
    except ValueError:
        return False


def night_of(file: Column | str) -> Column:
    """The day (UTC) on which a file arrived, from its path: DATE."""
    return F.regexp_extract(file, ARRIVED, 1).try_cast("date")


def arrived_at(file: str = "_file", night: str = "_night") -> Column:
    """The instant at which a row's file arrived, by its path: TIMESTAMP, the end of its day if only that is known."""
    kept = F.try_to_timestamp(F.regexp_extract(file, INSTANT, 1), F.lit("yyyy-MM-dd'/at-'HH.mm.ss.SSSSSS"))
    # Few files have one, and a search costs less than a pattern.
    instant = F.when(F.contains(F.col(file), F.lit("/at-")), kept)
    return F.coalesce(instant, _end_of(night))


def latest_time(file: str = "_file", night: str = "_night") -> Column:
    """The latest time that a row of a file may have: TIMESTAMP. Later ones were of the future when the file arrived.

    Clocks may differ by CLOCKS_DIFFER; no row is of a later day than its file.
    """
    return F.least(arrived_at(file, night) + F.expr(CLOCKS_DIFFER), _end_of(night))


def _end_of(night: str) -> Column:
    return F.date_add(night, 1).cast("timestamp") - F.expr("INTERVAL 1 MICROSECOND")
