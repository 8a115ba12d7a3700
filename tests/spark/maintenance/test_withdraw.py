"""Taking a landed file back: its rows leave all layers, and what they had displaced comes in."""

import json
from datetime import date
from pathlib import Path

import pytest

from jobs.errors import JobError
from jobs.maintenance import withdraw
from jobs.silver import stage as silver_stage
from jobs.state import begun_batches
from tests.support.devices import DEVICE

FIFTH, SIXTH = date(2024, 3, 5), date(2024, 3, 6)
TABLES = frozenset({"sensor_logs", "climate_hourly"})
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
# One that no other file has, one that comes again with other values, one that comes again, one that is malformed.
WRONG = "1,2024-03-04 08:00:00,70,40,Room_A\n2,2024-03-05 08:00:00,71,40,Room_B\n3,2024-03-05 08:00:00,72,40,Room_C\n?\n"
RIGHT = "2,2024-03-05 08:00:00,61,40,Room_B\n3,2024-03-05 08:00:00,72,40,Room_C\n4,2024-03-05 08:00:00,73,40,Room_D\n"
DOCUMENT = """[
  {"reading_id": 1, "device_id": 1000, "timestamp": "2024-03-05 08:00:00", "battery": 3.1},
  {"reading_id": 2, "device_id": 1000, "timestamp": "2024-03-05 08:01:00"}
]"""
CORRECTED = "1,2024-03-04 08:00:00,60,40,Room_A\n"


def test_a_withdrawn_file_leaves_all_layers_and_what_it_displaced_comes_in(
    lake, deliver, table, accounts, command, run, monkeypatch
):
    def held():
        logs = {(row.sensor_id, row.temperature, row._night) for row in table("silver.sensor_logs").collect()}
        rooms = {(row.location, row.avg_temperature_f) for row in table("gold.climate_hourly").collect()}
        refused = table("ops.quarantine").where("source = 'sensor_logs'").count()
        return logs, rooms, refused, table("bronze.sensor_logs").count()

    def account(of: date):
        found = accounts("sensor_logs")[of]
        assert found["is_balanced"] and found["is_published"]
        return [found[name] for name in ("landed", "bronze", "silver", "quarantined", "duplicates")]

    def work(
        *stages: str, night: date = SIXTH, run_id: str = "again", tables: frozenset[str] = TABLES
    ) -> None:
        for stage in stages:
            run(stage, night=night, run_id=run_id, tables=tables)

    for which, name, lines in ((FIFTH, "wrong 1.csv", WRONG), (SIXTH, "right.csv", RIGHT)):
        (lake("bronze").landing / f"sensor_logs/arrived={which}").mkdir(parents=True)
        deliver("sensor_logs", f"arrived={which}/{name}", HEADER + lines)
    work("bronze", "silver", "gold", "publish", run_id="first")
    before = held()
    assert before[0] == {(1, 70, FIFTH), (2, 71, FIFTH), (3, 72, FIFTH), (4, 73, SIXTH)}
    assert (account(FIFTH), account(SIXTH)) == ([4, 4, 3, 1, 0], [3, 3, 1, 1, 1])

    asked = ("withdraw", "--source=sensor_logs", "--file=wrong 1.csv")
    for argv, says in ((["--file=no.csv"], "'no.csv'"), (["--source=nothing"], "nothing")):
        code, _, complaint = command(lake, *asked, *argv)
        assert code == 2 and says in complaint and complaint.count("\n") == 1
    code, said, _ = command(lake, *asked, "--dry-run")
    assert code == 0 and "4 rows" in said and "2024-03-05, 2024-03-06" in said
    assert held() == before and account(FIFTH) == [4, 4, 3, 1, 0]

    def die(*_: object) -> None:
        raise JobError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(withdraw, "_delete", die)
        assert command(lake, *asked)[0] == 1
    # What it had not come to yet, a run in between does not take for done.
    work("silver")
    code, said, complaint = command(lake, *asked)
    assert (code, complaint) == (0, "")
    assert command(lake, *asked)[0] == 2, "there is no such file any more"
    deliver("sensor_logs", "wrong 1.csv", HEADER + CORRECTED)
    deliver("live_sensors", "wrong.json", DOCUMENT)
    work("bronze", "silver", tables=TABLES | {"live_sensors"})
    work("gold", "publish", "verify")
    logs, rooms, refused, in_bronze = held()
    assert logs >= {(2, 61, SIXTH), (3, 72, SIXTH), (4, 73, SIXTH)}
    assert {(sensor, temperature) for sensor, temperature, _ in logs} == {(1, 60), (2, 61), (3, 72), (4, 73)}
    assert rooms == {("Room_A", 60), ("Room_B", 61), ("Room_C", 72), ("Room_D", 73)}
    assert (refused, in_bronze) == (0, 4)
    assert (account(FIFTH), account(SIXTH)) == ([0, 0, 0, 0, 0], [3, 3, 3, 0, 0])
    (rejected,) = table("ops.rejected_files").collect()
    assert rejected.reason == withdraw.REASON
    kept = Path(rejected.file)
    assert kept.read_text() == HEADER + WRONG and "_withdrawn" in kept.parts

    # Of a document, what was brought is kept, not the lines that were made of it.
    assert table("ops.schema_drift").where("source = 'live_sensors'").count() == 1
    assert command(lake, "withdraw", "--source=live_sensors", "--file=wrong.json")[0] == 0
    folder = lake("bronze").landing / "live_sensors"
    assert [file.read_text() for file in folder.rglob("*wrong.json")] == [DOCUMENT]
    assert table("bronze.live_sensors").count() == 0
    assert table("ops.schema_drift").where("source = 'live_sensors'").count() == 0


MACHINES = (
    "device_id,trip_id,factory_id,model_id,timestamp,airflow_rate,rotation_speed,air_pressure,temperature,delay,"
    "density\n1,7,A06,M1,2024-03-05 08:00:00,10,900,1000,120,100,1\n"
)


def test_a_file_of_a_night_that_silver_did_not_finish_leaves_nothing(
    lake, deliver, table, accounts, command, run, monkeypatch
):
    def die(*_: object) -> None:
        raise JobError("killed")

    tables = frozenset({"machine_sensors", "inspections"})
    deliver("machine_sensors", "hot.csv", MACHINES, FIFTH)
    run("bronze", night=FIFTH, tables=tables)
    with monkeypatch.context() as patched:
        patched.setattr(silver_stage, "_account", die)
        with pytest.raises(JobError):
            run("silver", night=FIFTH, tables=tables)
    assert begun_batches.read(lake("gold")) == {"machine_sensors": {FIFTH: set()}}
    assert table("silver.machine_anomalies").count() == 1
    assert command(lake, "withdraw", "--source=machine_sensors", "--file=hot.csv")[0] == 0
    run("silver", night=SIXTH, tables=tables)
    assert table("silver.machine_anomalies").count() == 0
    assert accounts("machine_sensors")[FIFTH]["is_balanced"]
    assert begun_batches.read(lake("gold")) == {}


def test_facts_of_devices_that_no_other_file_names_are_looked_up_again_and_no_others(
    deliver, table, accounts, command, run, lake
):
    def change(device: int, sequence: int) -> str:
        of = {
            "device_id": device,
            "operation": "UPDATE",
            "operation_date": "2024-03-04 08:00:00",
            "before": None,
        }
        return (
            json.dumps(of | {"sequence": sequence, "after": json.dumps({"device_id": device} | DEVICE)})
            + "\n"
        )

    def reading(number: int, device: int, day: date) -> str:
        of = {"reading_id": number, "device_id": device, "timestamp": f"{day} 10:00:00", "unit": "celsius"}
        return (
            json.dumps(of | {"metric_name": "temperature", "metric_value": 21.5, "quality_score": 90}) + "\n"
        )

    def work(*stages: str) -> tuple[set[int], set[str]]:
        for stage in stages:
            run(stage, night=SIXTH, tables=frozenset({"devices", "device_changes", "readings"}))
        refused = table("ops.quarantine").where("source = 'readings'").collect()
        return {row.reading_id for row in table("silver.readings").collect()}, {row.key for row in refused}

    deliver("device_changes", "wrong.json", change(7, 1) + change(8, 1), FIFTH)
    deliver("device_changes", "right.json", change(8, 2), FIFTH)
    deliver("readings", "a.json", reading(1, 7, FIFTH) + reading(2, 8, FIFTH), FIFTH)
    deliver("readings", "b.json", reading(3, 8, SIXTH), SIXTH)
    assert work("bronze", "silver") == ({1, 2, 3}, set())
    sixth = accounts("readings")[SIXTH]
    code, said, _ = command(lake, "withdraw", "--source=device_changes", "--file=wrong.json")
    assert code == 0 and f"too: readings of {FIFTH}\n" in said
    assert work("silver") == ({2, 3}, {"1"})
    assert accounts("readings")[SIXTH] == sixth and accounts("readings")[FIFTH]["is_balanced"]
