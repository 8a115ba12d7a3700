"""One embedded stack, shared by all tests of this folder that ask for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.end_to_end.embedded_stack import NIGHT, SCALE, Embedded, free_port, left_behind


@pytest.fixture(scope="session")
def webhook() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that takes messages, and those that it took."""
    messages: list[str] = []

    class Post(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Post)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/s3cret", messages
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, webhook: tuple[str, list[str]]) -> Iterator[Embedded]:
    """A stack that has run one night; stopped at the end, which must leave no process behind."""
    stack = Embedded(tmp_path_factory.mktemp("embedded"), free_port(), free_port(), "", *webhook)
    try:
        first = stack("run", NIGHT=NIGHT, SCALE=SCALE)
        assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
        stack.first_run = first.stdout
        yield stack
    finally:
        stopped = stack("stop")
    assert stopped.returncode == 0, stopped.stderr
    assert "scheduler" in stopped.stdout
    assert stack("stop").stdout == "nothing was running\n"
    assert left_behind(stack) == []
