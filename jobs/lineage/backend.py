"""Sends events to an OpenLineage backend that the client's usual variables name, in a thread of its own.

The official client sends them. It is imported only here: that takes a quarter of a second of processor time, and a
night has nine processes.
"""

import logging
import os
import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from jobs.lineage.naming import Json

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import RunEvent

PATIENCE = 20.0  # seconds that the end of a step waits for a backend
FILES = ("openlineage.yml", "~/.openlineage/openlineage.yml")  # where the client looks


def is_disabled(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether OPENLINEAGE_DISABLED says that no events are wanted."""
    return environment.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true"


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a variable or a file names a backend."""
    return (
        any(environment.get(name) for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG"))
        or any(name.startswith("OPENLINEAGE__TRANSPORT") for name in environment)
        or any(Path(file).expanduser().is_file() for file in FILES)
    )


class Backend(Thread):
    """Sends events in order; after the first that could not be sent no more are tried."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="lineage")
        self._events: SimpleQueue[Json | None] = SimpleQueue()
        self._problem = ""
        self.start()

    def send(self, *events: Json) -> None:
        """Have events sent, after those before them."""
        for event in events:
            self._events.put(event)

    def close(self, patience: float = PATIENCE) -> str:
        """Wait until all is sent; return what went wrong, in one line without secrets, empty if nothing did."""
        self._events.put(None)
        self.join(patience)
        return f"no answer within {patience:g} s" if self.is_alive() else self._problem

    def run(self) -> None:
        """Send what comes until the end of it."""
        try:
            client = _client()
            while event := self._events.get():
                client.emit(typed(event))
            if not client.close(PATIENCE):
                self._problem = f"no answer within {PATIENCE:g} s"
        except Exception as error:  # of the client's many transports, each has its own kinds
            self._problem = _in_words(error)


def _client() -> "OpenLineageClient":
    from openlineage.client import OpenLineageClient

    # One line says that a backend is away, and not one for each try.
    for name in ("openlineage", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = OpenLineageClient()
    if client.transport.kind == "console" and (client.config.transport or {}).get("type") != "console":
        raise ValueError("the configuration names no transport; can OPENLINEAGE_CONFIG be read?")
    return client


def typed(event: Json) -> "RunEvent":
    """Return an event as the client takes it; facets stay as they are."""
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

    event = deepcopy(event)  # the client adds facets of its own
    return RunEvent(
        eventTime=event["eventTime"],
        eventType=RunState[event["eventType"]],
        producer=event["producer"],
        run=Run(**event["run"]),
        job=Job(**event["job"]),
        inputs=[InputDataset(**each) for each in event["inputs"]],
        outputs=[OutputDataset(**each) for each in event["outputs"]],
    )


def _in_words(error: Exception) -> str:
    """Return an error in one line; an address in it loses its user and password."""
    said = (str(error).splitlines() or [""])[0]
    return re.sub(r"//[^/\s]*@", "//", f"{type(error).__name__}: {said}")[:300]
