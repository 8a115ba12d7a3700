"""What docker/airflow-cleanup removes, in a real home of Airflow with a real database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.project import PROJECT

DAY = 86400


def test_logs_and_rows_that_are_older_go_and_younger_stay(database: None) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    home, days_ago = Path(os.environ["AIRFLOW_HOME"]), {"old": 31, "young": 29}
    with create_session() as session:
        for name, days in days_ago.items():
            log = home / f"logs/dag_id=iot_stream/run_id={name}/task_id=t/attempt=1.log"
            log.parent.mkdir(parents=True)
            log.touch()
            for path in (log, log.parent, log.parent.parent):
                os.utime(path, (then := time.time() - days * DAY, then))
            session.add(row := Log(event=name))
            row.dttm = datetime.now(UTC) - timedelta(days)
    command = [PROJECT / "docker/airflow-cleanup", "30"]
    variables = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, check=False, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [file.parts[-3] for file in home.rglob("*.log")] == ["run_id=young"]
    with create_session() as session:
        assert {event for (event,) in session.query(Log.event)} & set(days_ago) == {"young"}
