"""The image of a device within a change: its values are read like those of a line of `devices`, or refused."""

import json

import pytest
from pyspark.sql import functions as F

from catalog.json_path import path_of
from catalog.tables import SOURCES
from jobs.bronze.parsing import parse
from jobs.silver.tables import device_changes
from jobs.silver.validation import validate
from tests.support.devices import DEVICE

IMAGE = DEVICE | {
    "device_id": 990010,
    "device_serial": "DEV-00990010",
    "latitude": 37.7701,
    "longitude": -122.4101,
}
# As Debezium writes decimals (`decimal.handling.mode=string`), and other exports integers and days.
AS_TEXT = IMAGE | {
    "location_id": "17.0",
    "latitude": "37.7701",
    "longitude": "-122.4101",
    "install_date": "20230115",
}
NOT_READ = {"install_date": 19372, "location_id": 17.5, "latitude": False, "longitude": "west"}


@pytest.fixture(scope="module")
def validated(spark):
    """Images -> their rows, in order."""

    def of(*images: dict[str, object] | str, at: str = "2024-03-05 10:00:00", deleted: bool = False):
        lines = [
            json.dumps(
                {
                    "device_id": 990010,
                    "operation": "DELETE" if deleted else "INSERT",
                    "operation_date": at,
                    "sequence": number,
                    "before" if deleted else "after": image if isinstance(image, str) else json.dumps(image),
                }
            )
            for number, image in enumerate(images)
        ]
        frame = spark.createDataFrame([(line,) for line in lines], "value STRING")
        rows = parse(frame, SOURCES["device_changes"]).withColumns(
            {"_night": F.expr("DATE'2024-03-05'"), "_file": F.lit("/arrived=2024-03-05/a.json")}
        )
        return validate(rows, SOURCES["device_changes"], None).orderBy("sequence").drop("_line").collect()

    return of


def test_numbers_and_days_in_an_image_may_be_text(validated):
    plain, text = validated(IMAGE, AS_TEXT)
    assert plain._reasons == text._reasons == []
    for name in IMAGE:
        assert plain[name] == text[name] is not None, name
    assert (text.location_id, text.latitude, str(text.install_date)) == (17, 37.7701, "2023-01-15")


def test_a_value_in_an_image_that_does_not_fit_is_never_a_silent_null(validated):
    images = [IMAGE | {name: value} for name, value in NOT_READ.items()]
    reasons = [f"{name} is no {SOURCES['devices'].fields[name]}" for name in NOT_READ]
    for field in ("after", "before"):
        rows = validated(*images, deleted=field == "before")
        assert [row._reasons[0] for row in rows] == [f"{field}.{reason}" for reason in reasons]
    (row,) = validated(IMAGE | NOT_READ)
    assert sorted(row._reasons) == sorted(f"after.{reason}" for reason in reasons)


def test_what_a_device_was_before_an_update_is_no_image_of_it(spark):
    lines = [
        json.dumps(
            {"device_id": 990010, "operation": operation, "operation_date": "2024-03-05 10:00:00"}
            | {"sequence": 1, "before": json.dumps(IMAGE), "after": None}
        )
        for operation in ("DELETE", "UPDATE")
    ]
    frame = spark.createDataFrame([(line,) for line in lines], "value STRING")
    rows = parse(frame, SOURCES["device_changes"]).withColumns(
        {"_night": F.expr("DATE'2024-03-05'"), "_file": F.lit("/arrived=2024-03-05/a.json")}
    )
    found = validate(rows, SOURCES["device_changes"], None).orderBy("operation").collect()
    assert found[0]._reasons == [] and found[0].device_type == "Camera"
    assert "no image of the device" in found[1]._reasons


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (json.dumps(IMAGE | {"latitude": float("nan")}), "after is no object"),
        (str(IMAGE), "after is no object"),
        (json.dumps([IMAGE]), "after is no object"),
        (
            json.dumps(
                {"Firmware_Version": "2.0"} | {name: value for name, value in IMAGE.items() if name[0] != "f"}
            ),
            "after.firmware_version came as Firmware_Version",
        ),
    ],
    ids=["no number", "no JSON", "no object", "another case"],
)
def test_an_image_that_is_not_read_whole_is_refused(validated, image, reason):
    (row,) = validated(image)
    assert reason in row._reasons


def test_a_change_of_the_future_would_be_the_current_version_until_then_and_is_refused(validated):
    now, later = validated(IMAGE), validated(IMAGE, at="2024-03-06 10:00:00")
    assert [row._reasons for row in (*now, *later)] == [[], ["dated after it arrived"]]


def test_an_image_has_its_values_where_a_line_of_devices_has_them(validated, monkeypatch):
    monkeypatch.setitem(device_changes.PATHS, "latitude", (path_of("position.lat"),))
    position = {"lat": 37.7701}, {"lat": "north"}, "north", {}
    images = [
        {name: value for name, value in IMAGE.items() if name != "latitude"} | {"position": each}
        for each in position
    ]
    rows = validated(*images)
    assert [(row.latitude, row._reasons) for row in rows] == [
        (37.7701, []),
        (None, ["after.position.lat is no DOUBLE"]),
        (None, ["after.position is no object"]),
        (None, []),
    ]


def test_half_a_character_in_an_image_is_one_that_is_unknown(validated):
    (row,) = validated(json.dumps(IMAGE | {"model": "C1 \ud83d"}))
    assert row.model == "C1 \ufffd" and row._reasons == []
