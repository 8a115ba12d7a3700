"""One embedded stack, shared by all tests of this folder that ask for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.embedded_stack import BEHIND_A_PROXY, NIGHT, SCALE, Embedded, left_behind
from tests.support.http_server import Webhook, serving
from tests.support.project import free_port


@pytest.fixture(scope="session")
def webhook() -> Iterator[Webhook]:
    """The server that Airflow's messages go to."""
    with serving(Webhook()) as server:
        yield server


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, webhook: Webhook) -> Iterator[Embedded]:
    """A stack that has run one night, on a machine with a proxy that leads nowhere; stopped at the end, which must leave no process behind."""
    stack = Embedded(tmp_path_factory.mktemp("embedded"), free_port(), free_port(), notified=webhook)
    try:
        first = stack("run", NIGHT=NIGHT, SCALE=SCALE, **BEHIND_A_PROXY)
        assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
        stack.first_run = first.stdout
        yield stack
    finally:
        stopped = stack("stop")
    assert stopped.returncode == 0, stopped.stderr
    assert "scheduler" in stopped.stdout
    assert stack("stop").stdout == "nothing was running\n"
    assert left_behind(stack) == []
