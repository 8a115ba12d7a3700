#!/usr/bin/env bash
# pycayennelpp 2.4.0
#
# A gateway decodes the Cayenne LPP frames of LoRaWAN sensors and encodes again what it passes on. With pycayennelpp
# that is not the same frame: what is decoded is a double, and it is multiplied and cut when it is encoded, so an
# analog input of 0.29 goes out as 0.28. One in fourteen of all analog values and voltages is a hundredth nearer to
# zero, and one in fifteen latitudes eleven metres nearer to the equator, while temperatures, pressures and humidities
# all stay, so a test with these shows nothing. A value that is too large is refused, but in a type with a sign only
# from twice the range on: an analog input of 400, whose largest is 327.67, is encoded without a word as -255.36, and
# one that is too small never is refused. Round to the type's step and move by half a step away from zero before
# encoding, and compare the range.
#
# Seen (frames that are others after decoding and encoding; an analog input that is encoded, and what is decoded):
#   temperature       0 of 65536
#   humidity          0 of 256
#   pressure          0 of 65536
#   analog input   4584 of 65536
#   voltage        4586 of 65536
#   latitude       3932 of 60000
#   analog input of   0.29: 0.28
#   analog input of  -0.29: -0.28
#   analog input of 327.67: 327.67
#   analog input of    400: -255.36
#   analog input of    600: -55.36
#   analog input of    656: refused
#   analog input of   -400: 255.36
#   analog input of  -1000: 310.72
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pycayennelpp==2.4.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from cayennelpp import LppFrame

LATITUDES = range(-900_000, 900_000, 30)  # in ten-thousandths of a degree, every thirtieth


def changed(kind: int, values: list[bytes]) -> int:
    frames = [bytes([1, kind]) + value for value in values]
    return sum(bytes(LppFrame.from_bytes(frame)) != frame for frame in frames)


for name, (kind, size) in {
    "temperature": (103, 2),
    "humidity": (104, 1),
    "pressure": (115, 2),
    "analog input": (2, 2),
    "voltage": (116, 2),
}.items():
    values = [number.to_bytes(size, "big") for number in range(256**size)]
    print(f"{name:13} {changed(kind, values):5} of {len(values)}")
positions = [latitude.to_bytes(3, "big", signed=True) + bytes(6) for latitude in LATITUDES]
print(f"{'latitude':13} {changed(136, positions):5} of {len(positions)}")
for value in (0.29, -0.29, 327.67, 400, 600, 656, -400, -1000):
    frame = LppFrame()
    try:
        frame.add_analog_input(1, value)
        found = LppFrame.from_bytes(bytes(frame)).data[0].value[0]
    except ValueError:
        found = "refused"
    print(f"analog input of {value:6}: {found}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
