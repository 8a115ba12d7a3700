"""Commands about one table: what is refused before there is any Spark, and what is printed."""

from datetime import date

import pytest

from catalog.tables import GOLD, SILVER, SOURCES
from jobs.main import main
from jobs.maintenance import table_command, withdraw
from jobs.maintenance.difference import key_of
from jobs.maintenance.versions import Retention, Version


@pytest.fixture
def refusal(capsys, monkeypatch):
    """Run a command that must not come as far as Spark: exit status, output, complaint."""
    monkeypatch.delenv("SPARK_REMOTE", raising=False)

    def of(*argv: str) -> tuple[int, str, str]:
        try:
            code = main(argv)
        except SystemExit as exit_:
            code = exit_.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return of


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["gold.climate_daily", "--version", "1"], "no table 'gold.climate_daily'"),
        (["readings", "--version", "1"], "bronze.readings or silver.readings"),
        (["climate_hourly; DROP TABLE x", "--version", "1"], "no table"),
        (["climate_hourly", "--version", "-1"], "not an integer"),
        (["climate_hourly", "--night", "5 March"], "YYYY-MM-DD"),
        (["climate_hourly"], "--version, --night or both"),
        (["ops.digests", "--version", "1"], "not put back"),
    ],
    ids=str,
)
def test_a_restore_that_makes_no_sense_is_refused_in_one_line(refusal, argv, says):
    code, out, error = refusal("restore", *argv)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert says in error


def test_a_table_is_not_read_as_of_no_moment(refusal):
    assert refusal("as-of", "climate_hourly") == (2, "", "as-of: give --version, --night or both\n")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["climate_hourly", "--format=csv"], "--night, or --from and --to"),
        (["climate_hourly", "--format=csv", "--from=2024-03-05"], "--night, or --from and --to"),
        (
            ["climate_hourly", "--format=csv", "--night=2024-03-05", "--to=2024-03-05"],
            "--night, or --from and --to",
        ),
        (["climate_hourly", "--format=csv", "--from=2024-03-06", "--to=2024-03-05"], "before it begins"),
        (["climate_hourly", "--format=xlsx", "--night=2024-03-05"], "--format"),
        (["climate", "--format=csv", "--night=2024-03-05"], "no table"),
    ],
    ids=str,
)
def test_an_export_that_makes_no_sense_is_refused_in_one_line_and_nothing_is_written(
    refusal, tmp_path, argv, says
):
    code, out, error = refusal("export", *argv, f"--out={tmp_path}")
    assert (code, out, error.count("\n"), list(tmp_path.iterdir())) == (2, "", 1, []) and says in error


def test_an_export_into_a_folder_that_is_not_there_is_refused(refusal, tmp_path):
    argv = ("climate_hourly", "--night=2024-03-05", "--format=csv")
    code, _, error = refusal("export", *argv, f"--out={tmp_path / 'nowhere'}")
    assert code == 2 and "there is no folder" in error and not list(tmp_path.iterdir())


def test_every_silver_and_gold_table_says_by_its_suite_what_its_key_is():
    assert key_of(GOLD["climate_hourly"]) == ("location", "hour")
    assert [t.full_name for t in (*SILVER.values(), *GOLD.values()) if not key_of(t)] == []


def test_a_table_is_printed_with_numbers_to_the_right_and_nothing_a_terminal_would_obey():
    text = table_command.aligned(("name", "rows"), [("a\x1b[2J", 5), ("b" * 50, 12345), (None, None)])
    first, second, third, fourth = text.split("\n")
    assert first.endswith("  rows") and second.endswith("      5") and third.endswith("…  12,345")
    assert "\x1b" not in text and fourth == ""


def test_versions_whose_files_a_vacuum_took_are_not_kept_though_the_table_keeps_them_for_longer_since():
    day = 86_400_000
    found = [
        Version(4, 40 * day, "WRITE", 1),
        Version(3, 30 * day, "VACUUM START", None, vacuum_kept=7 * day),
        *(Version(number, at * day, "WRITE", 1) for number, at in ((2, 25), (1, 20), (0, 10))),
    ]
    assert [version.number for version in Retention("interval 90 days", 0).readable(found)] == [4, 3, 2, 1]
    assert [version.number for version in Retention("interval 7 days", 33 * day).readable(found)] == [4]


LANDED = {
    name: withdraw.Landed(
        SOURCES["readings"], date(2024, 3, day), f"file:/lake/landing/readings/{url}", name, 1
    )
    for day, name, url in (
        (5, "arrived=2024-03-05/50% (1)+a.json", "arrived=2024-03-05/50%25%20(1)+a.json"),
        (5, "arrived=2024-03-05/a b.json", "arrived=2024-03-05/a%20b.json"),
        (6, "arrived=2024-03-06/a%20b.json", "arrived=2024-03-06/a%2520b.json"),
        (
            6,
            "arrived=2024-03-06/at-10.00.00.000000-%41.json",
            "arrived=2024-03-06/at-10.00.00.000000-%2541.json",
        ),
    )
}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("%41.json", [3]),
        ("arrived=2024-03-06/at-10.00.00.000000-%41.json", [3]),
        ("%2541.json", [3]),
        ("50% (1)+a.json", [0]),
        ("50%25%20(1)+a.json", [0]),
        ("a b.json", [1]),
        ("a%20b.json", [1, 2]),
        ("arrived=2024-03-06/a%20b.json", [2]),
        ("file:/lake/landing/readings/arrived=2024-03-05/a%20b.json", [1]),
        ("file:/lake/landing/readings/arrived=2024-03-06/a%2520b.json", [2]),
        ("b.json", []),
    ],
)
def test_a_file_is_found_by_its_name_as_it_is_or_as_the_report_writes_it(name, meant):
    files = [*LANDED.values()]
    assert withdraw.named(files, name) == [files[at] for at in meant]
