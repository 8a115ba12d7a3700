"""Stage `report`: the page of a night, and its refusal of a night that is not reconciled."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import Row

from catalog.repeated import DISAGREES
from catalog.run_result import TableEntry
from catalog.tables import SOURCES, TABLES
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken
from jobs.report import deliveries
from jobs.report import stage as report
from jobs.report.flow_chart import FlowChart
from jobs.settings import Settings
from jobs.state import run_results
from tests.support.run_results import leave, result

NIGHT, UNEVEN = date(2024, 3, 5), date(2024, 3, 7)
READINGS = frozenset({"readings"})


def account(source="readings", **changed):
    row = {
        "source": source,
        "night": NIGHT,
        "landed": 1010,
        "bronze": 1010,
        "silver": 1000,
        "quarantined": 7,
        "duplicates": 3,
        "corrections": 0,
        "lost_dates": None,
        "is_newest": True,
        "is_refused": False,
        "is_balanced": True,
        "is_published": True,
        "run_id": "test",
        "settled_at": datetime(2024, 3, 6, 1, tzinfo=UTC),
    }
    return Row(**{**row, **changed})


def checked(table, *failures, warned=0):
    detail = {
        "success": True,
        "expectations": 18,
        "failed": 0,
        "warned": warned,
        "page": "../../expectations/p.html",
    }
    return TableEntry(table, 1000, {**detail, "failures": list(failures)})


def a_night(**changed):
    failure = {"reason": "no value", "observed": "400 of 1,000 rows: None"}
    parts = {
        "accounts": [account()],
        "reasons": [
            Row(
                source="readings",
                reason="power outside 0 to 200 kWh",
                rows=7,
                file="file:/landing/readings/arrived=2024-03-05/meters.json",
                key="1717",
            )
        ],
        "digests": [Row(table="silver.readings", night=NIGHT, rows=1000, digest="-123456789", run_id="test")],
        "rejected_files": [],
        "stages": [
            result("silver", TableEntry("silver.readings", 1000)),
            result("check_silver", checked("silver.readings", failure, warned=1), seconds=4.2),
            result("publish", TableEntry("gold.sensor_hourly", 640)),
        ],
    }
    return report.Night(**{**parts, **changed})


@pytest.fixture
def settings(tmp_path):
    return Settings("report", NIGHT, "test", tmp_path, "spark_catalog", "", READINGS)


def page_of(settings, night):
    return report.render_page(settings, night, report.find_problems(settings, night))


def test_the_page_shows_accounts_reasons_expectations_times_and_digests(settings):
    page = page_of(settings, a_night())

    for shown in (
        "every row has an outcome",
        "1,010",
        "power outside 0 to 200 kWh",
        "400 of 1,000 rows: None",
        "../runs/test/check_silver.html",
        "../runs/test/../../expectations/p.html",
        "1 min 15 s",
        "gold.sensor_hourly",
        "1717 in meters.json",
        "-123456789",
    ):
        assert shown in page, shown


def test_the_page_and_its_data_say_how_the_model_did(settings):
    night = a_night(model="Model 1a2b does not beat the rule.")
    assert "<p>Model 1a2b does not beat the rule.</p>" in page_of(settings, night)
    assert json.loads(report.to_json(settings, night, "", []))["model"] == night.model


def test_the_page_needs_nothing_else(settings):
    page = page_of(settings, a_night())
    assert "<script" not in page and "src=" not in page and "http" not in page
    assert "<svg" in page


def test_text_from_the_data_is_shown_as_text(settings):
    evil = "<img src=x onerror=alert(1)>"
    file = Row(source="readings", night=NIGHT, file=evil, reason=evil, bytes=12, rejected_at=None)
    reason = Row(source="readings", reason=evil, rows=1, file=f"{evil}.json", key=evil)

    page = page_of(settings, a_night(rejected_files=[file], reasons=[reason]))

    assert page.count("&lt;img src=x") == 5
    assert "<img" not in page


def test_a_night_without_anything_still_has_a_page(settings):
    nothing = report.Night([], [], [], [], [])
    page = page_of(settings, nothing)
    assert "readings has no account" in page and "Nothing was quarantined." in page


def test_the_summary_is_one_line_with_the_equation(settings):
    line = report.summarize(settings, a_night(), [])
    assert line == (
        "2024-03-05: 1,010 lines landed = 1,000 in silver + 7 quarantined + 3 duplicates; "
        "17 expectations hold, 1 warned; 640 rows published to 1 gold tables"
    )


def test_corrections_and_rows_that_disagree_with_their_key_are_counted_apart_from_duplicates(settings):
    corrected = account(silver=990, corrections=10)
    reason = Row(source="readings", reason=DISAGREES["first"], rows=4, file="file:/a.json", key="7")
    night = a_night(accounts=[corrected], reasons=[reason])
    assert not report.find_problems(settings, night)
    assert "3 duplicates + 10 corrections;" in report.summarize(settings, night, [])
    page = page_of(settings, night)
    assert "duplicates and corrections" in page and "readings: 4 rows are in quarantine because" in page
    assert json.loads(report.to_json(settings, night, "", []))["disagreeing_rows"] == {"readings": 4}


@pytest.mark.parametrize(
    "wrong",
    [{"landed": 1011}, {"bronze": 1009}, {"silver": 999}, {"is_balanced": False}],
    ids=["a line lost", "a bronze row lost", "a silver row lost", "marked as uneven"],
)
def test_an_account_that_does_not_balance_is_a_problem(settings, wrong):
    (problem,) = report.find_problems(settings, a_night(accounts=[account(**wrong)]))
    assert problem.startswith("readings: ")


def test_an_account_of_another_night_that_the_run_reconciled_is_shown_and_must_balance(settings):
    other = date(2024, 3, 6)
    assert "Other nights" not in page_of(settings, a_night())
    page = page_of(settings, a_night(others=[account(night=other)]))
    assert "Other nights that this run reconciled" in page and f"<td>{other}</td>" in page
    (problem,) = report.find_problems(settings, a_night(others=[account(night=other, silver=999)]))
    assert problem.startswith("of 2024-03-06, readings: ")


def test_a_file_that_was_still_being_written_is_named(settings):
    table = TableEntry("bronze.readings", 5, {"still_being_written": ["gateway/<b>.json"]})
    page = page_of(settings, a_night(stages=[result("bronze", table)]))
    assert "still being written: <code>gateway/&lt;b&gt;.json</code> of readings" in page


def test_columns_that_a_file_lacks_are_named(settings):
    table = TableEntry("bronze.sensor_logs", 5, {"lacking": {"arrived=2024-03-05/<b>.csv": ["humidity"]}})
    page = page_of(settings, a_night(stages=[result("bronze", table)]))
    shown = "<code>arrived=2024-03-05/&lt;b&gt;.csv</code> of sensor_logs has no column <code>humidity</code>"
    assert shown in page


@pytest.fixture
def two_days(monkeypatch):
    """On 12 March, readings may be silent for less than two days."""
    monkeypatch.setitem(SOURCES, "readings", replace(SOURCES["readings"], silent_after_days=2))
    monkeypatch.setattr(deliveries, "today", lambda: date(2024, 3, 12))


def of_night(settings, day):
    return replace(settings, night=date(2024, 3, day), tables=frozenset({"readings", "events"}))


def test_of_which_sources_silence_is_news_the_catalog_says_of_a_night_that_just_ended(settings, two_days):
    assert [source.name for source in deliveries.watched(of_night(settings, 11))] == ["readings"]
    assert deliveries.watched(of_night(settings, 10)) == []
    # One that is simulated is never late.
    (settings.home / "truth/readings").mkdir(parents=True)
    assert deliveries.watched(of_night(settings, 11)) == []


@pytest.mark.parametrize(("last", "is_silent"), [(8, True), (9, True), (10, False), (11, False), (12, False)])
def test_a_source_is_silent_after_as_many_days_as_the_catalog_says(settings, two_days, last, is_silent):
    row = Row(source="readings", last=date(2024, 3, last))
    (found,) = deliveries.found(of_night(settings, 11), [row])
    assert found == deliveries.Delivery("readings", row.last, is_silent)
    shown = f"readings: no rows since the night 2024-03-{last:02}" in page_of(
        settings, a_night(deliveries=[found])
    )
    assert shown == is_silent


def test_how_many_records_came_of_a_document_is_said(settings):
    table = TableEntry("bronze.readings", 27, {"records": {"arrived=2024-03-05/<b>.json": 1027}})
    page = page_of(settings, a_night(stages=[result("bronze", table)]))
    assert "&lt;b&gt;.json</code> of readings is a document: 1,027 records came of it" in page


def test_a_file_that_may_have_been_cut_or_was_written_to_since_is_named(settings):
    detail = {"unended": ["arrived=2024-03-05/<b>.csv"], "touched": ["arrived=2024-03-05/a.csv"]}
    page = page_of(settings, a_night(stages=[result("bronze", TableEntry("bronze.sensor_logs", 5, detail))]))
    assert (
        "<code>arrived=2024-03-05/&lt;b&gt;.csv</code> of sensor_logs ends without the end of its last"
        in page
    )
    assert "a.csv</code> of sensor_logs was written to after it was read, and is as long as before" in page


def test_slices_that_are_left_to_another_run_are_named(settings):
    table = TableEntry("gold.climate_hourly", 0, {"slices": 0, "left_out": ["2024-03-04", "2024-03-05"]})
    page = page_of(settings, a_night(stages=[result("gold", table)]))
    assert "gold.climate_hourly of 2024-03-04, 2024-03-05 is left to the run that checks" in page


def test_a_selected_source_without_an_account_is_a_problem(settings):
    night = a_night(accounts=[account("events")])
    assert report.find_problems(settings, night) == ["readings has no account"]


def test_results_of_another_night_under_the_same_run_id_are_left_out(settings):
    for stage, night in (("bronze", "2024-03-04"), ("silver", "2024-03-05")):
        leave(settings.docs, result(stage, night=night, run_id=settings.run_id))
    assert [found.stage for found in run_results.of_night(settings)] == ["silver"]


def test_nights_are_listed_newest_first(settings):
    folder = settings.docs / "nights"
    folder.mkdir(parents=True)
    for name in ("2024-01-31.html", "2024-03-05.html", "2023-12-31.html", "others.html"):
        (folder / name).touch()

    report.write_index(settings)

    links = re.findall(r'href="nights/(\S+)\.html"', Path(settings.docs / "index.html").read_text())
    assert links == ["2024-03-05", "2024-01-31", "2023-12-31"]


def test_the_picture_is_as_high_as_rows_are_many_and_keeps_slivers_visible():
    chart = FlowChart.of(landed=1000, bronze=1000, silver=500, quarantined=499, duplicates=1, gold=10)
    landing, _, silver, _ = chart.bars

    assert silver.height == landing.height / 2
    assert [bar.height for bar in chart.branches] == [pytest.approx(landing.height / 2, abs=0.2), 3]
    assert len(chart.bands) == 5


def test_the_picture_of_nothing_has_no_flow():
    chart = FlowChart.of(landed=0, bronze=0, silver=0, quarantined=0, duplicates=0, gold=0)
    assert chart.bands == []


@pytest.fixture(scope="module")
def kept(spark, module_lake):
    """Accounts of two nights, and of a third that does not balance; each test reports on a night of its own.

    A run of its own reconciled a fourth night, and before it, under the same id, a fifth.
    """
    name, settings = "ops.row_accounts", module_lake("report")
    Lake(spark, settings).ensure([name])
    rows = [account(), account(night=date(2024, 3, 4), landed=5), account(night=UNEVEN, silver=999)]
    none = dict.fromkeys(("landed", "bronze", "silver", "quarantined", "duplicates"), 0)
    rows += [account(night=date(2024, 3, day), **none) for day in (10, 11)]
    rows.append(account("events", night=date(2024, 3, 11)))
    rows += [
        account(night=date(2024, 3, day), run_id="swept", settled_at=datetime(2024, 3, day + 1, tzinfo=UTC))
        for day in (8, 9)
    ]
    values = [tuple(row[column] for column in TABLES[name].column_names) for row in rows]
    Lake(spark, settings).append(name, spark.createDataFrame(values, TABLES[name].columns))
    return module_lake


def test_a_reconciled_night_gets_its_page_and_a_summary(spark, kept):
    settings = kept("report", tables=READINGS)

    (result,) = report.run(Lake(spark, settings))

    assert (result.rows, result.detail["balanced"]) == (1, True)
    assert "1,010 lines landed" in result.detail["summary"]
    assert "1,010" in (settings.docs / "nights/2024-03-05.html").read_text()
    assert "nights/2024-03-05.html" in (settings.docs / "index.html").read_text()
    data = json.loads((settings.docs / "nights/2024-03-05.json").read_text())
    assert (data["night"], data["is_reconciled"], data["summary"]) == (
        str(NIGHT),
        True,
        result.detail["summary"],
    )
    (found,) = data["accounts"]
    assert (found["source"], found["landed"], found["silver"]) == ("readings", 1010, account()["silver"])


def test_the_report_has_the_accounts_of_the_other_nights_that_its_run_reconciled(spark, kept):
    settings = kept("report", tables=READINGS, run_id="swept")
    leave(settings.docs, result("bronze", run_id="swept", started_at="2024-03-09T12:00:00+00:00"))

    (found,) = report.run(Lake(spark, settings))

    assert found.rows == 1
    data = json.loads((settings.docs / f"nights/{NIGHT}.json").read_text())
    assert [each["night"] for each in data["other_accounts"]] == ["2024-03-09"]


def test_the_report_says_since_when_a_source_is_silent(spark, kept, two_days):
    settings = kept("report", night=date(2024, 3, 11), tables=READINGS)
    (found,) = report.run(Lake(spark, settings))
    silent = {"readings": {"last": "2024-03-09", "is_silent": True}}
    assert found.detail["deliveries"] == silent
    page = settings.docs / "nights/2024-03-11.html"
    assert "no rows since the night 2024-03-09" in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["deliveries"] == silent


def test_a_night_that_does_not_balance_is_refused_but_its_page_says_why(spark, kept):
    settings = kept("report", night=UNEVEN, tables=READINGS)

    with pytest.raises(ContractBroken, match=r"readings: 1,010 lines landed.*999 in silver"):
        report.run(Lake(spark, settings))

    assert "not reconciled" in (settings.docs / f"nights/{UNEVEN}.html").read_text()
