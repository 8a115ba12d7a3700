"""`python -m workspace …` in this process."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import NamedTuple

import pytest


class Said(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


@pytest.fixture
def workspace(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Runs `python -m workspace …` in this process: `workspace("doctor", "--target", "dev")`."""
    from workspace.cli import main

    monkeypatch.setenv("LAKEHOUSE_HOME", "lake")

    def run(*argv: str) -> Said:
        with warnings.catch_warnings():
            try:
                status = main(argv)
            except SystemExit as exit:
                status = int(exit.code or 0)
            finally:
                logging.disable(logging.NOTSET)
        return Said(status, *capsys.readouterr())

    return run
