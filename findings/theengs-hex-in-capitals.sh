#!/usr/bin/env bash
# theengsdecoder 2.5.0, ruuvitag-sensor 4.1.0
#
# A Bluetooth gateway passes advertisements on as hexadecimal digits, in small letters or capitals. Theengs' decoder
# reads both, and yet they are not the same: the marks by which a RuuviTag says that it has no value (data format 5:
# the largest number of a field without a sign) are compared as text, in small letters. In capitals, as Ruuvi's own
# documentation writes its frames, a tag without a sensor of pressure has 1155.35 hPa, and the frame that is invalid
# throughout a humidity of 163.8 %. Temperature and acceleration, whose mark 8000 has no letter, are left out in both,
# and what has values is the same in both, so a test with such a frame shows nothing. (theengs/decoder issue 612 was
# closed with the marks in small letters.) A battery whose voltage is not known has 3.647 V in either. Other devices are
# recognized by letters: in capitals these are no device at all. Put the digits into small letters first.
#
# Seen (by Theengs in small letters, in capitals; by ruuvitag-sensor, in capitals; - is none):
#   a tag with all sensors
#     temperature         24.3         24.3         24.3
#     humidity            53.49        53.49        53.49
#     pressure            1000.44      1000.44      1000.44
#   a tag without pressure
#     temperature         0.545        0.545        0.55
#     humidity            78.315       78.315       78.31
#     pressure            -            1155.35      -
#   nothing is valid
#     temperature         -            -            -
#     humidity            -            163.8375     -
#     pressure            -            1155.35      -
#     power of the radio  -            22           -
#     movements           -            255          255
#     voltage             3.647        3.647        -
#   a thermometer, Govee H5075
#     temperature         26.8         -            -
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet theengsdecoder==2.5.0 ruuvitag-sensor==4.1.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import json

from ruuvitag_sensor.decoder import Df5Decoder
from TheengsDecoder import decodeBLE

COMPANY = "9904"  # before Ruuvi's own bytes
FIELDS = {
    "temperature": ("tempc", "temperature"),
    "humidity": ("hum", "humidity"),
    "pressure": ("pres", "pressure"),
    "power of the radio": ("tx", "tx_power"),
    "movements": ("mov", "movement_counter"),
    "voltage": ("volt", "battery"),
}
FEW = list(FIELDS)[:3]


def by_theengs(data: str, name: str) -> dict[str, object]:
    advertisement = {"id": "CB:B8:33:4C:88:4F", "name": name, "manufacturerdata": data}
    return json.loads(decodeBLE(json.dumps(advertisement)) or "{}")


def by_ruuvi(data: str) -> dict[str, object]:
    """The values of a frame of a RuuviTag, or none."""
    return Df5Decoder().decode_data(data.removeprefix(COMPANY)) if data.startswith(COMPANY) else {}


for what, name, data, fields in (
    ("a tag with all sensors", "Ruuvi 884F", f"{COMPANY}0512fc5394c37c0004fffc040cac364200cdcbb8334c884f", FEW),
    ("a tag without pressure", "Ruuvi BDA2", f"{COMPANY}05006d7a5efffffc8001e4ff6c76b67efe70dd79c68fbda2", FEW),
    ("nothing is valid", "Ruuvi FFFF", f"{COMPANY}058000ffffffff800080008000ffffffffffffffffffffff", list(FIELDS)),
    ("a thermometer, Govee H5075", "GVH5075_1234", "88ec000418ac6400", ["temperature"]),
):
    print(what)
    small, capitals, ruuvi = by_theengs(data, name), by_theengs(data.upper(), name), by_ruuvi(data.upper())
    for field in fields:
        theengs, own = FIELDS[field]
        found = (small.get(theengs), capitals.get(theengs), ruuvi.get(own))
        columns = ["-" if each is None else str(each) for each in found]
        print(f"  {field:19} {columns[0]:12} {columns[1]:12} {columns[2]}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
