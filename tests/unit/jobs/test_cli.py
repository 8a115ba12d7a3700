"""The command line of the jobs: what it takes and how it refuses."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from catalog.tables import GOLD, NAMES, OPTIONAL, selection, sources_of
from jobs.cli import parser


def refusal(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        parser.parse(argv)
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, "one clear line"
    return error


def test_a_stage_needs_only_its_night():
    settings = parser.parse(["silver", "--night", "2024-03-05"])
    assert (settings.night, settings.catalog, settings.prefix) == (date(2024, 3, 5), "spark_catalog", "")
    streamed = {*OPTIONAL, "transactions_daily", "readings_5min"}
    assert settings.tables == set(NAMES) - streamed and streamed < set(NAMES)


def test_asking_what_a_stage_takes_needs_nothing_but_python():
    """`make run` does so before anything is installed."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('pyspark', 'pyarrow', 'great_expectations', 'jinja2')));"
        "from jobs.cli.parser import parse; print(parse(['generate', '--night=2024-03-05']).night)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2024-03-05"


def test_a_night_can_be_given_as_the_one_before_a_day():
    assert parser.parse(["silver", "--night", "before:2024-03-01"]).night == date(2024, 2, 29)
    today = datetime.now(UTC).date()
    assert parser.parse(["silver", "--night", f"before:{today}"]).night == today - timedelta(days=1)


@pytest.mark.parametrize(
    "night",
    [
        "before:",
        "before:0001-01-01",
        "before:before:2024-03-05",
        "yesterday",
        "2024-13-01",
        "20240305",
        "2024-02-30",
        "",
        "2024-03-05; DROP TABLE x",
    ],
)
def test_a_night_that_is_no_date_is_refused(capsys, night):
    assert "YYYY-MM-DD" in refusal(capsys, "silver", "--night", night)


def test_a_night_that_is_not_over_is_refused(capsys):
    today = datetime.now(UTC).date()
    assert str(today - timedelta(days=1)) in refusal(capsys, "generate", "--night", str(today))


def test_a_night_before_1970_is_refused_and_none_after_it(capsys):
    assert "1970-01-01" in refusal(capsys, "generate", "--night", "1969-12-31")
    for argv in (["generate", "--night=1970-01-01"], ["backfill", "--from=1970-01-01", "--to=1970-01-02"]):
        assert parser.parse(argv).nights[0] == date(1970, 1, 1)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("", None),
        ("none", set()),
        ("readings,events", {"readings", "events"}),
        ("transactions", {"transactions"}),
    ],
)
def test_which_sources_are_simulated_is_read(text, sources):
    assert parser.parse(["generate", "--night=2024-03-05", f"--simulate={text}"]).options.simulate == sources


def test_what_cannot_be_simulated_is_refused_by_name(capsys, monkeypatch):
    assert "radings" in refusal(capsys, "generate", "--night=2024-03-05", "--simulate=readings,radings")
    monkeypatch.setattr("jobs.generate.arguments.has_feed", lambda name: name != "readings")
    assert "nothing simulates readings" in refusal(
        capsys, "generate", "--night=2024-03-05", "--simulate=readings,events"
    )


@pytest.mark.parametrize("scale", ["0", "-1", "1000000", "nan", "inf", "big", "1e400"])
def test_an_absurd_scale_is_refused(capsys, scale):
    assert "--scale" in refusal(capsys, "generate", "--night", "2024-03-05", f"--scale={scale}")


@pytest.mark.parametrize("seed", ["-1", "1.5", "99999999999", "x"])
def test_a_seed_that_is_no_31_bit_number_is_refused(capsys, seed):
    assert "--seed" in refusal(capsys, "generate", "--night", "2024-03-05", f"--seed={seed}")


@pytest.mark.parametrize(
    ("rates", "what"),
    [
        ("dust=0.1", "no kind 'dust'; choose from malformed, "),
        ("late", "'late' has no share; write it as in late=0.01"),
        ("late=often", "has no share"),
        ("late=1.5", "out of range; a share is from 0 to 1"),
        ("late=nan", "out of range"),
        ("null=0.9,malformed=0.2", "come to 1.3065; a row has one at most"),
    ],
)
def test_fault_rates_that_make_no_sense_are_refused(capsys, rates, what):
    assert what in refusal(capsys, "generate", "--night=2024-03-05", f"--fault-rates={rates}")


def test_fault_rates_are_what_is_other_than_usual():
    parsed = parser.parse(["generate", "--night=2024-03-05", "--fault-rates=late=0.05,duplicate=0.01"])
    assert parsed.options.fault_rates == {"late": 0.05}


@pytest.mark.parametrize(
    "name",
    [
        "reading",
        "../readings",
        "file:///etc/passwd",
        "readings; DROP TABLE x",
        "`readings`",
        "$(id)",
        "x" * 10**5,
    ],
)
def test_an_unknown_table_is_refused_with_the_list_of_known_ones(capsys, name):
    error = refusal(capsys, "bronze", "--night", "2024-03-05", "--tables", name)
    assert "sensor_hourly" in error and len(error) < 1000


@pytest.mark.parametrize("home", ["s3a://bucket/lake", "../elsewhere", "a/../../b", "file:///etc"])
def test_a_home_that_is_a_url_or_climbs_is_refused(capsys, home):
    assert "plain folder" in refusal(capsys, "bronze", "--night", "2024-03-05", "--home", home)


@pytest.mark.parametrize("run_id", ["../x", "a/b", "a b", "", ".."])
def test_a_run_id_that_could_leave_its_folder_is_refused(capsys, run_id):
    assert "--run-id" in refusal(capsys, "bronze", "--night", "2024-03-05", "--run-id", run_id)


@pytest.mark.parametrize("option", ["--catalog", "--prefix"])
@pytest.mark.parametrize("name", ["a.b", "a b", "a`b", "a;b", "ä"])
def test_a_catalog_or_prefix_that_is_no_name_is_refused(capsys, option, name):
    said = refusal(capsys, "bronze", "--night", "2024-03-05", option, name)
    assert option in said and "letters, digits and underscores" in said


def test_check_needs_a_layer(capsys):
    assert "--layer" in refusal(capsys, "check", "--night", "2024-03-05")


def test_every_stage_explains_itself_and_its_exit_status(capsys):
    for stage in parser.STAGES:
        with pytest.raises(SystemExit):
            parser.parse([stage, "--help"])
        text = " ".join(capsys.readouterr().out.split())
        assert "3 data did not pass its contract" in text and "YYYY-MM-DD" in text


def test_the_help_of_all_stages_names_the_variable_that_leads_to_spark(capsys):
    with pytest.raises(SystemExit):
        parser.parse(["--help"])
    assert "SPARK_REMOTE names the Spark Connect server" in " ".join(capsys.readouterr().out.split())


def test_a_selected_source_brings_along_what_is_made_from_it():
    assert selection(["sensor_logs"]) == {"sensor_logs", "climate_hourly", "devices", "device_changes"}


def test_a_selected_gold_table_brings_along_what_it_reads():
    assert selection(["sensor_hourly"]) == {"sensor_hourly", "readings", "devices", "device_changes"}


def test_an_optional_source_is_worked_on_when_it_is_named():
    assert selection(["live_sensors"]) == {"live_sensors", "readings_5min", "devices", "device_changes"}


def test_every_gold_table_is_made_from_known_sources():
    assert all(sources_of(table) for table in GOLD.values())


def test_a_python_without_spark_says_so_in_one_line():
    # -S leaves out site-packages, and with them pyspark.
    job = subprocess.run([sys.executable, "-S", "-m", "jobs", "--help"], capture_output=True, text=True)
    assert (job.returncode, job.stderr.count("\n")) == (1, 1)
    assert f"{sys.executable} has no pyspark" in job.stderr


def test_a_range_of_nights_that_ends_before_it_begins_is_refused(capsys):
    assert "before it begins" in refusal(capsys, "backfill", "--from", "2024-03-06", "--to", "2024-03-05")


def test_a_range_of_nights_takes_in_both_ends():
    settings = parser.parse(["backfill", "--from", "2024-02-28", "--to", "2024-03-01"])
    assert [str(night) for night in settings.nights] == ["2024-02-28", "2024-02-29", "2024-03-01"]


@pytest.mark.parametrize("stage", ["bronze", "silver", "gold", "publish", "report", "verify"])
def test_a_night_of_somebodys_own_may_be_of_any_date_from_1970_on(capsys, stage):
    assert parser.parse([stage, "--night=1970-01-01"]).night == date(1970, 1, 1)
    assert "before 1970-01-01" in refusal(capsys, stage, "--night=1969-12-31")
