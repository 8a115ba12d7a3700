"""What people do by hand, and a Spark that goes away while a night runs.

They change the lake and end its server, so tests that compare it with another take it as its first run left it.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.embedded_stack import BEHIND_A_PROXY, NIGHT, SCALE, Embedded, wait_for
from tests.support.kafka import broker as kafka
from tests.support.project import PROJECT


def jobs_by_hand() -> list[str]:
    """The README's own lines."""
    readme = (PROJECT / "README.md").read_text()
    return re.findall(r"^python3 -m embedded job (.+?)(?: +#.*)?$", readme, re.MULTILINE)


WITH_KAFKA = [line for line in jobs_by_hand() if "--sink kafka" in line or line.startswith("receive")]


def test_what_the_readme_sends_to_kafka_it_receives_from_there(embedded: Embedded, tmp_path: Path) -> None:
    send, receive = WITH_KAFKA
    sent = []
    with kafka.running(tmp_path) as broker:
        for line, target in ((send, "kafka"), (receive, "landing")):
            done = embedded("job", *line.split(), LAKEHOUSE_KAFKA=broker.connection_string)
            assert done.returncode == 0, done.stdout + done.stderr
            sent.append(re.search(rf"{target}\.transactions +([\d,]+) rows", done.stdout))
    assert all(sent) and len({found and found[1] for found in sent}) == 1


@pytest.mark.parametrize("line", [line for line in jobs_by_hand() if line not in WITH_KAFKA])
def test_what_the_readme_says_can_be_done_by_hand(embedded: Embedded, line: str, tmp_path: Path) -> None:
    landing = embedded.home / "landing/sensor_logs"
    landed = next(landing.glob(f"arrived={NIGHT}/*.csv")).relative_to(landing)
    here = {
        "--scale 0.1": f"--scale {SCALE} --tables sensor_logs",
        "--out /tmp": f"--out {tmp_path}",
        "--file mine.csv": f"--file {landed}",
    }
    for said, meant in here.items():
        line = line.replace(said, meant)
    argv = line.split()
    done = embedded("job", *argv, **BEHIND_A_PROXY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()
    assert "--out" not in argv or [file.suffix for file in tmp_path.iterdir()] == [".csv"]
    if argv[0] == "withdraw":
        assert "rows leave bronze" in done.stdout and (landing / landed).exists()
    if argv[0] == "verify":
        assert "gold.sensor_hourly" in done.stdout and "account of readings" in done.stdout
        assert re.search(rf"^{NIGHT}: \d+ accounts balance and \d+ digests hold$", done.stdout, re.MULTILINE)


def test_when_spark_is_away_the_night_waits_and_goes_on_once_it_is_back(embedded: Embedded) -> None:
    api, run_id = embedded.api(), "without-spark"
    os.killpg(embedded.pids()["spark"], signal.SIGKILL)
    conf = {"night": NIGHT, "scale": float(SCALE), "tables": ["sensor_logs"]}
    api.post("/dags/iot_nightly/dagRuns", {"dag_run_id": run_id, "logical_date": None, "conf": conf})
    run = f"/dags/iot_nightly/dagRuns/{run_id}"
    wait_for(lambda: api.get(f"{run}/taskInstances/generate")["state"] == "up_for_retry")
    assert "Spark" in embedded.run_results(run_id)["generate"]["message"]
    assert embedded("up").returncode == 0
    ended = {"success", "failed", "upstream_failed"}
    wait_for(lambda: api.get(f"{run}/taskInstances/bronze")["state"] in ended)
    assert api.get(f"{run}/taskInstances/bronze")["state"] == "success"
    generate = api.get(f"{run}/taskInstances/generate")
    assert generate["state"] == "success" and generate["try_number"] > 1
    # It has gone on; that nights come to their end is for other tests to show.
    api.patch(run, {"state": "failed"})
