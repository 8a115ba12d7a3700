"""Arguments of `train`."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from datetime import date, timedelta

from jobs.cli import arguments as common

MOST = 3660  # nights: ten years


@dataclass(frozen=True)
class Options:
    """How many nights a model learns from, and how many after those it is scored on."""

    train_nights: int = 28
    test_nights: int = 7

    def cut(self, last: date) -> date:
        """Return the first night that a model is scored on, which learns from those before it."""
        return last - timedelta(days=self.test_nights - 1)

    def first(self, last: date) -> date:
        """Return the first night that a model learns from."""
        return self.cut(last) - timedelta(days=self.train_nights)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the stage's arguments."""
    common.add_night(
        parser, text="the last day (UTC) that the model is scored on; it predicts for those after"
    )
    for flag, default, text in (
        ("--train-nights", Options.train_nights, "nights to learn from, which end before those to score on"),
        ("--test-nights", Options.test_nights, "nights to score on, which end with --night"),
    ):
        parser.add_argument(
            flag, type=nights, default=default, metavar="N", help=f"{text} (default: %(default)s)"
        )


def nights(text: str) -> int:
    """Parse a number of nights: from 1 to 3660."""
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 0 < int(text) <= MOST:
        raise ArgumentTypeError(f"{text[:40]!r} is not a number of nights from 1 to {MOST}")
    return int(text)
