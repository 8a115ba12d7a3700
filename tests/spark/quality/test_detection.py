"""How well the rules find the faults that the generator says it put in."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from catalog.tables import REGISTRY, SOURCES
from jobs import runner
from jobs.delta.lake import Lake
from jobs.generate import detection
from jobs.generate.arguments import FIRST_NIGHT, label_folder
from jobs.generate.detection import LATE, Alarm, Fault, Score, score
from jobs.generate.fault_rates import USUAL
from jobs.report import stage as report

HOT, UNKNOWN = "temperature outside -20 to 60 celsius", "device is not in the registry"


def faults(kind: str, *keys: str) -> list[Fault]:
    return [Fault("readings", key, kind) for key in keys]


def quarantined(key: str, *reasons: str) -> Alarm:
    return Alarm("readings", key, reasons, True)


def flagged(key: str, *reasons: str) -> Alarm:
    return Alarm("readings", key, reasons, False)


def one(put_in: list[Fault], alarms: list[Alarm], kind: str, duplicates: int | None = 0) -> Score:
    (found,) = [each for each in score(put_in, alarms, {"readings": duplicates}) if each.kind == kind]
    return found


def test_recall_is_the_share_found_and_precision_the_share_of_alarms_that_were_right():
    found = one(faults("malfunction", *"abcd"), [quarantined(key, HOT) for key in "abx"], "malfunction")
    assert (found.injected, found.raised, found.caught) == (4, 3, 2)
    assert (found.recall, found.precision) == (1 / 2, 2 / 3)


def test_an_alarm_for_another_reason_does_not_find_a_fault():
    found = one(faults("malfunction", "a"), [quarantined("a", UNKNOWN), flagged("a", HOT)], "malfunction")
    assert (found.injected, found.raised, found.caught, found.precision) == (1, 0, 0, None)


def test_a_fault_of_another_source_is_not_found_by_the_same_key():
    found = one(faults("malfunction", "a"), [Alarm("events", "a", (HOT,), True)], "malfunction")
    assert (found.injected, found.raised) == (1, 0)


def test_malformed_lines_have_no_key_and_are_compared_by_their_number():
    alarms = [quarantined("", "malformed record")] * 3
    found = one(faults("malformed", "a", "b"), alarms, "malformed")
    assert (found.injected, found.raised, found.caught, found.precision) == (2, 3, 2, 2 / 3)


def test_a_second_copy_of_a_bad_row_is_one_more_bad_row_and_no_duplicate():
    put_in = [*faults("duplicate", "a", "b", "c"), *faults("malfunction", "b"), *faults("malformed", "c")]
    found = one(put_in, [quarantined("b", HOT)], "duplicate", duplicates=1)
    assert (found.injected, found.raised, found.caught, found.recall) == (1, 1, 1, 1)


def test_second_copies_cannot_be_scored_when_the_night_before_was_not_loaded():
    found = one(faults("duplicate", "a"), [], "duplicate", duplicates=None)
    assert (found.injected, found.raised, found.caught, found.recall) == (1, None, None, None)


def test_a_quarantined_row_and_a_second_copy_are_never_flagged():
    put_in = [
        *faults("null", "missed", "bad", "again", "twice", "twice"),
        *faults("duplicate", "again", "twice"),
    ]
    found = one(put_in, [flagged("twice", "no value"), quarantined("bad", UNKNOWN)], "null")
    assert (found.injected, found.caught) == (2, 1), (
        "the missed one, and the one that came twice on one night"
    )


def test_a_late_row_is_noticed_by_its_date():
    found = one(faults("late", "a", "b"), [flagged("a", LATE, "no value")], "late")
    assert (found.injected, found.raised, found.caught) == (2, 1, 1)


def test_a_kind_without_a_rule_is_counted_but_not_scored(tmp_path):
    found = one(faults("loose_wire", "a", "b"), [quarantined("a", HOT)], "loose_wire")
    assert (found.injected, found.raised, found.caught, found.recall, found.precision) == (2, *[None] * 4)
    row = report.Row(
        source="machines", kind=found.kind, injected=2, raised=None, caught=None, recall=None, precision=None
    )
    settings = report.Settings("report", FIRST_NIGHT, "test", tmp_path, "spark_catalog", "", frozenset())
    page = report.render_page(settings, report.Night([], [], [], [], [], scores=[row]), [])
    assert "loose wire" in page and "no rule is named for this kind" in page


def test_every_fault_that_all_feeds_share_has_a_rule():
    known = {*detection.QUARANTINED_FOR, *detection.FLAGGED_FOR, detection.DUPLICATE}
    assert {*USUAL} <= known
    assert not detection.QUARANTINED_FOR.keys() & detection.FLAGGED_FOR.keys()


NIGHT = FIRST_NIGHT + timedelta(days=1)
NAMES = frozenset(
    {
        *("readings", "sensor_logs", "telemetry", "device_changes", "devices"),
        *("machine_sensors", "inspections"),
    }
)


@pytest.fixture(scope="module")
def stage(spark, module_lake):
    """Run a stage in the lake of these tests."""
    return lambda name, **more: runner.stage(name)(
        Lake(
            spark,
            module_lake(
                name, night=NIGHT, tables=NAMES, **({"scale": 0.05} if name == "generate" else {}), **more
            ),
        ),
    )


@pytest.fixture(scope="module")
def two_nights(stage):
    """The fleet's first two nights, as the generator makes them, at once; and the report of the second."""
    for name in ("generate", "bronze", "silver"):
        stage(name, first=FIRST_NIGHT)
    stage("report", first=FIRST_NIGHT)


@pytest.fixture
def scores(spark, module_lake, two_nights):
    """What the report found, by source and kind."""
    found = module_lake("report").table("ops.detection_scores")
    return lambda: {(row.source, row.kind): row for row in spark.table(found).collect()}


def test_the_rules_find_what_was_put_into_a_night(scores, module_lake, stage):
    scored = scores()
    assert {source for source, _ in scored} == NAMES - {"devices"}
    for (source, kind), row in scored.items():
        if kind in ("future", "unknown_device", "malformed", "null", "late"):
            assert row.recall == 1, (source, kind)
    # A tenfold value may still be a possible one, as of vibration.
    assert 0.5 < scored["readings", "malfunction"].recall < 1
    assert scored["sensor_logs", "malfunction"].recall == 1
    # Spikes, which are anomalies and no faults, can leave the range too.
    assert 0.5 < scored["readings", "malfunction"].precision < 1
    assert scored["readings", "late"].precision == 1
    for kind in ("malfunction", "no_temperature", "flipped_pressure"):
        assert scored["machine_sensors", kind].recall == 1, kind
    assert scored["inspections", "no_timestamp"].recall == 1
    # Sensors drop out by themselves, too.
    assert 0.6 < scored["readings", "null"].precision < 1
    assert scored["readings", "duplicate"].recall == scored["readings", "duplicate"].precision == 1
    page = Path(module_lake("report").docs / f"nights/{NIGHT}.html").read_text()
    assert "Faults found" in page and "unknown device" in page

    # The labels are believed: one more fault in them is one that was missed.
    more = label_folder(module_lake("report").home, "readings", NIGHT) / "more.json"
    more.write_text(json.dumps({"key": "1", "kind": "future"}))
    try:
        stage("report")
        again = scores()["readings", "future"]
        assert again.injected == scored["readings", "future"].injected + 1 and again.recall < 1
    finally:
        more.unlink()


def test_the_fault_labels_identify_rows_by_their_key_columns(spark, module_lake, two_nights):
    # Of sources whose faults take no part of a key away.
    for source in NAMES - {*REGISTRY, "inspections"}:
        labels = spark.read.json(str(label_folder(module_lake("report").home, source, NIGHT))).collect()
        assert labels, source
        for row in labels:
            assert len(row.key.split(",")) == len(SOURCES[source].key), (source, row.key)
