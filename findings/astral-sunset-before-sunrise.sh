#!/usr/bin/env bash
# astral 3.2, tzdata 2026.6
#
# Whether a reading of a light sensor or solar panel was by day is asked as sunrise <= time < sunset, with all times in
# UTC, as they are in the tables. astral works in UTC by default, and then a date is one of UTC: what `sun(site, date)`
# and `daylight(site, date)` return is the sunrise and the sunset that fall on it, and in America and Australia that
# sunset is the one before that sunrise. In Los Angeles no reading of the year is by day, and in New York none from May
# to August; its winter and the whole year in Berlin are right, so a test at home or in January shows nothing. It is
# not said either, but for the day on which the sunset moves to the next date: that one has none, which is an error.
# Give the site's zone, `daylight(site, day, tzinfo=zone)`, with the reading's date in that zone as the day; the times
# compare with those in UTC. `elevation(site, time)` needs no date at all.
#
# Seen (days whose sunset comes before their sunrise, and that are refused; hours of 2024 that are by day):
#                  turned  refused   dates of UTC  dates of site      elevation
#   Los Angeles       368        0              0           4486           4491
#   Chicago           180        1           1899           4457           4459
#   New York           92        1           3062           4455           4456
#   Berlin              0        0           4489           4489           4492
#   Sydney            368        0              0           4452           4461
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet astral==3.2 tzdata==2026.6
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import daylight, elevation

SITES = {
    "Los Angeles": (34.05, -118.24, "America/Los_Angeles"),
    "Chicago": (41.88, -87.63, "America/Chicago"),
    "New York": (40.71, -74.01, "America/New_York"),
    "Berlin": (52.52, 13.40, "Europe/Berlin"),
    "Sydney": (-33.87, 151.21, "Australia/Sydney"),
}
DAYS = [date(2023, 12, 31) + timedelta(days=day) for day in range(368)]
HOURS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(366 * 24)]


UTC_ZONE = ZoneInfo("UTC")


def show(*values: object) -> None:
    print("{:12} {:>8} {:>8} {:>14} {:>14} {:>14}".format(*map(str, values)))


def days(site: Observer, zone: ZoneInfo) -> dict[date, tuple[datetime, datetime] | None]:
    found: dict[date, tuple[datetime, datetime] | None] = {}
    for day in DAYS:
        try:
            found[day] = daylight(site, day, tzinfo=zone)
        except ValueError:
            found[day] = None
    return found


def by_day(site: Observer, zone: ZoneInfo) -> int:
    spans = days(site, zone)
    found = ((time, spans[time.astimezone(zone).date()]) for time in HOURS)
    return sum(span is not None and span[0] <= time < span[1] for time, span in found)


show("", "turned", "refused", "dates of UTC", "dates of site", "elevation")
for name, (latitude, longitude, zone) in SITES.items():
    site = Observer(latitude, longitude)
    spans = list(days(site, UTC_ZONE).values())
    turned = sum(span is not None and span[1] < span[0] for span in spans)
    up = sum(elevation(site, time, with_refraction=False) > -0.833 for time in HOURS)
    show(name, turned, spans.count(None), by_day(site, UTC_ZONE), by_day(site, ZoneInfo(zone)), up)
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
