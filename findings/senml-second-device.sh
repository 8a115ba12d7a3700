#!/usr/bin/env bash
# senml 0.1.0 (attrs 26.1.0), kpn-senml 1.0.1 (cbor2 6.3.0)
#
# A hub sends the readings of two devices in one SenML pack. A base name, base time or base value holds until the next
# record that has one (RFC 8428, which has such a pack among its examples). The package senml takes the bases of the
# first record for all: the second device's readings are the first device's, at the first one's time, so an hour's
# backlog that a hub sends with one base time for each device falls on one moment. kpn-senml keeps one record for each
# name, the last, and forgets times and units: in a pack that is called like the first device, this one has the second
# one's humidity, and of three readings of one sensor one is left. A pack with another name keeps the two devices apart
# and writes the first one's readings as its own. Nothing is said, and a pack with one base, as most examples have, is
# right in senml. Walk the records yourselves and keep each base until it is replaced.
#
# Seen (device, name, minutes after the first base time, value):
#   two devices
#     by RFC 8428                   a/t 0 21.5    a/h 0 40      b/t 60 5.5    b/h 60 80
#     senml                         a/t 0 21.5    a/h 0 40      a/t 0 5.5     a/h 0 80
#     kpn-senml, pack "a/"          a/t - 21.5    a/h - 80      b/t - 5.5
#     kpn-senml, pack "hub/"        hub/t - 21.5  hub/h - 40    b/t - 5.5     b/h - 80
#   one sensor
#     by RFC 8428                   a/t 0 20.5    a/t 1 21.5    a/t 60 42
#     senml                         a/t 0 20.5    a/t 1 21.5    a/t 0 22
#     kpn-senml, pack "a/"          a/t - 42
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet senml==0.1.0 attrs==26.1.0 kpn-senml==1.0.1 cbor2==6.3.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import json

from kpn_senml import SenmlPack
from senml.senml import SenMLDocument

FIRST = 1_700_000_000


def shown(name: str, time: float | None, value: float) -> str:
    return f"{name} {'-' if time is None else round((time - FIRST) / 60)} {value:g}"


def by_rfc(pack: list[dict[str, object]]) -> list[str]:
    """Each record with the bases that hold for it; a time of none stands for a pack that has none."""
    base: dict[str, object] = {}
    found = []
    for record in pack:
        base |= {key: record[key] for key in ("bn", "bt", "bv") if key in record}
        time = base["bt"] + record.get("t", 0) if "bt" in base else None
        found.append(shown(base["bn"] + record["n"], time, base.get("bv", 0) + record["v"]))
    return found


def by_senml(pack: list[dict[str, object]]) -> list[str]:
    document = SenMLDocument.from_json(pack)
    records = [each.to_absolute(document.base) for each in document.measurements]
    return [shown(each.name, each.time, each.value) for each in records]


def by_kpn(pack: list[dict[str, object]], name: str) -> list[str]:
    read = SenmlPack(name)
    read.from_json(json.dumps(pack))
    return by_rfc(json.loads(read.to_json()))


def show(how: str, records: list[str]) -> None:
    print(f"  {how:29} {'  '.join(f'{each:12}' for each in records)}".rstrip())


two = [
    {"bn": "a/", "bt": FIRST, "n": "t", "u": "Cel", "v": 21.5},
    {"n": "h", "u": "%RH", "v": 40},
    {"bn": "b/", "bt": FIRST + 3600, "n": "t", "u": "Cel", "v": 5.5},
    {"n": "h", "u": "%RH", "v": 80},
]
one = [
    {"bn": "a/", "bt": FIRST, "n": "t", "u": "Cel", "v": 20.5},
    {"n": "t", "u": "Cel", "t": 60, "v": 21.5},
    {"bn": "a/", "bt": FIRST + 3600, "bv": 20, "n": "t", "u": "Cel", "v": 22},
]
for title, pack, names in (("two devices", two, ("a/", "hub/")), ("one sensor", one, ("a/",))):
    print(title)
    show("by RFC 8428", by_rfc(pack))
    show("senml", by_senml(pack))
    for name in names:
        show(f'kpn-senml, pack "{name}"', by_kpn(pack, name))
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
