#!/usr/bin/env bash
# altair 6.3.0, vl-convert-python 1.9.0.post1 (Vega-Lite 6.4, Vega 6.2)
#
# Readings of a day want a tick every three hours: `axis=alt.Axis(tickCount=alt.TimeIntervalStep("hour", step=3))`. The schema
# of Vega-Lite has "hour" for that, and Altair refuses whatever is not in it; but Vega knows "hours", and fails at "hour".
# So it is with minutes, seconds and milliseconds, while days and weeks are called alike. Whoever saves a picture gets an
# error about `marktype`. In a browser nobody does: `runAsync()` and vega-embed resolve, a line is in the console, and the
# chart stands there without its points or its axis. "hours" is drawn, which only a dictionary can say
# (`alt.Chart.from_dict(..., validate=False)`); `tickCount="hour"`, without a step, is drawn, too.
#
# Seen (an interval of ticks; whether Altair takes it, and whether Vega draws it):
#   millisecond valid fails
#   second valid fails
#   minute valid fails
#   hour valid fails
#   day valid drawn
#   week valid drawn
#   month valid drawn
#   year valid drawn
#   seconds refused drawn
#   minutes refused drawn
#   hours refused drawn
#   hour, without a step: valid drawn
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet altair==6.3.0 vl-convert-python==1.9.0.post1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import altair
import vl_convert
from jsonschema import ValidationError

READINGS = [{"at": f"2024-03-05T10:{minute:02}:00Z", "value": minute} for minute in range(60)]


def found(ticks):
    spec = {
        "data": {"values": READINGS},
        "mark": "point",
        "encoding": {
            "x": {"field": "at", "type": "temporal", "scale": {"type": "utc"}, "axis": {"tickCount": ticks}},
            "y": {"field": "value", "type": "quantitative"},
        },
    }
    try:
        altair.Chart.from_dict(spec)
        taken = "valid"
    except ValidationError:
        taken = "refused"
    try:
        vl_convert.vegalite_to_svg(spec, vl_version="6.4")
        return f"{taken} drawn"
    except ValueError:
        return f"{taken} fails"


INTERVALS = "millisecond second minute hour day week month year seconds minutes hours"
for interval in INTERVALS.split():
    print(interval, found({"interval": interval, "step": 1}))
print("hour, without a step:", found("hour"))
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
