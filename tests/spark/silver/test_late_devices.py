"""Facts that come before the registry knows their device, or its type: in the end they are what they would be after it."""

import json
from datetime import date

import pytest

from tests.support.devices import DEVICE

BEFORE, FIRST, SECOND, THIRD = (date(2024, 3, day) for day in (4, 5, 6, 7))
TABLES = frozenset({"devices", "device_changes", "readings"})


def reading(number: int, device: int, at: str = "2024-03-05 10:00:00") -> str:
    values = {"metric_name": "temperature", "metric_value": 21.5, "unit": "celsius", "quality_score": 90}
    of = {"reading_id": number, "device_id": device, "timestamp": at, "is_anomaly": False}
    return json.dumps(of | values) + "\n"


def change(device: int, operation: str = "INSERT", at: str = "2024-03-06 08:00:00", **changed: str) -> str:
    of = {"operation": operation, "operation_date": at, "sequence": 1 if operation == "INSERT" else 2}
    image = json.dumps(DEVICE | {"device_id": device} | changed)
    return json.dumps({"device_id": device, **of, "before": None, "after": image}) + "\n"


@pytest.fixture
def work(run, table):
    """Reconcile a night: the types of the devices in silver, by reading, and which readings are in quarantine."""

    def through(night: date, tables: frozenset[str] = TABLES) -> tuple[dict[int, str], set[int]]:
        for stage in ("bronze", "silver"):
            run(stage, night=night, tables=tables)
        refused = table("ops.quarantine").where("source = 'readings'").collect()
        types = {row.reading_id: row.device_type for row in table("silver.readings").collect()}
        return types, {int(row.key) for row in refused}

    return through


def test_the_nights_of_what_becomes_known_of_a_device_are_reconciled_again_and_no_others(
    deliver, work, accounts
):
    deliver("readings", "a.json", reading(6, 9, "2024-03-04 10:00:00"), BEFORE)
    deliver("readings", "a.json", reading(1, 7) + reading(2, 8) + reading(3, 7), FIRST)
    assert work(FIRST) == ({}, {1, 2, 3, 6})

    # The device itself.
    deliver("device_changes", "a.json", change(7) + change(9), SECOND)
    deliver(
        "readings",
        "a.json",
        reading(4, 7, "2024-03-06 09:00:00") + reading(5, 7, "2024-03-06 11:00:00"),
        SECOND,
    )
    camera = dict.fromkeys((1, 3, 4, 5, 6), "Camera")
    assert work(SECOND) == (camera, {2})
    first = accounts("readings")[FIRST]
    assert first["is_balanced"] and not first["is_published"]
    assert (first["landed"], first["silver"], first["quarantined"]) == (3, 2, 1)

    # That it was another by then: of what lies before, nothing is changed. And that it never was what silver had. A run
    # of the registry alone leaves nothing of it to later ones.
    deliver(
        "device_changes",
        "a.json",
        change(7, "UPDATE", "2024-03-06 10:00:00", device_type="Smart Meter"),
        THIRD,
    )
    earlier = change(9, at="2024-03-05 08:00:00", device_type="Smart Meter")
    deliver("device_changes", "a.json", earlier, FIRST)
    assert work(THIRD, TABLES - {"readings"}) == (camera | {5: "Smart Meter", 6: "Smart Meter"}, {2})
    assert accounts("readings")[BEFORE]["is_balanced"]
    second = accounts("readings")[SECOND]
    assert second["is_balanced"] and not second["is_published"]
    assert accounts("readings")[FIRST] == first
    assert second["silver"] == 2
