"""Who is told when a night fails: a webhook, if Airflow has a connection that names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret
from job import night_of

if TYPE_CHECKING:
    from airflow.sdk import Context

CONNECTION = "lakehouse_notify"
TIMEOUT_SECONDS = 10


class FailureNotifier(BaseNotifier):
    """Posts one message about a task that failed for good; sends nothing where there is no connection.

    For tasks, not for DAGs: a task's callback runs in the task's own process, which has the network and the
    connections of tasks. A DAG's runs in the DAG processor, which in the containers has no way out. What comes
    after a failed task does not run, so a failed night is one message.
    """

    def notify(self, context: Context) -> None:
        """Post the message. What goes wrong with that is a line in the task's log and changes nothing else."""
        try:
            address = Connection.get(CONNECTION).password or ""
        except AirflowNotFoundException:
            return
        # Whoever has a webhook's address can post to it.
        mask_secret(address)
        if not address.startswith(("https://", "http://")):
            self.log.error(
                "Nobody was told: the password of connection %s is no https://… address", CONNECTION
            )
            return
        try:
            answer = requests.post(address, json={"text": message(context)}, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            # Not its text, which repeats the address.
            self.log.error("Nobody was told: connection %s: %s", CONNECTION, type(error).__name__)
            return
        if not answer.ok:
            self.log.error("Nobody was told: connection %s: HTTP %s", CONNECTION, answer.status_code)


def message(context: Context) -> str:
    """What failed, in which run, about which night, and where to look."""
    ti, params = context["ti"], context["params"]
    about = f"run {context['run_id']}"
    if "night" in params:
        about = f"night {night_of(context['dag_run'], params)}, {about}"
    if "first" in params:
        about = f"nights {params['first']} to {params['last']}, {about}"
    return f"{ti.dag_id}: {ti.task_id} failed ({about})\n{ti.log_url}"
