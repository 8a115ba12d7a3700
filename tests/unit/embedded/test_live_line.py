"""The line that `make run` rewrites while a stage works, on a real terminal and in a log."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from embedded import live_line
from embedded.live_line import LiveLine

WIDTH = 30


@contextmanager
def terminal() -> Iterator[Callable[[], str]]:
    """A terminal of 30 columns that is standard output; what it gives is what was printed since the last time."""
    master, slave = pty.openpty()

    def printed() -> str:
        # A terminal passes on what it is given when it comes to it: read up to a mark.
        print("\0", end="", flush=True)
        read = b""
        while not read.endswith(b"\0"):
            read += os.read(master, 4096)
        return read[:-1].decode()

    with os.fdopen(slave, "w") as out, pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", out)
        patched.setenv("COLUMNS", str(WIDTH))
        patched.setenv("TERM", "xterm")
        yield printed
    os.close(master)


def screen(printed: str) -> list[str]:
    """What a terminal shows of it, as lines."""
    lines = [""]
    for line in printed.replace("\r\n", "\n").split("\n"):
        shown = ""
        for part in line.split("\r"):
            assert len(part) < WIDTH, "it would go on in the next line"
            shown = part + shown[len(part) :]
        lines[-1:] = [shown.rstrip(), ""]
    return lines[:-1]


def test_on_a_terminal_one_line_is_rewritten_and_what_stays_is_printed_above_it() -> None:
    with terminal() as printed:
        line = LiveLine()
        line.show("bronze, and words for which there is no room in a line")
        line.show("bronze 3 of 12 tables")
        line.show("bronze 4")
        all_of_it = printed()
        assert screen(all_of_it) == ["bronze 4"]
        line.print("bronze done")
        line.show("silver 1 of 12 tables")
        all_of_it += printed()
        assert screen(all_of_it) == ["bronze done", "silver 1 of 12 tables"]
        line.clear()
        assert screen(all_of_it + printed()) == ["bronze done", ""]


@pytest.mark.parametrize("kind", ["a file", "a terminal that cannot rewrite"])
def test_in_a_log_there_is_a_plain_line_now_and_then(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind != "a file":
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("TERM", "dumb")
    now = iter([0.0, 29.0, 30.0, 30.0, 50.0, 50.0, 79.0, 80.0, 80.0])
    monkeypatch.setattr(live_line.time, "monotonic", lambda: next(now))
    line = LiveLine()
    line.show("after 29 s")
    line.show("after 30 s")
    line.print("a stage has ended after 50 s")
    line.show("after 50 s")
    line.show("after 79 s")
    line.show("after 80 s")
    line.clear()
    assert capsys.readouterr().out == "after 30 s\na stage has ended after 50 s\nafter 80 s\n"
