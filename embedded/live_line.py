"""The line about what is going on: rewritten in place on a terminal, a plain line from time to time in a log."""

from __future__ import annotations

import os
import shutil
import sys
import time

SECONDS_IN_A_LOG = 30.0


class LiveLine:
    """Output of lines that stay, and below them one that changes while somebody waits.

    Where standard output is no terminal, or one that cannot rewrite a line, the line that changes is printed only
    once nothing else was printed for SECONDS_IN_A_LOG.
    """

    def __init__(self) -> None:
        self._is_rewritten = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = ""
        self._printed_at = time.monotonic()

    def show(self, text: str) -> None:
        """Say what is going on now, in the place of what was said before."""
        if self._is_rewritten:
            # In the last column some terminals begin another line, which nothing takes back.
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{text:<{len(self._shown)}}"[: width + 1], end="", flush=True)
            self._shown = text[:width]
        elif time.monotonic() - self._printed_at >= SECONDS_IN_A_LOG:
            self.print(text)

    def print(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        print(text, flush=True)
        self._printed_at = time.monotonic()

    def clear(self) -> None:
        """Take away what is going on."""
        if self._shown:
            print(f"\r{'':{len(self._shown)}}\r", end="", flush=True)
            self._shown = ""
