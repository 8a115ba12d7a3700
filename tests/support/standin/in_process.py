"""A stand-in in a thread of this process, which is that of the clients: the same sockets, and no start to wait for."""

import asyncio
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from tests.support.standin.__main__ import parse, serve
from tests.support.standin.start import Standin, as_arguments


@contextmanager
def serve_here(root: Path, **options: object) -> Iterator[Standin]:
    """Serve below `root` until the block is left; the options are those of `start`.

    Raises RuntimeError if it does not start.
    """
    arguments = parse(as_arguments(root, **options))
    started: queue.SimpleQueue[uvicorn.Server | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            asyncio.run(serve(arguments, started.put))
        except Exception as problem:
            started.put(problem)

    thread = threading.Thread(target=run, name="stand-in")
    thread.start()
    server = started.get(timeout=60)
    if isinstance(server, Exception):
        raise RuntimeError("the stand-in did not start") from server
    try:
        yield Standin(json.loads((root / "standin.json").read_text()))
    finally:
        server.should_exit = True
        thread.join(60)
