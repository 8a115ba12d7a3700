"""What the charts of the fleet page show are the rows of the lake: their values, and a word where there are none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from serving.fleet import (
    alerts,
    climate,
    device,
    devices,
    figure,
    lineage,
    map_view,
    quality,
    restated,
    runs,
    sites,
)
from serving.fleet.filters import Filters
from serving.fleet.snapshot import Snapshot
from tests.support.lake_tables import write_rows

D4, D5 = date(2024, 3, 4), date(2024, 3, 5)
NAN = float("nan")


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def shown(module, lake, night=D5, **filters):
    """The section of a module, of a lake as it is."""
    return module.section(Snapshot.of(lake), Filters(**filters), night)


def marks(spec):
    """The kinds of marks of a chart and its layers."""
    return {
        each["mark"] if isinstance(each["mark"], str) else each["mark"]["type"]
        for each in spec.get("layer", [spec])
    }


def test_a_section_is_left_out_where_its_table_is_not_there(tmp_path):
    for module in (climate, device, sites, devices, alerts, quality, restated, lineage):
        assert shown(module, tmp_path) is None


def climate_hour(room, day, hour, temperature, humidity=50.0):
    moment = at(day, hour)
    return {
        "event_date": day,
        "hour": moment,
        "location": room,
        "log_count": 1,
        "avg_temperature_f": temperature,
        "avg_humidity_percent": humidity,
    }


@pytest.fixture
def rooms(tmp_path):
    """Two rooms; of one, an hour is missing and one is NaN."""
    write_rows(
        tmp_path,
        "gold.climate_hourly",
        [
            climate_hour("A", D5, 0, 70.5),
            climate_hour("A", D5, 2, NAN),
            climate_hour("B", D5, 0, 68.0),
            climate_hour("A", D4, 23, 71.25),
            climate_hour("A", D4 - timedelta(days=9), 23, 99.0),
        ],
    )
    return tmp_path


def test_each_room_has_each_hour_and_no_value_where_nothing_was_measured(rooms):
    temperature, humidity = shown(climate, rooms, days=3).figures
    values = {(row["location"], row["hour"]): row["value"] for row in temperature.rows}
    assert len(values) == 2 * 3 * 24
    assert {key: value for key, value in values.items() if value is not None} == {
        ("A", "2024-03-04T23:00:00Z"): 71.25,
        ("A", "2024-03-05T00:00:00Z"): 70.5,
        ("B", "2024-03-05T00:00:00Z"): 68.0,
    }
    assert values["A", "2024-03-05T02:00:00Z"] is None, "NaN is no value"
    assert temperature.spec["datasets"]["rows"] == temperature.rows
    assert [row["value"] for row in humidity.rows if row["value"] is not None] == [50.0] * 4
    assert marks(temperature.spec) == {"line"}


def test_one_room_can_be_chosen_and_an_unknown_one_is_said_to_be_so(rooms):
    chosen = shown(climate, rooms, room="B")
    assert {row["location"] for row in chosen.figures[0].rows} == {"B"}
    assert ("A", "./?room=A#climate") in chosen.links and ("all rooms", "./?#climate") in chosen.links
    unknown = shown(climate, rooms, room="<b>C")
    assert unknown.problem == "room: '<b>C' was not measured in these days; rooms are A, B"
    assert {row["location"] for row in unknown.figures[0].rows} == {"A", "B"}


def test_many_rooms_are_a_heat_map(tmp_path):
    write_rows(tmp_path, "gold.climate_hourly", [climate_hour(f"R{n}", D5, 0, 70.0 + n) for n in range(20)])
    spec = shown(climate, tmp_path, days=1).figures[0].spec
    assert marks(spec) == {"rect"} and len(spec["datasets"]["rows"]) == 20 * 24
    assert spec["encoding"]["x"]["axis"]["tickCount"] == 8, "Vega knows no interval of hours"


def test_days_without_a_measurement_say_what_to_do(rooms):
    empty = shown(climate, rooms, night=date(2025, 1, 1)).figures[0]
    assert not empty.rows and "Choose another night" in empty.empty


def reading_hour(device_id, hour, anomalies, low=1.0, high=3.0, metric="temperature", day=D5):
    return {
        "event_date": day,
        "hour": at(day, hour),
        "device_id": device_id,
        "metric_name": metric,
        "reading_count": 4,
        "avg_value": None if low is None else (low + high) / 2,
        "min_value": low,
        "max_value": high,
        "anomaly_count": anomalies,
    }


@pytest.fixture
def readings(tmp_path):
    """Three devices: 7 has the most anomalies, and an hour whose readings have no value."""
    write_rows(
        tmp_path,
        "gold.sensor_hourly",
        [
            reading_hour(7, 0, 0),
            reading_hour(7, 1, 3, 2.0, 9.0),
            reading_hour(7, 2, 2, None, None),
            reading_hour(7, 3, 1, metric="salinity"),
            reading_hour(8, 0, 1),
            reading_hour(9, 0, 9, day=D5 - timedelta(days=20)),
        ],
    )
    return tmp_path


def test_the_device_with_the_most_anomalies_is_shown_hour_by_hour(readings):
    section = shown(device, readings)
    assert section.title == "Device 7" and section.links == [("8 (1)", "./?device=8#device")]
    salinity, temperature = section.figures
    assert (salinity.title, temperature.title) == ("Salinity", "Temperature")
    rows = [(row["hour"][11:13], row["avg_value"], row["marked"]) for row in temperature.rows]
    assert rows == [("00", 2.0, None), ("01", 5.5, 3), ("02", None, 2)]
    assert temperature.caption.startswith("In °C, by the hour (UTC)")
    assert "5 anomalies among 12 readings" in temperature.caption
    assert salinity.caption.startswith("By the hour"), "nobody guesses a unit"
    assert "1 anomaly among 4 readings" in salinity.caption
    assert marks(temperature.spec) == {"rule", "circle", "point"}


def test_the_anomalies_of_seven_days_choose_the_device_where_they_are_known(readings):
    row = {"night": D5, "metric_name": "temperature", "reading_count": 20, "avg_value": 1.0}
    write_rows(readings, "gold.device_anomalies", [row | {"device_id": 8, "anomaly_count": 12}])
    assert shown(device, readings).title == "Device 8"


def test_a_device_without_readings_is_said_to_be_so(readings):
    section = shown(device, readings, device=12345)
    assert section.problem == (
        "device: nothing was read from 12345 in these days; choose another, or more days"
    )
    assert not section.figures and shown(device, readings, device=9, days=30).figures


def placed(device_id, site, latitude, longitude, events=0, critical=0):
    return {
        "night": D5,
        "device_id": device_id,
        "location_id": site,
        "latitude": latitude,
        "longitude": longitude,
        "event_count": events,
        "critical_count": critical,
    }


@pytest.fixture
def fleet(tmp_path):
    """Two sites in one town, one across the sea, and devices without a site or a position."""
    write_rows(
        tmp_path,
        "gold.site_events",
        [
            placed(1, 10, 40.0, -74.0, 5, 2),
            placed(2, 10, 40.2, -74.2, 1, 0),
            placed(3, 11, 40.1, -74.0, 0, 0),
            placed(4, 12, 52.0, 13.0, 4, 4),
            placed(5, None, 52.0, 13.0, 9, 9),
            placed(6, 13, None, None, 9, 9),
            placed(7, 14, NAN, 13.0, 9, 9),
        ],
    )
    return tmp_path


def test_sites_that_cover_each_other_share_a_circle_with_the_sums_of_both(fleet):
    world, ranking = shown(sites, fleet).figures
    circles = {row["name"]: (row["devices"], row["events"], row["critical"]) for row in world.rows}
    assert circles == {"site 12": (1, 4, 4), "2 sites": (3, 6, 2)}
    assert [(row["name"], row["critical"], row["events"]) for row in ranking.rows] == [
        ("site 12", 4, 4),
        ("site 10", 2, 6),
    ], "at site 11 nothing happened"
    split = {(row["name"], row["kind"]): row["count"] for row in ranking.more["split"]}
    assert split["site 10", "critical"] == 2 and split["site 10", "others"] == 4
    assert world.spec["layer"][0]["data"]["url"] == sites.COASTS


def test_the_map_has_all_sites_in_it_and_is_no_nearer_than_its_coastlines_allow(fleet):
    view = map_view.View.around(shown(sites, fleet).figures[0].rows)
    assert view.longitude - view.span / 2 < -74.2 and view.longitude + view.span / 2 > 13.0
    assert 40.1 < view.latitude < 52.0
    near = map_view.View.around([{"latitude": 40.0, "longitude": -74.0}])
    assert near.span == pytest.approx(map_view.LEAST_SPAN)
    assert (near.latitude, near.longitude) == (pytest.approx(40.0), -74.0)
    # In a place without a width the poles would be 0 times infinity away.
    assert near.projection().to_dict()["scale"]["expr"].startswith("max(1, min(")


def test_a_site_can_be_chosen_with_its_devices(fleet):
    section = shown(sites, fleet, site=10, days=3)
    world, ranking = section.figures
    assert [row["location_id"] for row in world.more["chosen"]] == [10]
    assert [row["name"] for row in ranking.rows] == ["device 1", "device 2"]
    assert section.links[:2] == [
        ("all sites", "./?days=3#sites"),
        ("device 1", "./?days=3&device=1&site=10#device"),
    ]
    assert shown(sites, fleet, site=99).problem == (
        "site: no device of this night stands at site 99; choose another"
    )


def test_sites_go_by_the_names_of_the_registry_where_it_has_some(fleet):
    places = [(10, "Pier 39", "San Francisco"), (11, None, "San Francisco"), (12, "<b>Yard", None)]
    named = [{"location_id": site, "name": name, "region": region} for site, name, region in places]
    write_rows(fleet, "silver.locations", named)
    world, ranking = shown(sites, fleet).figures
    assert {row["name"] for row in world.rows} == {"<b>Yard", "2 sites, San Francisco"}
    names = ["<b>Yard", "Pier 39, San Francisco", "site 11, San Francisco"]
    assert [row["name"] for row in ranking.rows] == names[:2]
    assert [text for text, _ in shown(sites, fleet).links] == names
    assert shown(sites, fleet, site=10).figures[1].title == "Devices at Pier 39, San Francisco"


def test_the_way_of_a_table_leads_from_the_files_that_came_to_what_is_made_of_it(tmp_path):
    section = shown(lineage, tmp_path, table="silver.events", days=3)
    assert section.title == "Lineage of silver.events" and section.text.startswith("One row per event.")
    ways = {
        group.title.partition(":")[0]: {each.text: each.steps for each in group.names}
        for group in section.groups
    }
    assert [*ways] == ["Landing zone", "Bronze", "Silver", "Gold"]
    assert ways["Landing zone"] == {"devices": 4, "device_changes": 4, "events": 2}
    assert ways["Silver"] == {"device_registry": 2, "device_changes": 2, "devices_history": 1, "events": 0}
    assert ways["Gold"] == {"site_events": 1, "alerts": 1}
    (alerts_of_it,) = [each for group in section.groups for each in group.names if each.text == "alerts"]
    assert alerts_of_it.address == "./?days=3&table=gold.alerts#lineage"
    assert section.links == [("close", "./?days=3#tables")], "silver is not read by the API"
    assert shown(lineage, tmp_path, table="gold.alerts").links[0][1] == "../v1/tables/gold.alerts"
    assert [group.title for group in shown(lineage, tmp_path, table="ops.quarantine").groups][-1] == "Pages"


def test_devices_are_shares_of_their_type(tmp_path):
    counts = [("Camera", "Online", 3), ("Camera", "Broken", 1), ("Meter", "Online", 9), (None, "Offline", 1)]
    write_rows(
        tmp_path,
        "gold.device_health",
        [
            {"night": D5, "device_type": kind, "status": status, "device_count": count, "avg_age_days": NAN}
            for kind, status, count in counts
        ],
    )
    every, away = shown(devices, tmp_path).figures
    assert [(row["device_type"], row["status"], row["device_count"]) for row in every.rows] == [
        ("Meter", "Online", 9),
        ("Camera", "Online", 3),
        ("Camera", "Broken", 1),
        ("unknown", "Offline", 1),
    ]
    assert {row["device_type"]: row["share"] for row in away.rows} == {"Camera": 0.25, "unknown": 1.0}
    assert all(row["avg_age_days"] is None for row in every.rows)
    assert away.caption.startswith("2 of 14 devices")
    scale = every.spec["encoding"]["color"]["scale"]
    assert scale["domain"] == ["Online", "Offline", "Broken"] and len(set(scale["range"])) == 3


def test_alerts_are_counted_by_day_and_those_of_the_night_by_kind(tmp_path):
    def alert(number, day, device_id, kind, severity):
        return {
            "alert_id": f"a-{number}",
            "event_date": day,
            "device_id": device_id,
            "kind": kind,
            "severity": severity,
        }

    write_rows(
        tmp_path,
        "gold.alerts",
        [
            alert(1, D4, 1, "High temperature", "Warning"),
            alert(2, D5, 1, "High temperature", "Warning"),
            alert(3, D5, 2, "High temperature", "Warning"),
            alert(4, D5, 2, "Fire", "Critical"),
            alert(5, D5 - timedelta(days=30), 3, "Fire", "Critical"),
        ],
    )
    section = shown(alerts, tmp_path)
    by_day, by_kind = section.figures
    assert [(row["night"], row["severity"], row["alerts"]) for row in by_day.rows] == [
        ("2024-03-04", "Warning", 1),
        ("2024-03-05", "Critical", 1),
        ("2024-03-05", "Warning", 2),
    ]
    assert [(row["kind"], row["alerts"]) for row in by_kind.rows] == [("High temperature", 2), ("Fire", 1)]
    assert section.links[0] == ("device 2 (2)", "./?device=2#device")
    domain = by_day.spec["encoding"]["x"]["scale"]["domain"]
    assert len(domain) == 30 and domain[-1] == "2024-03-05", "days without alerts have their place, too"


def account(source, night, landed, silver, quarantined, duplicates=0):
    return {
        "source": source,
        "night": night,
        "landed": landed,
        "bronze": landed,
        "silver": silver,
        "quarantined": quarantined,
        "duplicates": duplicates,
        "is_balanced": True,
        "is_published": True,
    }


@pytest.fixture
def nights(tmp_path):
    """Two sources of two nights, with what was refused."""
    accounts = [account("a", D4, 100, 90, 8, 2), account("a", D5, 50, 50, 0), account("b", D5, 10, 8, 2)]
    write_rows(tmp_path, "ops.row_accounts", accounts)
    refused = [("a", D4, ["late", "blank"])] * 3 + [("a", D4, ["late"])] * 5 + [("b", D5, ["late"])] * 2
    refused.append(("a", D4, None))
    write_rows(
        tmp_path,
        "ops.quarantine",
        [{"source": source, "night": night, "reasons": reasons} for source, night, reasons in refused],
    )
    return tmp_path


def test_rows_of_a_night_are_summed_by_what_became_of_them(nights):
    outcomes = shown(quality, nights).figures[0]
    assert {(row["night"], row["outcome"]): row["rows"] for row in outcomes.rows} == {
        ("2024-03-04", "silver"): 90,
        ("2024-03-04", "quarantined"): 8,
        ("2024-03-04", "duplicates"): 2,
        ("2024-03-05", "silver"): 58,
        ("2024-03-05", "quarantined"): 2,
    }
    assert outcomes.caption == "160 rows landed; 6.2 % of them are in quarantine."


def test_a_rule_has_the_share_of_its_sources_rows_that_broke_it(nights):
    rules = shown(quality, nights).figures[-1]
    assert {(row["rule"], row["night"]): (row["rows"], row["share"]) for row in rules.rows} == {
        ("a: late", "2024-03-04"): (8, 0.08),
        ("a: blank", "2024-03-04"): (3, 0.03),
        ("b: late", "2024-03-05"): (2, 0.2),
    }


def run(step, night, run_id, begins, minutes, table="silver.a", detail="{}"):
    return {
        "run_id": run_id,
        "night": night,
        "stage": step,
        "table": table,
        "status": "done",
        "detail": detail,
        "started_at": begins,
        "ended_at": begins + timedelta(minutes=minutes),
    }


def test_a_night_counts_by_its_newest_run_and_a_step_by_its_last_attempt():
    found = [
        run("silver", D4, "old", at(D5, 1), 50),
        run("silver", D4, "new", at(D5, 5), 1, None, '{"message": "failed"}'),
        run("silver", D4, "new", at(D5, 6), 2, "silver.a"),
        run("silver", D4, "new", at(D5, 6), 2, "silver.b"),
        run(
            "check_silver",
            D4,
            "new",
            at(D5, 7),
            1,
            "silver.a",
            '{"expectations": 9, "failed": 1, "warned": 2}',
        ),
        run("check_gold", D4, "new", at(D5, 8), 3, "gold.a", '{"expectations": 5, "failed": 0, "warned": 0}'),
        run("check_gold", D5, "next", at(D5, 8), 3, None, '{"message": "no server"}'),
        run("maintain", D5, "weekly", at(D5, 12), 60),
        run("check_gold", D4, "by-hand", at(D5, 13), 7, "gold.a", '{"expectations": 1}'),
    ]
    newest = runs.newest(found)
    days = figure.nights_until(D5, 2)
    steps = runs.steps_figure(newest, days)
    assert {(row["night"], row["step"]): row["minutes"] for row in steps.rows} == {
        ("2024-03-04", "silver"): 2,
        ("2024-03-04", "check"): 4,
        ("2024-03-05", "check"): 3,
    }
    expectations = runs.expectations_figure(newest, days)
    assert [(row["what"], row["count"], row["checked"]) for row in expectations.rows] == [
        ("stopped the night", 1, 14),
        ("warned", 2, 14),
    ]


def test_checks_that_found_nothing_differ_from_checks_that_nobody_made():
    checked = run(
        "check_gold", D4, "r", at(D5, 8), 3, "gold.a", '{"expectations": 5, "failed": 0, "warned": 0}'
    )
    assert runs.expectations_figure([checked], [D4]).empty == (
        "All expectations hold: by the newest run of each night; 5 were checked on 2024-03-04."
    )
    assert runs.expectations_figure([], [D4]).empty.startswith("No checks are recorded")


def test_a_restated_night_has_the_late_rows_of_all_its_restatements(tmp_path):
    def restated_by(night, before, after, late):
        return {
            "run_id": f"r-{night}",
            "night": night,
            "table": "gold.alerts",
            "slice": D4,
            "rows_before": before,
            "rows_after": after,
            "late_rows": late,
            "restated_at": at(night, 1),
        }

    write_rows(
        tmp_path,
        "ops.restatements",
        [
            restated_by(date(2024, 3, 6), 7, 9, [("events", 1)]),
            restated_by(D5, 5, 7, [("events", 2), ("b", 3)]),
        ],
    )
    figure_ = shown(restated, tmp_path).figures[0]
    assert figure_.caption.startswith("1 night changed after publication")
    (row,) = figure_.rows
    assert (row["table"], row["night"], row["late"], row["times"]) == ("alerts", "2024-03-04", 6, 2)
    assert (row["before"], row["after"], row["by"]) == (5, 9, "2024-03-05, 2024-03-06")
