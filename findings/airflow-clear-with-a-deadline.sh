#!/usr/bin/env bash
# apache-airflow 3.3.2 (apache-airflow-providers-standard==1.21.0)
#
# Of a run whose DAG has a deadline that counts from when the run was queued (`DeadlineReference.DAGRUN_QUEUED_AT`), no
# task can be cleared until the deadline is missed: the API answers with HTTP 500, and the command line ends with a
# TypeError. Clearing works the deadline out anew, from an interval that is kept as a dict and read as a number. With
# `DAGRUN_LOGICAL_DATE`, and the interval that much longer, tasks can be cleared; a run without a logical date has no
# deadline then.
#
# Seen:
#   counts from queued   deadlines 1  clearing: TypeError: unsupported type for timedelta seconds component: dict
#   counts from logical  deadlines 1  clearing: cleared
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "apache-airflow==3.3.2" "apache-airflow-providers-standard==1.21.0"
cd "$folder"
export PATH="$folder/venv/bin:$PATH" AIRFLOW_HOME="$folder/airflow" AIRFLOW__CORE__LOAD_EXAMPLES=false
mkdir -p airflow/dags
cat > airflow/dags/tried.py <<'PYTHON'
from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference


def called(**kwargs):
    pass


for name, reference in {
    "queued": DeadlineReference.DAGRUN_QUEUED_AT,
    "logical": DeadlineReference.DAGRUN_LOGICAL_DATE,
}.items():
    alert = DeadlineAlert(reference=reference, interval=timedelta(hours=6), callback=SyncCallback(called))
    with DAG(name, schedule=None, deadline=alert) as globals()[name]:
        EmptyOperator(task_id="task")
PYTHON
cat > done.py <<'PYTHON'
import sys

from airflow.models.dagrun import DagRun
from airflow.models.deadline import Deadline
from airflow.utils.session import create_session
from sqlalchemy import func, select

with create_session() as session:
    run = session.scalar(select(DagRun).where(DagRun.dag_id == sys.argv[1]))
    run.state = "success"
    for task in run.get_task_instances(session=session):
        task.state = "success"
    print(session.scalar(select(func.count()).where(Deadline.dagrun_id == run.id)))
PYTHON
{
  airflow db migrate
  airflow dags reserialize
} > log 2>&1 || { tail -20 log >&2; exit 1; }
for name in queued logical; do
  airflow dags trigger "$name" --run-id r --logical-date "$(date -u +%FT%TZ)" >> log 2>&1 || { tail -20 log >&2; exit 1; }
  deadlines=$(python done.py "$name" 2>> log | tail -1)
  if airflow tasks clear "$name" --yes > said 2>&1; then clearing=cleared; else clearing=$(grep -oE "TypeError: .*" said | tail -1); fi
  printf 'counts from %-8s deadlines %s  clearing: %s\n' "$name" "$deadlines" "$clearing" >> seen
done
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
