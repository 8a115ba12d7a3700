#!/usr/bin/env bash
# APScheduler 3.11.3, croniter 7.0.0, cronsim 2.8, tzdata 2026.6
#
# A gateway's crontab is moved to APScheduler with `CronTrigger.from_crontab`, which its documentation calls a standard
# crontab expression. The days of the week are one too late there: 0 is Monday and not Sunday, so 1-5 is Tuesday to
# Saturday, and 7 is refused. A line with both days, `1 * 1`, which to cron is the first of the month and each Monday,
# is a Monday that is the first. MON#1, the first Monday, is every Monday, without a word. Names (MON-FRI) are right.
# In the night that clocks go forward 02:30 is run an hour later by APScheduler and at 03:00 by the others, and in the
# night that they go back twice by APScheduler and croniter, and once by cronsim, as Debian's cron has it; `*/2 * 1`,
# by croniter, is each second day and each Monday, by cronsim and Debian's cron a Monday with an odd date. So a job
# that must run once a day, such as one that adds a day's sum to a counter, should not be between two and three, or be
# asked in UTC.
#
# Seen (APScheduler; croniter; cronsim; in Berlin):
#   0 12 * * 0      Mon4                    Sun3                     Sun3
#   0 12 * * 7      refused                 Sun3                     Sun3
#   0 12 * * MON    Mon4                    Mon4                     Mon4
#   0 12 * * 1-5    Fri1 Sat2 Tue5 Wed6 Thu7 Fri1 Mon4 Tue5 Wed6 Thu7 Fri1 Mon4 Tue5 Wed6 Thu7
#   0 12 */2 * 1    Tue5                    Fri1 Sun3 Mon4 Tue5 Thu7 -
#   0 12 1 * 1      -                       Fri1 Mon4 Mon11          Fri1 Mon4 Mon11
#   0 12 * * MON#1  Mon4 Mon11              Mon4                     Mon4
#   30 2 * * *      02:30+0100              03:00+0200               03:00+0200
#   30 2 * * *      02:30+0200 02:30+0100   02:30+0200 02:30+0100    02:30+0200
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet APScheduler==3.11.3 croniter==7.0.0 cronsim==2.8 tzdata==2026.6
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

BERLIN = ZoneInfo("Europe/Berlin")


def by_apscheduler(line: str, start: datetime):
    trigger, last = CronTrigger.from_crontab(line, timezone=BERLIN), start
    while (run := trigger.get_next_fire_time(None, last.astimezone(UTC) + timedelta(seconds=1))) is not None:
        yield run
        last = run


def show(line: str, start: datetime, days: int, form: str) -> None:
    end = (start + timedelta(days=days)).timestamp()
    found = []
    for runs in (by_apscheduler(line, start), croniter(line, start).all_next(datetime), CronSim(line, start)):
        times = takewhile(lambda run: run.timestamp() < end, runs)
        try:
            found.append(" ".join(run.strftime(form) for run in times) or "-")
        except ValueError:
            found.append("refused")
    print(f"{line:15} {found[0]:23} {found[1]:24} {found[2]}")


march = datetime(2024, 2, 29, 13, tzinfo=BERLIN)
for line in ("0 12 * * 0", "0 12 * * 7", "0 12 * * MON", "0 12 * * 1-5", "0 12 */2 * 1"):
    show(line, march, 7, "%a%-d")
for line in ("0 12 1 * 1", "0 12 * * MON#1"):
    show(line, march, 14, "%a%-d")
show("30 2 * * *", datetime(2024, 3, 31, tzinfo=BERLIN), 1, "%H:%M%z")
show("30 2 * * *", datetime(2024, 10, 27, tzinfo=BERLIN), 1, "%H:%M%z")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
