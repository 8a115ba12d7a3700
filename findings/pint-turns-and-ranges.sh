#!/usr/bin/env bash
# pint 0.25.3, numpy 2.4.6
#
# A motor at 3000 rpm turns 50 times a second, and 50 Hz is the line to look for in its vibration. pint makes 314 Hz of
# it, without a word: a turn is 2π radians, a radian is one, and one is what a hertz counts, so rpm, rps and degrees
# per second are 2π times too large in hertz or 1/min, and 50 Hz are 477 rpm. Power is right that way, as torque by
# rpm, and a sixth of itself with the same speed in hertz. Turns per second are asked for as `turn/s`. As quietly, the
# range of temperatures by `np.ptp` is a temperature: a range of ten degrees Celsius is one of 50 °F, where that of
# `max() - min()` is a difference, of 18. And a name that is no unit is read as a prefix and a unit: cfm, cubic feet
# per minute, is a length of centifermi, pH a picohenry and mb a millibarn, which shows when it is converted and not
# before.
#
# Seen:
#   3000 rpm in hertz                            314.2 hertz
#   3000 rpm in 1/min                            1.885e+04 / minute
#   3000 rpm in turns per second                 50 turn / second
#   50 Hz in rpm                                 477.5 revolutions_per_minute
#   360 degrees per second in hertz              6.283 hertz
#   100 N m at 3000 rpm                          31.42 kilowatt
#   100 N m at 50 Hz                             5 kilowatt
#   range of 20 and 30 °C by ptp                 10 degree_Celsius
#   the same in °F                               50 degree_Fahrenheit
#   range by max() - min()                       10 delta_degree_Celsius
#   the same in °F                               18 delta_degree_Fahrenheit
#   1 cfm                                        1 centifermi
#   1 pH                                         1 picohenry
#   1 mb                                         1 millibarn
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pint==0.25.3 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import numpy as np
import pint

Q = pint.UnitRegistry().Quantity


def show(what: str, found: pint.Quantity) -> None:
    print(f"{what:44} {found:.4g}")


show("3000 rpm in hertz", Q(3000, "rpm").to("Hz"))
show("3000 rpm in 1/min", Q(3000, "rpm").to("1/min"))
show("3000 rpm in turns per second", Q(3000, "rpm").to("turn/s"))
show("50 Hz in rpm", Q(50, "Hz").to("rpm"))
show("360 degrees per second in hertz", Q(360, "degree/s").to("Hz"))
show("100 N m at 3000 rpm", (Q(100, "N*m") * Q(3000, "rpm")).to("kW"))
show("100 N m at 50 Hz", (Q(100, "N*m") * Q(50, "Hz")).to("kW"))
readings = Q(np.array([20.0, 30.0]), "degC")
show("range of 20 and 30 °C by ptp", np.ptp(readings))
show("the same in °F", np.ptp(readings).to("degF"))
show("range by max() - min()", readings.max() - readings.min())
show("the same in °F", (readings.max() - readings.min()).to("delta_degF"))
for name in ("cfm", "pH", "mb"):
    show(f"1 {name}", Q(1, name))
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
