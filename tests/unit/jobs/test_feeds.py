"""Which simulated feeds a night has, and how much they deliver."""

from catalog.tables import selection
from tests.support.simulated import FEEDS


def test_a_year_has_the_sizes_of_the_documents():
    nights = {source: range(1 if feed.is_initial else 366) for source, feed in FEEDS.items()}
    year = {source: sum(FEEDS[source].count(night, 1.0) for night in nights[source]) for source in nights}
    assert year == {
        "devices": 10_000,
        "locations": 500,
        # A night has whole rows: a few more or less than a 366th of the documents' number.
        "readings": 50_000_000 - 8,
        "events": 100_000 + 284,
        "telemetry": 10_000_000 + 218,
        # The fleet, and a tenth of it on each later night.
        "device_changes": 10_000 + 365 * 1_000,
        # These have their numbers by the night.
        "iot_events": 366 * 10_000,
        "machine_sensors": 366 * 27_000,
        "inspections": 366 * 1_000,
        "sensor_logs": 366 * 17_280,
        "telematics": 366 * 86_400,
    }


def test_an_optional_feed_is_left_out_of_a_night_that_does_not_name_it():
    assert "telematics" in selection(["telematics"]) and "telematics" not in selection(())
