"""The same argument lists on both platforms come to the same tables, verdicts and messages.

Databricks is stood in for by tests/support/standin/compute.py, on the tests' own Spark server. That its API, a wheel and Airflow's scheduler change
nothing about it is for tests/end_to_end/test_on_databricks.py.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog.tables import SOURCES, STREAMED, TABLES
from jobs.delta.lake import Lake
from jobs.kafka import VARIABLE, parse
from jobs.stream.batches import Batch, counts
from tests.spark.parity.conftest import EARLIER, NIGHT, REAL, RECEIVED, RUNS, Night, Sides
from tests.support.kafka import broker as kafka
from tests.support.nights import IDLE
from tests.support.sides import COMPARED, Digests, Side, verdicts

Both = tuple[Night, Night]


def nights_in(digests: Digests, table: str) -> set[str]:
    """The nights of which a table has rows."""
    return {str(night) for name, night in digests if name == table}


def test_a_night_that_fails_its_check_fails_alike_on_both_and_makes_no_gold(night: Both) -> None:
    for side in night:
        run_result = side.results_of_the_failed["check_silver"]
        assert side.failed.exit == run_result["exit"] == 3
        assert side.failed.said == f"check_silver: {run_result['message']}\n"
        assert "unknown status" in side.page_of_the_failed
        assert "gold" not in side.results_of_the_failed
        assert side.gold_of_the_failed == {}
        assert side.refused == ({"devices", "device_changes"}, set())
    here, there = (side.results_of_the_failed["check_silver"] for side in night)
    assert (verdicts(there), there["message"]) == (verdicts(here), here["message"])


def test_once_the_cause_is_mended_the_night_goes_on_to_the_same_tables_and_verdicts(
    night: Both, sides: Sides
) -> None:
    here, there = night
    assert (here.mended.exit, there.mended.exit) == (0, 0)
    assert nights_in(here.tables, "gold.device_health") >= {NIGHT}
    assert there.tables == here.tables
    assert set(there.run_results) == set(here.run_results) == {*sides.local.emitted["night"]}
    for stage, run_result in here.run_results.items():
        assert verdicts(there.run_results[stage]) == verdicts(run_result), stage
        assert len(there.run_results[stage]["pages"]) == len(run_result["pages"]), stage


def test_what_came_of_each_step_of_a_night_is_kept_with_its_report_and_that_it_was_refused_at_once(
    night: Both, sides: Sides
) -> None:
    for of_night, side in zip(night, sides, strict=True):
        run_id = of_night.run_results["report"]["run_id"]
        rows = [row for row in side.rows("ops.job_runs") if row.run_id == run_id]
        (refused,) = (row for row in rows if row.status == "refused")
        assert (refused.stage, refused.table) == ("check_silver", None)
        assert json.loads(refused.detail) == {
            "message": of_night.results_of_the_failed["check_silver"]["message"]
        }
        kept = Counter((row.stage, row.table, row.rows) for row in rows if row is not refused)
        assert kept == Counter(
            (stage, table["table"], table["rows"])
            for stage, run_result in of_night.run_results.items()
            for table in run_result["tables"]
        )


def test_earlier_nights_in_bulk_on_databricks_and_backwards_here_come_to_the_same_tables_none_of_them_empty(
    after_all: Sides,
) -> None:
    here, there = (side.digests() for side in after_all)
    assert {table for table, _ in here} == {*COMPARED} - {f"gold.{name}" for name in IDLE}
    assert here["gold.transactions_daily", date.fromisoformat(EARLIER[0])][0] > 5
    assert nights_in(here, "gold.sensor_hourly") >= {*EARLIER}
    assert nights_in(here, "gold.climate_hourly") >= {NIGHT}
    features = Lake(after_all.local.spark, after_all.local.settings).read("silver.inspection_features")
    # Each night's inspections reach back into the night before, which is there before it or after it.
    of_the_evening_before = features.where("to_date(sensor_hour_end - INTERVAL 1 SECOND) < event_date")
    assert of_the_evening_before.where(f"event_date = '{EARLIER[1]}'").count() > 5
    assert there == here


def test_nights_have_the_same_bronze_and_quarantine_on_both(after_all: Sides) -> None:
    bronze = [f"bronze.{source}" for source in SOURCES]
    here, there = (side.digests(bronze, but=("_file", "_ingested_at")) for side in after_all)
    assert {table for table, _ in here} == {*bronze}
    assert there == here
    here, there = (side.rows("ops.quarantine", "file") for side in after_all)
    assert {row.source for row in here} > {"readings", "sensor_logs"}
    assert there == here


def test_nights_have_the_same_accounts_on_both(after_all: Sides) -> None:
    here, there = (side.rows("ops.row_accounts", "run_id", "settled_at") for side in after_all)
    assert {row.source for row in here} == {*SOURCES}
    assert {str(row.night) for row in here} >= {*EARLIER, NIGHT}
    assert all(row.is_balanced for row in here)
    assert there == here


def test_files_of_ones_own_are_read_alike_on_both(after_all: Sides) -> None:
    for side in after_all:
        devices = sorted(row.device_id for row in side.rows(f"silver.{REAL}"))
        assert devices == [1, 2, 3, 4, 5, 6, 7]
        (account,) = (row for row in side.rows("ops.row_accounts") if row.source == REAL and row.landed)
        assert (account.landed, account.silver, account.quarantined, account.duplicates) == (11, 7, 3, 1)
        (set_aside,) = side.rows("ops.rejected_files")
        assert (set_aside.source, Path(set_aside.file).name) == (REAL, "cut.jsonl.gz")
    here, there = (side.rows("ops.rejected_files", "file", "rejected_at") for side in after_all)
    assert there == here


@pytest.mark.parametrize("stage", ["check_bronze", "check_silver", "check_gold"])
def test_nights_in_bulk_pass_as_many_expectations_as_each_by_itself(after_all: Sides, stage: str) -> None:
    """A night by itself has not the rows of two in bulk, and so not the very same verdict."""

    def of_each(run_result: Mapping[str, Any]) -> dict[str, tuple[int, bool]]:
        return {
            table["table"]: (table["detail"]["expectations"], table["detail"]["success"])
            for table in run_result["tables"]
        }

    month = f"{EARLIER[0]:.7}"
    in_bulk = of_each(after_all.remote.run_results("nights in bulk", f".{month}")[stage])
    assert len(in_bulk) >= 5
    for night in EARLIER:
        assert of_each(after_all.local.run_results(f"night {night}")[stage]) == in_bulk, night


def inspected() -> list[tuple[Any, ...]]:
    """Rows of silver.inspection_features: four parts of each trip, thirty trips on each earlier night.

    Those of machines that had grown hot are often defective; the simulated ones are too few to learn from.
    """
    rows = []
    for part in range(240):
        trip = part // 4
        rise, day = trip * 37 % 60 - 20.0, date.fromisoformat(EARLIER[trip % 2])
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(minutes=part)
        known = {
            **{"device_id": 2000 + trip, "timestamp": at, "event_date": day, "_night": day},
            **{"defect": int((rise > 12 and part % 2 == 0) or part % 41 == 0), "sensor_hour_end": at},
            **{"sensor_temperature": 60 + rise, "sensor_temperature_average": 60.0},
        }
        rows.append(tuple(known.get(name) for name in TABLES["silver.inspection_features"].column_names))
    return rows


def test_a_model_that_is_trained_on_both_is_the_same(after_all: Sides) -> None:
    found = []
    for side in after_all:
        table = TABLES["silver.inspection_features"]
        frame = side.spark.createDataFrame(inspected(), table.columns)
        Lake(side.spark, side.settings).append(table.full_name, frame)
        ended = side.run("training")
        assert ended.exit == 0, ended
        found.append(verdicts(side.run_results("training")["train"]))
    # Of what there was on either side of the cut, each has read all.
    (here,), (there,) = (
        side.rows("ops.models", "run_id", "trained_at", "data_version") for side in after_all
    )
    assert there == here and found[0] == found[1]
    assert here.beats_rule and len(here.weights) > 1 and min(here.train_rows, here.test_rows) > 100


def test_pages_are_where_the_run_results_say(after_all: Sides) -> None:
    for side in after_all:
        run_results = [
            run_result for name in ("night", "streams") for run_result in side.run_results(name).values()
        ]
        pages = [page for run_result in run_results for page in run_result["pages"]]
        assert len(pages) > 10
        for page in pages:
            assert (side.settings.docs / page).stat().st_size > 0, page


def test_a_stream_to_kafka_is_the_same_messages_from_both_each_with_its_own_secret(
    sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def messages(broker: kafka.Kafka) -> set[tuple[Any, ...]]:
        reader = sides.local.spark.read.format("kafka").options(**parse(broker.connection_string).options)
        both = reader.option("subscribe", ",".join(STREAMED)).option("startingOffsets", "earliest")
        sent = both.load().selectExpr("topic", "cast(key AS STRING)", "cast(value AS STRING)").collect()
        assert len(set(sent)) == len(sent) == asked_for
        return set(sent)

    def received(side: Side) -> set[str]:
        # As in a lake in which the source was never streamed to files.
        streamed = side.settings.home / "checkpoints/stream" / RECEIVED / "json"
        if streamed.exists():
            streamed.rename(streamed.with_name("hidden"))
        received = side.run("from Kafka")
        if (hidden := streamed.with_name("hidden")).exists():
            hidden.rename(streamed)
        assert received.exit == 0, received
        files = list(side.landing(RECEIVED).glob("*-received-*"))
        lines = [line for file in files for line in file.read_text().splitlines()]
        assert len(set(lines)) == len(lines) == 120
        # No night of another test is to take them in.
        for file in files:
            file.unlink()
        return set(lines)

    form = RUNS["to Kafka"].form
    piece, night = Batch(0, form["seconds"], form["rows_per_second"]), date.fromisoformat(form["night"])
    seed = sides.local.settings.options.seed
    asked_for = sum(sum(counts(source, night, piece, seed)) for source in STREAMED)
    assert asked_for > 300
    for side in sides:
        refused = side.run("without a secret")
        assert refused.exit == 2 and "nothing says where Kafka is" in refused.said
    (tmp_path / "here").mkdir()
    with kafka.running(tmp_path / "here") as broker:
        monkeypatch.setenv(VARIABLE, broker.connection_string)
        assert sides.local.run("to Kafka").exit == 0
        here = messages(broker)
        landed = received(sides.local)
        assert landed == {value for topic, _, value in here if topic == RECEIVED}
    monkeypatch.delenv(VARIABLE)
    (tmp_path / "there").mkdir()
    with kafka.running(tmp_path / "there") as broker:
        sides.keep_secret("lakehouse", "kafka", broker.connection_string)
        assert sides.remote.run("to Kafka").exit == 0
        assert messages(broker) == here
        assert received(sides.remote) == landed
