#!/usr/bin/env bash
# obd 0.7.3 (pint 0.24.4)
#
# A fleet's logger reads cars through their diagnostic socket with python-OBD. The pressure of the fuel tank's vapour is
# two bytes with one sign (PID 32, SAE J1979), and each of them is given a sign of its own: where the lower byte is 80
# or more, which is half of all values, the pressure is 64 Pa too low, and 32 Pa is -32 Pa. Of the oxygen sensors (PID
# 13 and 1D) the bits are read from the wrong end: a car with sensors 1 and 2 of bank 1 has 3 and 4 of bank 2. And of
# what the car kept when a fault came up (mode 02) the number of the frame, which comes before the value, is taken for
# the value, or for half of it: at 1726 rpm, 83 °C and half the load the engine had 6.5 rpm, -40 °C and no load. (The
# question lacks that number, too, so not all cars answer.) Nothing is said, the package's own tests leave PID 32 out,
# and what is read most, speed, rpm and temperatures of mode 01, is right. The messages of a response have the bytes.
#
# Seen (what the car answered; as python-OBD reads it; what it is by J1979):
#   EVAP_VAPOR_PRESSURE    4132007F    31.75 pascal                   31.75
#   EVAP_VAPOR_PRESSURE    41320080    -32.0 pascal                   32
#   EVAP_VAPOR_PRESSURE    413200FF    -0.25 pascal                   63.75
#   EVAP_VAPOR_PRESSURE    4132FF7F    -32.25 pascal                  -32.25
#   EVAP_VAPOR_PRESSURE    4132FF80    -96.0 pascal                   -32
#   O2_SENSORS             411303      bank 2: 3 4                    bank 1: 1 2
#   O2_SENSORS             411333      bank 1: 3 4, bank 2: 3 4       bank 1: 1 2, bank 2: 1 2
#   O2_SENSORS_ALT         411D03      bank 4: 1 2                    bank 1: 1 2
#   DTC_RPM                420C001AF8  6.5 revolutions_per_minute     1726
#   DTC_COOLANT_TEMP       4205007B    -40 degree_Celsius             83
#   DTC_ENGINE_LOAD        42040080    0.0 percent                    50.2
#   DTC_SHORT_FUEL_TRIM_1  42060088    -100.0 percent                 6.25
#   RPM                    410C1AF8    1726.0 revolutions_per_minute  1726
#   COOLANT_TEMP           41057B      83 degree_Celsius              83
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet obd==0.7.3 pint==0.24.4
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import obd
from obd.protocols import ISO_15765_4_11bit_500k

bus = ISO_15765_4_11bit_500k(["7E8 06 41 00 BE 3F A8 13"])  # the engine's answer to which PIDs it has
CASES = (
    ("EVAP_VAPOR_PRESSURE", "4132007F", "31.75"),
    ("EVAP_VAPOR_PRESSURE", "41320080", "32"),
    ("EVAP_VAPOR_PRESSURE", "413200FF", "63.75"),
    ("EVAP_VAPOR_PRESSURE", "4132FF7F", "-32.25"),
    ("EVAP_VAPOR_PRESSURE", "4132FF80", "-32"),
    ("O2_SENSORS", "411303", "bank 1: 1 2"),
    ("O2_SENSORS", "411333", "bank 1: 1 2, bank 2: 1 2"),
    ("O2_SENSORS_ALT", "411D03", "bank 1: 1 2"),
    ("DTC_RPM", "420C001AF8", "1726"),
    ("DTC_COOLANT_TEMP", "4205007B", "83"),
    ("DTC_ENGINE_LOAD", "42040080", "50.2"),
    ("DTC_SHORT_FUEL_TRIM_1", "42060088", "6.25"),
    ("RPM", "410C1AF8", "1726"),
    ("COOLANT_TEMP", "41057B", "83"),
)


def shown(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    banks = ((bank, [str(at) for at, there in enumerate(bits, 1) if there]) for bank, bits in enumerate(value))
    return ", ".join(f"bank {bank}: {' '.join(sensors)}" for bank, sensors in banks if sensors)


for name, answer, right in CASES:
    messages = bus([f"7E8{len(answer) // 2:02X}{answer}"])
    value = getattr(obd.commands, name)(messages).value
    print(f"{name:22} {answer:11} {shown(value):30} {right}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
