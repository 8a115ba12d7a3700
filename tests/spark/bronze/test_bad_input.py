"""What people and machines deliver to the landing zone, and its outcome: everything at once, read by one run."""

import gzip
import re
from collections import Counter
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest

from catalog.repeated import DISAGREES
from tests.support.project import PROJECT

NIGHT = date(2024, 3, 5)
TABLES = frozenset({"sensor_logs", "climate_hourly", "locations", "events", "telemetry"})
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
DAY = "event_date = '2025-05-01'"  # of the rows of sensor logs
GOOD = 2  # records of `records()`


def records(hour: int) -> str:
    """Two good records of an hour that no other file has."""
    return f"1001,2025-05-01 {hour:02}:00:00,72.4,41.2,Room_A\n1002,2025-05-01 {hour:02}:00:05,75.1,45.9,Room_B\n"


# The README's own example.
PRINTED = re.search(r"^printf '(.*)' > mine/landing/sensor_logs/", (PROJECT / "README.md").read_text(), re.M)
WHOLE_GZIP = gzip.compress((HEADER + records(4) * 500).encode(), mtime=0)
FEW, MANY = "1003,2025-05-01 00:00:00,72.4", "1004,2025-05-01 00:00:00,72.4,41.2,Room_A,extra"

# All of them say the same: 72.4 °F and 41.2 percent, once, at an hour of their own.
BY_NAME: dict[str, str | bytes] = {
    "order.csv": "sensor_id,timestamp,humidity,temperature,location\n1003,2025-05-01 10:00:00,41.2,72.4,Room_A\n",
    "sep.csv": "sep=,\nlocation,humidity,temperature,timestamp,sensor_id\nRoom_A,41.2,72.4,2025-05-01 11:00:00,1003\n",
    "comment.csv": "# of GW-7\nsensor_id,timestamp,humidity,temperature,location\n1003,2025-05-01 12:00:00,41.2,72.4,Room_A\n",
    "logger a+b.csv": '"TOA5","GW 7","CR1000"\r\n"Timestamp","Sensor_ID","Temperature","Location","Humidity"\r\n'
    '2025-05-01 13:00:00,1003,72.4,"Room_A",41.2\r\n',
    "frame.csv": ",sensor_id,timestamp,temperature,humidity,location\n0,1003,2025-05-01 14:00:00,72.4,41.2,Room_A\n",
    "more.csv.gz": gzip.compress(
        b"sensor_id,timestamp,temperature,humidity,location,battery\n1003,2025-05-01 15:00:00,72.4,41.2,Room_A,3.1\n"
    ),
    "cr.csv": "sensor_id,timestamp,humidity,temperature,location\r1003,2025-05-01 16:00:00,41.2,72.4,Room_A\r",
    "excel.csv": HEADER + "1003,2025-05-01 17:00:00,72.4,41.2,Room_A\n" + ",,,,\n" * 1000,
    "joined.csv": HEADER + "1003,2025-05-01 18:00:00,72.4,41.2,Room_A\n" + HEADER,
}
FILES: dict[str, dict[str, str | bytes]] = {
    "sensor_logs": {
        "mine.csv": HEADER + records(1),
        "readme.csv": PRINTED[1].replace("\\n", "\n") if PRINTED else "",
        "zero.csv": "",
        "header.csv": HEADER,
        "blank.csv": "\n\n",
        "mark.csv": "\ufeff" + HEADER,
        "tokens.csv": HEADER + records(2) + FEW + "\n" + MANY + "\n",
        "one.csv": HEADER + records(3),
        "two.csv": HEADER + records(3),
        "mine/2025/deep.csv": HEADER + records(8),
        "arrived=soon/late.csv": HEADER + records(9),
        "cut.csv.gz": WHOLE_GZIP[: len(WHOLE_GZIP) // 2],
        "whole.csv.gz": gzip.compress((HEADER + records(5)).encode()),
        "bytes.csv": (HEADER + records(6)).encode() + b"\xff\xfe,\xc3\n",
        "first.csv": HEADER + "7014,2025-05-01 20:00:00,72.4,41.2,Room_A\n",
        "corrected.csv": HEADER + "7014,2025-05-01 20:00:00,68.9,44.0,Room_A\n",
        "ten-a-second.csv": HEADER
        + "".join(f"7015,2025-05-01 20:00:00,70.{tenth},40.0,Room_B\n" for tenth in range(10)),
        "odd.csv": HEADER
        + "1001,2025-05-01 07:00:00,warm,41.2,Room_A\n1001,2025-05-01 07:00:05,NaN,41,Room_A\n"
        + "#NV,2025-05-01 07:00:10,72.4,41.2,Room_A\n# what #NV means, nobody knows\n",
        **BY_NAME,
    },
    "locations": {
        "sites.json": '{"location_id":1,"name":"A","region":"New York","latitude":40.7,"longitude":-74.0}\n'
        '{"location_id":2,"na'
    },
    "events": {
        "e.json": '{"event_id":1,"device_id":5,"timestamp":"2031-01-01 00:00:00","event_type":"?","severity":"Info"}\n'
    },
}


@pytest.fixture(scope="module")
def table(spark, delivered):
    return lambda name: spark.table(delivered("verify").table(name))


@pytest.fixture(scope="module")
def account(table):
    """Source -> its account of the day its files arrived; of the run's night, if none did."""
    rows = table("ops.row_accounts").orderBy("night").collect()
    of = {row.source: row.asDict() for row in rows}
    assert of.keys() > TABLES - {"climate_hourly"} and all(row.is_balanced for row in rows)
    # Of these nothing was brought into the folder of the night itself.
    alone = ("locations", "events", "telemetry")
    assert {row.landed for row in rows if row.night == NIGHT and row.source in alone} == {0}
    return of


@pytest.fixture(scope="module")
def rows_read(table):
    """Name of a file -> bronze rows of sensor logs that came from it."""
    names = [Path(row._file).name for row in table("bronze.sensor_logs").select("_file").collect()]
    return Counter(re.sub(r"^at-[\d.]+-", "", name) for name in names)


@pytest.fixture(scope="module")
def logs(table):
    """Hour of the day of these files -> rows of sensor logs in silver."""
    return Counter(row.timestamp.hour for row in table("silver.sensor_logs").where(DAY).collect())


@pytest.fixture(scope="module")
def quarantine(table):
    values = (
        "get_json_object(raw, '$._malformed') AS line",
        "cast(get_json_object(raw, '$.temperature') AS DOUBLE) AS temperature",
    )
    rows = table("ops.quarantine").selectExpr("*", *values).drop("raw")
    return rows.collect()


@pytest.fixture(scope="module")
def climate(table):
    return table("gold.climate_hourly").where(DAY).collect()


def test_a_file_delivered_by_hand_is_read_and_moved_to_the_day_it_arrived_on(delivered, rows_read, logs):
    assert rows_read["mine.csv"] == logs[1] == GOOD
    folder = delivered("bronze").landing / "sensor_logs"
    assert not (folder / "mine.csv").exists() and len([*folder.glob("arrived=2*/at-*-mine.csv")]) == 1


def test_delivered_rows_reach_gold(climate):
    (printed,) = [row for row in climate if row.hour.hour == 0]
    assert (printed.location, printed.avg_temperature_f) == ("Room_A", 72.4)
    hours = [row for row in climate if row.hour.hour == 1]
    assert {(row.location, row.avg_temperature_f) for row in hours} == {("Room_A", 72.4), ("Room_B", 75.1)}


def test_the_hourly_climate_is_exported_as_one_csv(delivered, table):
    lines = (delivered("publish").home / "export" / "iot_gold_export.csv").read_text().splitlines()
    assert lines[0] == "event_date,hour,location,log_count,avg_temperature_f,avg_humidity_percent"
    assert len(lines) == 1 + table("gold.climate_hourly").count()


@pytest.mark.parametrize("name", ["deep.csv", "late.csv"])
def test_a_file_in_a_folder_of_the_senders_own_is_read_too(delivered, rows_read, name):
    assert rows_read[name] == GOOD
    assert len([*(delivered("bronze").landing / "sensor_logs").glob(f"arrived=2*/at-*-{name}")]) == 1


@pytest.mark.parametrize("name", ["zero.csv", "header.csv", "blank.csv", "mark.csv"])
def test_a_file_without_records_is_zero_rows(rows_read, name):
    assert rows_read[name] == 0


def test_records_with_too_few_and_too_many_tokens_are_quarantined_with_their_line(quarantine):
    kept = [row for row in quarantine if row.file.endswith("tokens.csv")]
    assert {row.line for row in kept} == {FEW, MANY}
    assert all(row.reasons == ["malformed record"] for row in kept)


def test_the_same_file_under_another_name_is_all_duplicates(rows_read, account, logs):
    assert rows_read["one.csv"] + rows_read["two.csv"] == 2 * GOOD
    assert account["sensor_logs"]["duplicates"] == GOOD
    assert logs[3] == GOOD


def test_a_row_with_a_known_key_and_other_values_is_no_duplicate(table, logs, quarantine):
    """A corrected export, and ten samples of a second: one of each is in silver, and no value is lost."""
    refused = [row for row in quarantine if row.reasons == [DISAGREES["first"]]]
    assert {row.key for row in refused} == {"7014,2025-05-01 20:00:00", "7015,2025-05-01 20:00:00"}
    kept = [row.temperature for row in table("silver.sensor_logs").where("sensor_id > 7000").collect()]
    assert logs[20] == len(kept) == 2
    assert sorted(kept + [row.temperature for row in refused]) == [
        68.9,
        *(70 + t / 10 for t in range(10)),
        72.4,
    ]


def test_a_gzip_file_cut_in_half_is_set_aside_and_the_others_load(delivered, rows_read, table):
    assert rows_read["whole.csv.gz"] == GOOD and rows_read["cut.csv.gz"] == 0
    (rejected,) = table("ops.rejected_files").where("file LIKE '%cut.csv.gz'").collect()
    assert rejected.source == "sensor_logs" and rejected.reason
    kept = delivered("bronze").landing / "sensor_logs" / "_rejected" / "cut.csv.gz"
    assert kept.read_bytes() == FILES["sensor_logs"]["cut.csv.gz"]


def test_a_file_that_is_no_utf8_is_set_aside_and_the_others_load(rows_read, table):
    (rejected,) = table("ops.rejected_files").where("file LIKE '%bytes.csv'").collect()
    assert rejected.reason.startswith("line 4 is not UTF-8 (byte 0xFF)") and rows_read["bytes.csv"] == 0


@pytest.mark.parametrize(("name", "hour"), [(name, hour) for hour, name in enumerate(BY_NAME, 10)])
def test_the_values_of_a_csv_file_stand_under_the_names_of_its_header(table, rows_read, climate, name, hour):
    assert rows_read[quote(name, safe="+")] == 1
    (row,) = [row for row in climate if row.hour.hour == hour]
    assert (row.log_count, row.avg_temperature_f, row.avg_humidity_percent) == (1, 72.4, 41.2)


def test_columns_that_the_source_does_not_have_are_reported(table):
    drift = {
        row.field: row.rows for row in table("ops.schema_drift").where("source = 'sensor_logs'").collect()
    }
    assert {name: drift[name] for name in ("battery", "column 1")} == {"battery": 1, "column 1": 1}


def test_values_that_are_no_numbers_are_quarantined_not_nulled(logs, quarantine):
    assert logs[7] == 0
    # The last is a line that begins with #: whether it is a damaged record or somebody's remark, nobody knows.
    odd = [(row.line, row.reasons) for row in quarantine if row.file.endswith("odd.csv")]
    assert len(odd) == 4 and ("# what #NV means, nobody knows", ["malformed record"]) in odd


def test_a_truncated_json_line_is_quarantined_as_it_was(account, quarantine):
    assert (account["locations"]["landed"], account["locations"]["silver"]) == (2, 1)
    (line,) = [row.line for row in quarantine if row.source == "locations"]
    assert line == '{"location_id":2,"na'


def test_a_broken_row_is_kept_with_every_reason(quarantine):
    (row,) = [row for row in quarantine if row.source == "events"]
    assert row.key == "1" and len(row.reasons) >= 3


def test_an_empty_landing_folder_is_a_night_with_zero_rows(account):
    outcomes = ("landed", "bronze", "silver", "quarantined")
    assert [account["telemetry"][outcome] for outcome in outcomes] == [0, 0, 0, 0]
