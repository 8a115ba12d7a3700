"""What people and machines drop into the landing zone, and what becomes of it."""

import gzip
from datetime import date

import pytest

NIGHT = date(2024, 3, 5)
ONLY = frozenset({"devices", "device_changes", "sensor_logs", "climate_hourly"})
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
ROWS = "1001,2025-05-01 00:00:00,72.4,41.2,Room_A\n1002,2025-05-01 00:00:05,75.1,45.9,Room_B\n"


@pytest.fixture
def night(run):
    """Take in what has been dropped, and settle it."""

    def stages(**overrides):
        for stage in ("bronze", "silver", "gold", "publish"):
            run(stage, tables=ONLY, **overrides)

    return stages


@pytest.fixture
def account(accounts):
    def of(*fates: str) -> tuple:
        row = accounts("sensor_logs")[NIGHT]
        assert row["is_balanced"]
        return tuple(row[fate] for fate in fates)

    return of


def test_a_file_dropped_by_hand_is_taken_in_exactly_once(night, drop, account, table):
    dropped = drop("sensor_logs", "mine.csv", HEADER + ROWS)
    night()
    night()
    assert account("landed", "silver") == (2, 2)
    assert not dropped.exists() and (dropped.parent / f"arrived={NIGHT}" / "mine.csv").exists()
    assert table("gold.climate_hourly").count() == 2


def test_an_empty_landing_folder_is_a_night_with_zero_rows(night, account, lake):
    lake("bronze").landing.mkdir(parents=True)
    night()
    assert account("landed", "bronze", "silver") == (0, 0, 0)


@pytest.mark.parametrize("content", ["", HEADER, "\n\n", "\ufeff" + HEADER])
def test_a_file_without_records_is_zero_rows(night, drop, account, content):
    drop("sensor_logs", "empty.csv", content)
    night()
    assert account("landed", "bronze", "quarantined") == (0, 0, 0)


def test_records_with_too_few_and_too_many_tokens_are_quarantined_with_their_line(
    night, drop, account, table
):
    bad = ["1003,2025-05-01 00:00:00,72.4", "1004,2025-05-01 00:00:00,72.4,41.2,Room_A,extra"]
    drop("sensor_logs", "mixed.csv", HEADER + ROWS + "\n".join(bad) + "\n")
    night()
    assert account("landed", "silver", "quarantined") == (4, 2, 2)
    kept = table("ops.quarantine").selectExpr("raw:_malformed::string AS line", "reasons", "file").collect()
    assert {row.line for row in kept} == set(bad)
    assert all(row.reasons == ["line is not a record"] and row.file.endswith("mixed.csv") for row in kept)


def test_the_same_file_under_another_name_is_all_duplicates(night, drop, account, table):
    drop("sensor_logs", "one.csv", HEADER + ROWS)
    night()
    drop("sensor_logs", "two.csv", HEADER + ROWS)
    night()
    assert account("landed", "silver", "duplicates") == (4, 2, 2)
    assert table("silver.sensor_logs").count() == 2


def test_a_second_file_of_the_same_name_is_another_file(night, drop, account):
    drop("sensor_logs", "log.csv", HEADER + ROWS)
    night()
    drop("sensor_logs", "log.csv", HEADER + ROWS.replace("00:00:", "01:00:"))
    night()
    assert account("landed", "silver") == (4, 4)


def test_a_gzip_file_cut_in_half_is_set_aside_and_the_others_load(night, drop, account, table, lake):
    whole = gzip.compress((HEADER + ROWS * 500).encode())
    drop("sensor_logs", "cut.csv.gz", whole[: len(whole) // 2])
    drop("sensor_logs", "whole.csv.gz", gzip.compress((HEADER + ROWS).encode()))
    night()
    assert account("landed", "silver") == (2, 2)
    (rejected,) = table("ops.rejected_files").collect()
    assert rejected.source == "sensor_logs" and "cut.csv.gz" in rejected.file and rejected.reason
    assert (lake("bronze").landing / "sensor_logs" / "_rejected" / "cut.csv.gz").read_bytes() == whole[
        : len(whole) // 2
    ]


def test_bytes_that_are_no_utf8_and_nul_do_not_stop_the_night(night, drop, account):
    drop("sensor_logs", "bytes.csv", HEADER.encode() + ROWS.encode() + b"\xff\xfe\x00,\x00\n")
    night()
    assert account("landed", "silver", "quarantined") == (3, 2, 1)


def test_values_that_are_no_numbers_are_quarantined_not_nulled(night, drop, account, table):
    drop(
        "sensor_logs",
        "odd.csv",
        HEADER + "1001,2025-05-01 00:00:00,warm,41.2,Room_A\n1001,2025-05-01 00:00:05,NaN,41.2,Room_A\n",
    )
    night()
    assert account("silver", "quarantined") == (0, 2)


def test_a_truncated_json_line_is_quarantined_as_it_was(run, drop, accounts, table):
    tables = frozenset({"devices", "device_changes", "locations"})
    drop(
        "locations",
        "sites.json",
        '{"location_id":1,"name":"A","region":"New York","latitude":40.7,"longitude":-74.0}\n{"location_id":2,"na',
    )
    for stage in ("bronze", "silver"):
        run(stage, tables=tables)
    row = accounts("locations")[NIGHT]
    assert (row["landed"], row["silver"], row["quarantined"]) == (2, 1, 1)
    assert table("ops.quarantine").selectExpr("raw:_malformed::string").first()[0] == '{"location_id":2,"na'


def test_a_broken_row_is_kept_with_every_reason(run, drop, table):
    tables = frozenset({"devices", "device_changes", "events", "site_events"})
    drop(
        "events",
        "e.json",
        '{"event_id":1,"device_id":5,"timestamp":"2031-01-01 00:00:00","event_type":"?","severity":"Info"}\n',
    )
    for stage in ("bronze", "silver"):
        run(stage, tables=tables)
    (row,) = table("ops.quarantine").collect()
    assert row.key == "1" and len(row.reasons) >= 3
