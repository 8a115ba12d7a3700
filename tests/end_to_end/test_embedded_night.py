"""`make run` for real: Spark Connect, Airflow's scheduler, one small night, gold at the end."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import duckdb
import pytest
import requests
from deltalake import DeltaTable

from catalog.tables import OPTIONAL, SOURCES
from tests.support.embedded_stack import NIGHT, SCALE, STAGES, Embedded, wait_for
from tests.support.project import PROJECT

# A night this small may be without anomalies.
GOLD = ["sensor_hourly", "climate_hourly", "device_health", "fleet_last_seen", "site_events"]


def test_the_webhook_is_notified_how_many_alerts_the_night_raised(embedded: Embedded) -> None:
    report = json.loads(
        (embedded.home / "data-docs/runs" / embedded.first_run_id / "report.json").read_text()
    )
    alerts = report["tables"][0]["detail"]["alerts"]
    assert sum(alerts.values()) > 0
    counts = ", ".join(f"{count:,} {severity.lower()}" for severity, count in sorted(alerts.items()))
    text, page = embedded.alerts[0].splitlines()
    assert text == f"iot_nightly: alerts: {counts} (night {NIGHT}, run {embedded.first_run_id})"
    assert page == f"{embedded.url}/plugin/night-report/data-docs/nights/{NIGHT}.html"


def test_a_night_is_to_be_had_as_json_with_a_token_of_airflow(embedded: Embedded) -> None:
    login = {"username": "admin", "password": embedded.password}
    token = requests.post(f"{embedded.url}/auth/token", json=login, timeout=30).json()["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{embedded.url}/data-docs/nights/{NIGHT}.json", headers=header, timeout=30)
    assert answer.headers["Content-Type"] == "application/json"
    night = answer.json()
    assert (night["night"], night["is_reconciled"]) == (NIGHT, True)
    assert {account["source"] for account in night["accounts"]} >= {"readings", "iot_events"}
    assert night["gold"]["gold.sensor_hourly"] > 0 and night["queries"]["device_health"]["rows"]


def blocks_of(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (PROJECT / page).read_text(), re.DOTALL)


def test_the_api_over_gold_answers_as_its_page_says(embedded: Embedded, tmp_path: Path) -> None:
    """What docs/api.md types, with the address and the folder of this stack, whichever nights it had since."""
    token, asked = blocks_of("docs/api.md", "sh")
    (python,) = blocks_of("docs/api.md", "py")
    (tmp_path / "all_rows.py").write_text(python.replace("http://127.0.0.1:8080", embedded.url))
    on_lines_of_its_own = asked.replace('"$API/', '-w "\\n" "$API/')
    typed = f"{token}{on_lines_of_its_own}export TOKEN\n{sys.executable} {tmp_path}/all_rows.py\n"
    answered = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", typed.replace("http://127.0.0.1:8080", embedded.url)],
        cwd=PROJECT,
        env={**embedded.environment(), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answered.returncode == 0, answered.stderr
    described, climate, newest, header, *lines, _, count = answered.stdout.splitlines()
    tables = {table["name"]: table for table in json.loads(described)["tables"]}
    published = {name for name, table in tables.items() if table["night"]}
    assert published >= {f"gold.{name}" for name in GOLD}
    assert json.loads(climate) == tables["gold.climate_hourly"]
    assert [row["location"] for row in json.loads(newest)["rows"]] == ["Room_A", "Room_B", "Room_A"]
    assert header == '"hour","location","log_count"'
    assert 0 < len(lines) <= tables["gold.climate_hourly"]["row_count"]
    folder = embedded.home / "warehouse/gold.db/sensor_hourly"
    assert int(count) == tables["gold.sensor_hourly"]["row_count"] == DeltaTable(folder).count()


def test_the_night_is_printed_stage_by_stage_and_summed_up(embedded: Embedded) -> None:
    progress, _, summary = embedded.first_run.partition("the night")
    # Each once, when it ended; in between, a line for those that take long.
    assert re.findall(r"^  (\w+) +\d+\.\d s ", progress, re.MULTILINE) == STAGES
    assert set(re.findall(r"^  (\w+) +\d+ s ", progress, re.MULTILINE)) <= set(STAGES)
    assert re.search(
        rf"bronze +\d+\.\d s +[\d,]+ rows in {len(SOURCES) - len(OPTIONAL)} tables", embedded.first_run
    )
    for layer in ("landed", "bronze", "silver", "gold"):
        assert re.search(rf"^  {layer} +[1-9][\d,]* rows", summary, re.MULTILINE)
    assert re.search(r"^  expectations +0 failed, \d+ warned$", summary, re.MULTILINE)
    assert "  report " in summary and "what failed" not in summary
    pages = (f"fleet        {embedded.url}/plugin/fleet", f"API          {embedded.url}/lakehouse/v1/")
    for word in ("make password", "user admin", "make stop", embedded.url, *pages):
        assert word in embedded.first_run
    assert embedded.password not in embedded.first_run


def test_every_stage_left_a_run_result_with_its_tables(embedded: Embedded) -> None:
    run_results = embedded.run_results(embedded.first_run_id)
    assert set(run_results) == set(STAGES)
    assert {run_result["status"] for run_result in run_results.values()} == {"done"}
    assert {run_result["night"] for run_result in run_results.values()} == {NIGHT}
    # How far each had come is said no longer.
    assert list((embedded.home / "data-docs/runs" / embedded.first_run_id).glob("*.progress")) == []


@pytest.mark.parametrize("table", GOLD)
def test_gold_has_rows(embedded: Embedded, table: str) -> None:
    files = f"{embedded.home}/warehouse/gold.db/{table}/**/*.parquet"
    ((rows,),) = duckdb.sql(
        f"select count(*) from read_parquet('{files}', hive_partitioning = false)"
    ).fetchall()
    assert rows > 0


def test_report_and_data_docs_are_written(embedded: Embedded) -> None:
    docs = embedded.home / "data-docs"
    run = docs / "runs" / embedded.first_run_id
    for page in (docs / "index.html", docs / f"nights/{NIGHT}.html", docs / "expectations/index.html"):
        assert page.stat().st_size > 500, page
    for layer in ("silver", "gold"):
        assert (run / f"check_{layer}.html").stat().st_size > 500


def test_a_night_that_is_there_with_other_parameters_fails_and_says_what_differs(embedded: Embedded) -> None:
    other = embedded("run", NIGHT=NIGHT, SCALE=SCALE, SEED="7")
    assert other.returncode == 1
    assert "generate failed; the end of its log" in other.stderr
    assert (
        "has already landed with seed 42, not 7; a lake has one seed and one set of fault rates: use seed 42"
        in other.stderr
    )
    assert f"{embedded.url}/dags/iot_nightly/runs/make_run__{NIGHT}__" in other.stdout
    assert re.search(r"^  gold +0 rows published$", other.stdout, re.MULTILINE)
    assert "::group::" not in other.stderr and "Deprecat" not in other.stderr
    assert "make stop" in other.stdout and "  report " not in other.stdout
    # The webhook is notified, once, and only of what failed.
    run = re.search(rf"{embedded.url}/dags/iot_nightly/runs/(\S+)", other.stdout)
    assert run

    def posted() -> list[str]:
        return [message for message in embedded.messages if run[1] in message]

    wait_for(lambda: bool(posted()), 60)
    assert posted() == [
        f"iot_nightly: generate failed (night {NIGHT}, run {run[1]})\n{run[0]}/tasks/generate?try_number=1"
    ]
    assert "the whole log: " in other.stderr
    assert Path(other.stderr.split("the whole log: ")[1].strip()).is_file()


def test_the_stack_refuses_to_run_with_another_lake_than_it_was_started_with(embedded: Embedded) -> None:
    refused = embedded("run", LAKEHOUSE_HOME=str(embedded.root / "other"))
    assert refused.returncode == 2
    assert "`make stop` first" in refused.stderr


def test_every_service_is_healthy(embedded: Embedded) -> None:
    states = dict(line.split(maxsplit=1) for line in embedded("status").stdout.splitlines())
    assert states == dict.fromkeys(
        ("spark", "api-server", "scheduler", "triggerer", "dag-processor"), "healthy"
    )


def test_the_stack_listens_on_this_machine_only(embedded: Embedded) -> None:
    ours = {inode for pid in members(embedded) for inode in sockets(pid)}
    listening = [
        (address, inode)
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for address, state, inode in (
            (fields[1], fields[3], fields[9])
            for fields in map(str.split, Path(table).read_text().splitlines()[1:])
        )
        if state == "0A"
    ]
    addresses = {address.split(":")[0] for address, inode in listening if inode in ours}
    assert addresses
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def members(embedded: Embedded) -> list[int]:
    """All processes of the stack's sessions."""
    leaders = set(embedded.pids().values())
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
        except OSError:
            continue
        if session in leaders:
            found.append(int(folder.name))
    return found


def sockets(pid: int) -> set[str]:
    """Inodes of the sockets that a process has open."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def test_secrets_are_for_this_user_only_and_show_in_no_command_line_and_no_log(embedded: Embedded) -> None:
    folder = embedded.run_dir / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secrets = {file.name: file.read_text() for file in folder.iterdir()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    secrets["users.json"] = json.loads(secrets["users.json"])["admin"]
    assert {"connect-token", "fernet-key", "jwt-secret", "ui-password"} <= set(secrets)
    shown = [Path(f"/proc/{pid}/cmdline").read_text() for pid in members(embedded)]
    logs = [*embedded.run_dir.glob("logs/*"), *embedded.run_dir.rglob("airflow/logs/**/*.log")]
    shown += [log.read_text(errors="replace") for log in logs]
    assert len(logs) > len(STAGES)
    for name, secret in secrets.items():
        assert not any(secret in text for text in shown), name
    assert not any(embedded.webhook in text for text in shown)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/dags",
        "/lakehouse/v1/tables",
        "/data-docs/",
        f"/data-docs/nights/{NIGHT}.html",
        f"/data-docs/nights/{NIGHT}.json",
    ],
)
def test_nothing_is_shown_to_a_stranger(embedded: Embedded, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(embedded.url + path, timeout=30)
    assert error.value.code == 401


def test_a_backfill_of_the_ui_takes_the_nights_of_its_range(embedded: Embedded) -> None:
    asked = {"dag_id": "iot_nightly", "from_date": "2024-03-05T00:00:00Z", "to_date": "2024-03-07T23:59:59Z"}
    planned = embedded.api().post("/backfills/dry_run", asked)["backfills"]
    nights = [run["logical_date"][:10] for run in planned]
    assert nights == ["2024-03-05", "2024-03-06", "2024-03-07"]
