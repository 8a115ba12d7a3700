#!/usr/bin/env bash
# h3 4.5.0
#
# Positions of vehicles are kept by their H3 cell of a fine resolution and rolled up to coarser ones by
# `cell_to_parent`. But a parent is not the cell of the position: hexagons do not divide into hexagons, children stick
# out of their parent, and six positions in a hundred lie in a neighbour of it. So counts that are rolled up and counts
# from coordinates differ in most cells while their sums agree, a join of the two finds other rows at each border, and
# a geofence of coarse cells lets in who is outside. A test with the centre of a city shows nothing. Roll up on both
# sides or on neither. And no latitude is too large: 91 is one degree beyond the pole, so coordinates the wrong way
# round, as GeoJSON has them, are no error for California but cells in the Southern Ocean; only NaN and infinity are
# refused. Compare with 90 and 180 before.
#
# Seen:
#   positions in another cell than their parent's, and cells whose counts differ
#     resolution  9 to 8    7%   30%
#     resolution  9 to 7    6%   64%
#     resolution 12 to 7    6%   71%
#     resolution 15 to 7    6%   71%
#   centre of the cell of a latitude and longitude
#     Los Angeles           34.0 -118.2
#     the wrong way round   -61.8 -146.0
#     91 degrees north      89.0 -179.5
#     infinitely far        H3LatLngDomainError
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet h3==4.5.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from collections import Counter

import h3

# A grid of 40,000 positions between 37 and 38 degrees north, 122.5 and 121.5 degrees west.
POSITIONS = [(37 + row / 200, -122.5 + column / 200) for row in range(200) for column in range(200)]

print("positions in another cell than their parent's, and cells whose counts differ")
for fine, coarse in ((9, 8), (9, 7), (12, 7), (15, 7)):
    parents = [h3.cell_to_parent(h3.latlng_to_cell(*position, fine), coarse) for position in POSITIONS]
    cells = [h3.latlng_to_cell(*position, coarse) for position in POSITIONS]
    others = sum(parent != cell for parent, cell in zip(parents, cells)) / len(POSITIONS)
    rolled_up, direct = Counter(parents), Counter(cells)
    differ = sum(rolled_up[cell] != direct[cell] for cell in direct) / len(direct)
    print(f"  resolution {fine:2} to {coarse}   {others:3.0%}  {differ:4.0%}")
print("centre of the cell of a latitude and longitude")
for name, position in {
    "Los Angeles": (34.05, -118.24),
    "the wrong way round": (-118.24, 34.05),
    "91 degrees north": (91.0, 0.0),
    "infinitely far": (float("inf"), 0.0),
}.items():
    try:
        latitude, longitude = h3.cell_to_latlng(h3.latlng_to_cell(*position, 7))
        print(f"  {name:21} {latitude:.1f} {longitude:.1f}")
    except h3.H3BaseException as error:
        print(f"  {name:21} {type(error).__name__}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
