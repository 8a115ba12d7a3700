"""The registry's history, replayed from its changes."""

from datetime import date, datetime

import pytest

from jobs.silver.devices import derive_devices
from jobs.silver.devices_history import derive_devices_history
from jobs.tables import SILVER

REGISTRY = SILVER["device_registry"].columns
CHANGES = SILVER["device_changes"].columns
NIGHT = date(2024, 1, 1)


def device(device_id: int, status: str) -> tuple:
    return (device_id, "DEV-1", "Camera", "IoTech", "M", "1.0.0", date(2023, 1, 1), 5, 1.0, 2.0, status)


def change(sequence: int, operation: str, at: str, device_id: int, status: str) -> tuple:
    return (sequence, operation, datetime.fromisoformat(at), *device(device_id, status), [], NIGHT)


@pytest.fixture
def history(spark):
    def versions(registered: list, changes: list):
        loaded = spark.createDataFrame([(*row, [], NIGHT) for row in registered], REGISTRY)
        return derive_devices_history(loaded, spark.createDataFrame(changes, CHANGES)).orderBy(
            "device_id", "valid_from"
        )

    return versions


def test_a_loaded_device_without_changes_has_one_open_version(history):
    (row,) = history([device(1, "Online")], []).collect()
    assert row.valid_from == datetime(2024, 1, 1) and row.valid_to is None and row.is_current


def test_each_change_closes_the_version_before_it(history):
    rows = history([device(1, "Online")], [change(1, "UPDATE", "2024-01-02 10:00", 1, "Offline")]).collect()
    assert [(row.status, row.is_current) for row in rows] == [("Online", False), ("Offline", True)]
    assert rows[0].valid_to == rows[1].valid_from == datetime(2024, 1, 2, 10)


def test_changes_that_arrive_in_the_wrong_order_give_the_same_history(history):
    changes = [
        change(1, "UPDATE", "2024-01-02 10:00", 1, "Offline"),
        change(2, "UPDATE", "2024-01-03 10:00", 1, "Maintenance"),
        change(3, "DELETE", "2024-01-04 10:00", 1, "Maintenance"),
    ]
    forwards = history([device(1, "Online")], changes).collect()
    backwards = history([device(1, "Online")], changes[::-1]).collect()
    assert forwards == backwards


def test_of_two_changes_at_one_instant_the_higher_sequence_holds(history):
    at = "2024-01-02 10:00"
    rows = history(
        [], [change(2, "UPDATE", at, 1, "Offline"), change(1, "UPDATE", at, 1, "Online")]
    ).collect()
    assert [row.status for row in rows] == ["Offline"]


def test_a_change_that_changes_nothing_makes_no_version(history):
    rows = history([device(1, "Online")], [change(1, "INSERT", "2024-01-01 00:00", 1, "Online")]).collect()
    assert len(rows) == 1


def test_a_deleted_device_is_in_the_history_but_not_among_the_devices(history):
    versions = history([device(1, "Online")], [change(1, "DELETE", "2024-01-02 10:00", 1, "Online")])
    assert [row.is_deleted for row in versions.collect()] == [False, True]
    assert derive_devices(versions).count() == 0


def test_a_device_inserted_again_after_its_deletion_is_registered(history):
    versions = history(
        [device(1, "Online")],
        [
            change(2, "INSERT", "2024-01-03 10:00", 1, "Online"),
            change(1, "DELETE", "2024-01-02 10:00", 1, "Online"),
        ],
    )
    assert [row.is_deleted for row in versions.collect()] == [False, True, False]
    assert [row.device_id for row in derive_devices(versions).collect()] == [1]
