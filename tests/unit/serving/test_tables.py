"""Rows of the lake's tables without Spark: none too many, none too few, and a word for what cannot be read."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from serving.problems import Problem
from serving.readable import shown
from serving.tables import Condition, Order, open_table, read, readable, rows
from tests.unit.serving.conftest import INFINITY, NAN, at, hours, publish

NAME = "gold.climate_hourly"


def test_gold_and_ops_may_be_read_and_nothing_else():
    layers = {name.partition(".")[0] for name in readable()}
    assert layers == {"gold", "ops"} and "gold.alerts" in readable() and "ops.quarantine" in readable()
    assert shown().keys() - readable().keys() == {"silver.locations"}, "the fleet page's names of sites"


@pytest.mark.parametrize(
    "name",
    [
        "silver.readings",
        "silver.locations",
        "staging.sensor_hourly",
        "gold.nothing",
        "../gold.alerts",
        "gold.db/alerts",
        "",
    ],
)
def test_no_other_table_is_read_wherever_its_name_leads(lake, name):
    with pytest.raises(Problem, match=r"there is no table .*; there are gold\.") as refused:
        read(lake, name)
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("column", "operator", "value", "rows"),
    [
        ("avg_temperature_f", "eq", 3.0, 3),
        ("avg_temperature_f", "ne", 3.0, 3),  # two NaN and the infinite one
        ("avg_temperature_f", "gte", 1.0, 4),
        ("avg_temperature_f", "gt", 3, 1),
        ("avg_temperature_f", "lt", INFINITY, 3),
        ("avg_temperature_f", "in", [3.0, 4.0], 3),
        ("avg_temperature_f", "null", True, 1),
        ("avg_temperature_f", "null", False, 6),
        ("event_date", "eq", date(2024, 3, 6), 3),
        ("event_date", "in", [date(2024, 3, 6), date(2024, 3, 7)], 3),
        ("event_date", "gt", date(2024, 3, 6), 0),
        # The log's statistics have milliseconds: 1234 microseconds are beyond their maximum.
        ("hour", "gt", at(6, 1, 1233), 2),
        ("hour", "gt", at(6, 1, 1234), 1),
        ("location", "lte", "Room_A", 3),
        ("location", "ne", "Room_A", 3),
        ("log_count", "in", [1, 2], 3),
    ],
)
def test_a_condition_finds_its_rows_whatever_statistics_say(lake, column, operator, value, rows):
    assert read(lake, NAME, where=[Condition(column, operator, value)]).num_rows == rows


def test_a_zero_is_found_whatever_its_sign(tmp_path):
    rows = pa.table({"hour": [1, 2, 3, 4, 5], "avg_temperature_f": [0.0, -0.0, 1.0, NAN, None]})
    write_deltalake(tmp_path / "warehouse/gold.db/climate_hourly", rows)
    for zero in (0.0, -0.0, 0):
        for operator, value in (("eq", zero), ("in", [5.0, zero])):
            found = read(tmp_path, NAME, where=[Condition("avg_temperature_f", operator, value)])
            assert found["hour"].to_pylist() == [1, 2], (operator, zero)
    for limit in (None, 5):
        found = read(tmp_path, NAME, order=[Order("avg_temperature_f", True)], limit=limit)
        texts = [str(each) for each in found["avg_temperature_f"].to_pylist()]
        assert texts == ["1.0", "0.0", "-0.0", "nan", "None"]


def test_all_conditions_hold_together(lake):
    where = [Condition("location", "eq", "Room_A"), Condition("avg_temperature_f", "lt", 5.0)]
    found = read(lake, NAME, ["log_count"], [*where, Condition("event_date", "lt", date(2024, 3, 6))])
    assert found.to_pydict() == {"log_count": [3, 2]}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Condition("none", "eq", 1), "has no column 'none'; it has event_date, hour"),
        (Condition("log_count", "like", 1), "no operator 'like'; there are eq, ne"),
        (Condition("log_count", "eq", "x"), "'x' is not a value of type int64"),
        (Condition("log_count", "eq", 2**70), "is not a value of type int64"),
        (Condition("log_count", "eq", 1.5), "'1.5' is not a value of type int64"),
        (Condition("log_count", "eq", True), "'True' is not a value of type int64"),
        (Condition("hour", "eq", datetime(2024, 3, 5)), "is not a value of type timestamp"),
        (Condition("event_date", "eq", at(5)), "is not a value of type date32"),
        (Condition("avg_temperature_f", "eq", NAN), "nothing equals nan"),
        (Condition("log_count", "eq", None), "nothing equals None"),
        (Condition("location", "in", "Room_A"), "takes several values"),
    ],
)
def test_what_does_not_fit_a_column_is_refused_with_what_does(lake, condition, said):
    with pytest.raises(Problem, match=said) as refused:
        read(lake, NAME, where=[condition])
    assert refused.value.status == 422


def test_rows_come_in_order_with_nulls_last_and_equal_ones_as_they_lie(lake):
    found = read(lake, NAME, ["avg_temperature_f", "log_count"], order=[Order("avg_temperature_f", True)])
    assert found["log_count"].to_pylist() == [9, 3, 2, 3, 1, 1, None]
    by_two = read(lake, NAME, ["log_count"], order=[Order("location"), Order("log_count")], limit=4)
    assert by_two["log_count"].to_pylist() == [2, 3, 3, 1]


def test_pages_in_order_together_are_all_rows(lake):
    pages = [
        rows(open_table(lake, NAME), ["log_count"], (), [Order("log_count", True)], 2, offset)
        for offset in range(0, 8, 2)
    ]
    assert pa.concat_tables(pages)["log_count"].to_pylist() == [9, 3, 3, 2, 1, 1, None]


def test_a_version_stays_as_it_was(lake):
    assert read(lake, NAME, version=0).num_rows == 4
    assert read(lake, NAME, version=1).num_rows == read(lake, NAME).num_rows == 7
    with pytest.raises(Problem, match="has versions up to 1, not 2"):
        read(lake, NAME, version=2)


def test_a_version_whose_files_are_gone_is_gone(lake):
    shutil.rmtree(lake / "warehouse/gold.db/climate_hourly/event_date=2024-03-05")
    assert read(lake, NAME, where=[Condition("event_date", "eq", date(2024, 3, 6))]).num_rows == 3
    with pytest.raises(Problem, match="can no longer be read as of version 0") as gone:
        read(lake, NAME, version=0)
    assert gone.value.status == 410


def test_a_table_that_no_night_has_published_is_said_to_be_so(lake):
    with pytest.raises(Problem, match=r"is not there yet: .* run one") as missing:
        read(lake, "gold.alerts")
    assert missing.value.status == 404


def test_a_table_is_found_under_the_prefix_of_its_target(lake):
    (lake / "warehouse/gold.db").rename(lake / "warehouse/iot_gold.db")
    assert read(lake, NAME, prefix="iot_").num_rows == 7


def test_a_reader_that_takes_too_long_is_ended(lake):
    with pytest.raises(Problem, match="took too long") as late:
        rows(open_table(lake, NAME), deadline=time.monotonic() - 1)
    assert late.value.status == 503


def test_a_lake_or_a_table_may_be_a_link(lake, tmp_path):
    gold, elsewhere = lake / "warehouse/gold.db", tmp_path / "elsewhere"
    (gold / "climate_hourly").rename(elsewhere)
    (gold / "climate_hourly").symlink_to(elsewhere)
    assert read(lake, NAME).num_rows == 7
    (tmp_path / "linked").symlink_to(lake)
    assert read(tmp_path / "linked", NAME).num_rows == 7


def test_partitions_of_any_text_and_of_none_are_found(tmp_path):
    """Delta escapes them in the names of folders, and once more in its log; to DuckDB a path is a pattern."""
    lake, rooms = tmp_path / "it's a *lake", ["a b:c%/é", "x'y", "[*]?", None]
    rows = pa.table({"location": rooms, "log_count": [1, 2, 3, 4]})
    write_deltalake(lake / "warehouse/gold.db/climate_hourly", rows, partition_by=["location"])
    for room, count in zip(rooms, (1, 2, 3, 4), strict=True):
        condition = Condition("location", "null", True) if room is None else Condition("location", "eq", room)
        assert read(lake, NAME, where=[condition]).to_pylist() == [{"location": room, "log_count": count}]
    by_room = read(lake, NAME, ["log_count"], order=[Order("location", True)])
    assert by_room["log_count"].to_pylist() == [2, 1, 3, 4]


def test_files_of_before_a_column_was_widened_are_read_as_the_table_says(tmp_path):
    """Each with a value between two of the narrower type, or beyond them, and with times as Spark once wrote them."""
    folder = tmp_path / "warehouse/gold.db/climate_hourly"
    names, hour = ("value", "share", "log_count", "sum"), {"hour": pa.timestamp("us", "UTC")}
    narrow = dict(zip(names, (pa.int32(), pa.float32(), pa.int32(), pa.decimal128(5, 1)), strict=True))
    wide = dict(zip(names, (pa.float64(), pa.float64(), pa.int64(), pa.decimal128(28, 2)), strict=True))
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    before = {"value": [1, 2], "share": [0.1, 0.5], "log_count": [1, 2], "sum": [Decimal("1.5"), Decimal(2)]}
    after = {"value": [1.5], "share": [0.1], "log_count": [2**40], "sum": [Decimal("1.55")], "hour": [last]}
    write_deltalake(folder, pa.Table.from_pydict(after, pa.schema(wide | hour)))
    (file,) = folder.glob("*.parquet")
    write_deltalake(folder, pa.Table.from_pydict(after, pa.schema(wide | hour)), mode="append")
    old = pa.Table.from_pydict(before | {"hour": [last, None]}, pa.schema(narrow | hour))
    pq.write_table(old, file, use_deprecated_int96_timestamps=True)

    def values(column, operator, value, of="value"):
        return sorted(read(tmp_path, NAME, where=[Condition(column, operator, value)])[of].to_pylist())

    assert values("value", "gt", 1.25) == [1.5, 2.0] and values("value", "eq", 1.5) == [1.5]
    assert values("value", "in", [1.25, 2.25]) == [] and values("value", "ne", 1.5) == [1.0, 2.0]
    assert values("share", "eq", 0.1, "share") == [0.1]
    assert values("share", "gt", 0.1, "share") == pytest.approx([0.1, 0.5]), "0.1 as a float is more"
    assert values("log_count", "gt", 2**35) == [1.5] and values("log_count", "lt", 2**35) == [1.0, 2.0]
    assert values("sum", "gt", Decimal("1.52")) == [1.5, 2.0]
    assert values("sum", "lte", Decimal("1.5")) == [1.0]
    greatest = read(tmp_path, NAME, ["value"], order=[Order("value", True)], limit=2)
    assert greatest["value"].to_pylist() == [2.0, 1.5]
    assert values("hour", "eq", last) == [1.0, 1.5]
    assert read(tmp_path, NAME).schema == pa.schema(wide | hour)


def test_a_column_that_older_files_lack_is_null_in_them(lake):
    folder = lake / "warehouse/gold.db/climate_hourly"
    more = hours(7, ("Room_A", 1, 1.0)).append_column("remark", pa.array(["new"]))
    write_deltalake(folder, more, mode="append", schema_mode="merge")
    assert read(lake, NAME, where=[Condition("remark", "null", True)]).num_rows == 7
    assert read(lake, NAME, ["log_count"], [Condition("remark", "eq", "new")]).num_rows == 1


def test_what_delta_needs_more_than_files_for_is_refused(lake):
    DeltaTable(lake / "warehouse/gold.db/climate_hourly").alter.set_table_properties(
        {"delta.enableDeletionVectors": "true"}
    )
    with pytest.raises(Problem, match="uses deletionVectors of Delta") as refused:
        read(lake, NAME)
    assert refused.value.status == 501


def test_lists_and_maps_are_read_and_only_their_absence_is_asked_for(tmp_path):
    rows = pa.table(
        {
            "source": ["events"],
            "reasons": [["too hot"]],
            "late_rows": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        }
    )
    publish(tmp_path, "ops.quarantine", rows, 5)
    assert read(tmp_path, "ops.quarantine", where=[Condition("reasons", "null", False)]).to_pylist() == [
        {"source": "events", "reasons": ["too hot"], "late_rows": [("a", 1)]}
    ]
    with pytest.raises(Problem, match="for which there is only the operator null"):
        read(tmp_path, "ops.quarantine", where=[Condition("reasons", "eq", "too hot")])


def test_of_a_table_with_a_column_of_variant_the_others_are_read(lake):
    """Only Spark reads VARIANT, which Delta keeps as two binaries."""
    folder = lake / "warehouse/ops.db/quarantine"
    binaries = pa.struct([pa.field(name, pa.binary(), nullable=False) for name in ("value", "metadata")])
    raw = pa.array([{"value": b"1", "metadata": b"2"}], binaries)
    write_deltalake(folder, pa.table({"source": ["events"], "raw": raw}))
    log = folder / "_delta_log/00000000000000000000.json"
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    for entry in entries:
        if "protocol" in entry:
            features = {"readerFeatures": ["variantType"], "writerFeatures": ["variantType"]}
            entry["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7, **features}
        if "metaData" in entry:
            schema = json.loads(entry["metaData"]["schemaString"])
            schema["fields"][1]["type"] = "variant"
            entry["metaData"]["schemaString"] = json.dumps(schema)
    log.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    assert read(lake, "ops.quarantine").to_pylist() == [{"source": "events"}]
    with pytest.raises(Problem, match="has no column 'raw'; it has source"):
        read(lake, "ops.quarantine", ["raw"])


def test_a_table_is_kept_open_until_it_has_another_commit(lake, monkeypatch):
    log = lake / "warehouse/gold.db/climate_hourly/_delta_log"
    hour_ago = time.time() - 3600
    os.utime(log, (hour_ago, hour_ago))
    kept = open_table(lake, NAME)
    assert open_table(lake, NAME) is kept
    publish(lake, NAME, hours(7, ("Room_A", 1, 1.0)), 7)
    assert open_table(lake, NAME).version == 2 and open_table(lake, NAME) is not open_table(lake, NAME)
    assert read(lake, NAME).num_rows == 8


def test_a_lake_that_was_begun_anew_is_another_one(lake):
    log = lake / "warehouse/gold.db/climate_hourly/_delta_log"
    hour_ago = time.time() - 3600
    os.utime(log, (hour_ago, hour_ago))
    assert read(lake, NAME).num_rows == 7
    (lake / "warehouse").rename(lake / "before")
    publish(lake, NAME, hours(5, ("Room_A", 1, 1.0)), 5)
    os.utime(log, (hour_ago, hour_ago))
    assert read(lake, NAME).num_rows == 1
