"""Warning thresholds of alerts."""

from expectations.silver.readings import RANGES
from jobs.gold.tables.alerts import THRESHOLDS


def test_warning_thresholds_lie_within_what_a_working_sensor_can_report():
    assert set(THRESHOLDS) == set(RANGES)
    for metric, bounds in THRESHOLDS.items():
        assert all(RANGES[metric][0] <= bound <= RANGES[metric][1] for bound in bounds.values())
        assert bounds.get("low", RANGES[metric][0]) < bounds["high"]
