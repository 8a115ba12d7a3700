"""Facts that come before the registry names their device: in the end they are where they would be had it come first."""

import json
from datetime import date

import pytest

FIRST, SECOND = date(2024, 3, 5), date(2024, 3, 6)
TABLES = frozenset({"devices", "device_changes", "readings"})
DEVICE = {
    "device_serial": "DEV-00000007",
    "device_type": "Camera",
    "manufacturer": "Acme",
    "model": "C1",
    "firmware_version": "1.0.1",
    "install_date": "2023-01-15",
    "location_id": 17,
    "latitude": 37.77,
    "longitude": -122.41,
    "status": "Online",
}


def reading(number: int, device: int) -> str:
    values = {"metric_name": "temperature", "metric_value": 21.5, "unit": "celsius", "quality_score": 90}
    of = {"reading_id": number, "device_id": device, "timestamp": "2024-03-05 10:00:00", "is_anomaly": False}
    return json.dumps(of | values) + "\n"


def change(device: int) -> str:
    at = {"operation": "INSERT", "operation_date": "2024-03-06 08:00:00", "sequence": 1}
    image = json.dumps(DEVICE | {"device_id": device})
    return json.dumps({"device_id": device, **at, "before": None, "after": image}) + "\n"


@pytest.fixture
def nights(run, deliver, table, accounts):
    """What silver and quarantine have after each of two nights; the registry names the first device in the second."""

    def work(night: date) -> tuple[set[int], set[int]]:
        for stage in ("bronze", "silver"):
            run(stage, night=night, tables=TABLES)
        refused = table("ops.quarantine").where("source = 'readings'").collect()
        return {row.reading_id for row in table("silver.readings").collect()}, {
            int(row.key) for row in refused
        }

    deliver("readings", "a.json", reading(1, 7) + reading(2, 8) + reading(3, 7), FIRST)
    before = work(FIRST)
    deliver("device_changes", "a.json", change(7), SECOND)
    after = work(SECOND)
    return before, after, work(SECOND), accounts("readings")


def test_the_nights_of_a_device_that_becomes_known_are_reconciled_again_and_only_then(nights):
    before, after, again, accounts = nights
    assert before == (set(), {1, 2, 3})
    assert after == again == ({1, 3}, {2})
    account = accounts[FIRST]
    assert account["is_balanced"] and not account["is_published"]
    assert (account["landed"], account["silver"], account["quarantined"]) == (3, 2, 1)
