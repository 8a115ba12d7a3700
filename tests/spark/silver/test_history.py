"""The registry's history, replayed from its changes."""

from datetime import date, datetime

import pytest

from catalog.tables import SILVER
from jobs.silver.tables.devices import derive_devices
from jobs.silver.tables.devices_history import derive_devices_history

REGISTRY = SILVER["device_registry"].columns
CHANGES = SILVER["device_changes"].columns
NIGHT = date(2024, 1, 1)


# Status of the device as it was loaded, if it was; and its changes, in the order in which they arrived.
LOADED = "Online"
CHANGED_TWICE = [
    (1, "UPDATE", "2024-01-02 10:00", "Offline"),
    (2, "UPDATE", "2024-01-03 10:00", "Maintenance"),
    (3, "DELETE", "2024-01-04 10:00", "Maintenance"),
]
# One device for each test; one query makes the histories of all of them.
DEVICES = {
    "unchanged": (LOADED, []),
    "changed": (LOADED, [(1, "UPDATE", "2024-01-02 10:00", "Offline")]),
    "forwards": (LOADED, CHANGED_TWICE),
    "backwards": (LOADED, CHANGED_TWICE[::-1]),
    "at one instant": (
        None,
        [(2, "UPDATE", "2024-01-02 10:00", "Offline"), (1, "UPDATE", "2024-01-02 10:00", "Online")],
    ),
    "as it was": (LOADED, [(1, "INSERT", "2024-01-01 00:00", "Online")]),
    "deleted": (LOADED, [(1, "DELETE", "2024-01-02 10:00", "Online")]),
    "inserted again": (
        LOADED,
        [(2, "INSERT", "2024-01-03 10:00", "Online"), (1, "DELETE", "2024-01-02 10:00", "Online")],
    ),
}


def image(device_id: int, status: str) -> tuple:
    return (device_id, "DEV-1", "Camera", "IoTech", "M", "1.0.0", date(2023, 1, 1), 5, 1.0, 2.0, status)


@pytest.fixture(scope="module")
def versions(spark):
    loaded, changes = [], []
    for device_id, (status, changed) in enumerate(DEVICES.values()):
        if status:
            loaded.append((*image(device_id, status), [], NIGHT))
        for sequence, operation, at, status_then in changed:
            when = datetime.fromisoformat(at)
            changes.append((sequence, operation, when, *image(device_id, status_then), [], NIGHT))
    return derive_devices_history(
        spark.createDataFrame(loaded, REGISTRY), spark.createDataFrame(changes, CHANGES)
    )


@pytest.fixture(scope="module")
def history(versions):
    """The versions of each device, in order."""
    found = {name: [] for name in DEVICES}
    for row in versions.orderBy("device_id", "valid_from").collect():
        found[list(DEVICES)[row.device_id]].append(row)
    return found


@pytest.fixture(scope="module")
def registered(versions):
    """The devices that are there."""
    return [list(DEVICES)[row.device_id] for row in derive_devices(versions).collect()]


def test_a_loaded_device_without_changes_has_one_open_version(history):
    (row,) = history["unchanged"]
    assert row.valid_from == datetime(2024, 1, 1) and row.valid_to is None and row.is_current


def test_each_change_closes_the_version_before_it(history):
    rows = history["changed"]
    assert [(row.status, row.is_current) for row in rows] == [("Online", False), ("Offline", True)]
    assert rows[0].valid_to == rows[1].valid_from == datetime(2024, 1, 2, 10)


def test_changes_that_arrive_in_the_wrong_order_give_the_same_history(history):
    forwards, backwards = (
        [{**row.asDict(), "device_id": None} for row in history[name]] for name in ("forwards", "backwards")
    )
    assert forwards == backwards and len(forwards) == 4


def test_of_two_changes_at_one_instant_the_higher_sequence_holds(history):
    assert [row.status for row in history["at one instant"]] == ["Offline"]


def test_a_change_that_changes_nothing_makes_no_version(history):
    assert len(history["as it was"]) == 1


def test_a_deleted_device_is_in_the_history_but_not_among_the_devices(history, registered):
    assert [row.is_deleted for row in history["deleted"]] == [False, True]
    assert "deleted" not in registered


def test_a_device_inserted_again_after_its_deletion_is_registered(history, registered):
    assert [row.is_deleted for row in history["inserted again"]] == [False, True, False]
    assert registered.count("inserted again") == 1
