"""Lands nights of readings and what hangs on them as the simulator would, in seconds instead of minutes.

    .venv/peer/bin/python benchmarks/landing.py LANDING FIRST LAST READINGS

FIRST and LAST are nights from 2024-01-01 on, the one that brings the fleet; READINGS is how many belong to a night.
Fields, fault rates, names of files and manifests are the simulator's, so that the project takes what has landed for
simulated, and simulates none of it again. The values are others, the same in every run.
"""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta
from pathlib import Path

import duckdb

FIRST_NIGHT = date(2024, 1, 1)
# Source -> what `generate` compares before it leaves a night alone: as if it had landed it with its defaults.
PARAMETERS: dict[str, dict[str, object]] = {
    "devices": {"seed": 42},
    "device_changes": {"seed": 42, "fault_rates": {}},
    "events": {"seed": 42, "scale": 1.0, "fault_rates": {}},
    "readings": {"seed": 42, "scale": 1.0, "fault_rates": {}},
}


def land(connection: duckdb.DuckDBPyConnection, landing: Path, night: date, readings: int) -> None:
    """Land a night's files, two a source, and their manifests."""
    index = (night - FIRST_NIGHT).days
    lines = {
        "device_changes": f"device_changes({index})",
        "events": f"events({index}, {readings})",
        "readings": f"readings({index}, {readings})",
    }
    if index == 0:
        lines["devices"] = "devices()"
    for source, query in lines.items():
        folder = landing / source / f"arrived={night}"
        folder.mkdir(parents=True)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE lines AS FROM {query}")
        files = {
            f"{source}-{night}-{number:03d}.json": _write(connection, folder, f"{source}-{night}", number)
            for number in (0, 1)
        }
        manifest = {**PARAMETERS[source], "lines": sum(files.values()), "files": files}
        (folder / "_generated.json").write_text(json.dumps(manifest, indent=1))


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, stem: str, number: int) -> int:
    """Write one file, each line as it is; return how many."""
    chosen = f"(SELECT line FROM lines WHERE file = {number})"
    target = folder / f"{stem}-{number:03d}.json"
    layout = "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'"
    connection.execute(f"COPY {chosen} TO '{target}' ({layout})")
    return int(connection.execute(f"SELECT count(*) FROM {chosen}").fetchall()[0][0])


def main() -> None:
    """Land the nights that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("landing", type=Path, metavar="LANDING")
    parser.add_argument("first", type=date.fromisoformat, metavar="FIRST")
    parser.add_argument("last", type=date.fromisoformat, metavar="LAST")
    parser.add_argument("readings", type=int, metavar="READINGS")
    given = parser.parse_args()
    connection = duckdb.connect()
    connection.execute(Path(__file__).with_suffix(".sql").read_text())
    for days in range((given.last - given.first).days + 1):
        land(connection, given.landing, given.first + timedelta(days), given.readings)


if __name__ == "__main__":
    main()
