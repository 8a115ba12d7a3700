"""Options of a simulated night: volume, seed and fault rates; and the first night of the simulated fleet."""

import os
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from catalog.simulation import simulated
from catalog.tables import SOURCES
from jobs.cli import arguments as common
from jobs.generate import fault_rates
from jobs.generate.choice import has_feed

FIRST_NIGHT = date(2024, 1, 1)  # the simulated fleet is installed on this day
MIN_SCALE = 0.001  # 200 rows a night
MAX_SCALE = 10.0  # 1.4 million readings a night; reading ids leave room for exactly this


@dataclass(frozen=True)
class Options:
    """Options of a simulated night; the same options give the same rows."""

    scale: float = 1.0  # 1.0 = the reference documents' volume
    seed: int = 42
    fault_rates: Mapping[str, float] = field(
        default_factory=dict
    )  # kind -> share of rows, where it is not the usual one
    simulate: frozenset[str] | None = None  # sources; None leaves it to the lake


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the stage's arguments."""
    common.add_night(parser)
    common.add_tables(parser)
    add_simulation(parser)


def add_simulation(parser: ArgumentParser) -> None:
    """Declare what is simulated, scale, fault rates and seed."""
    add_simulate(
        parser,
        "the sources that are simulated (default: $LAKEHOUSE_SIMULATE, else all in a lake to which nobody has "
        "brought a file, and those that were simulated before in another)",
    )
    parser.add_argument(
        "--scale",
        type=scale,
        default=1.0,
        help=f"volume of the night, from {MIN_SCALE:g} to {MAX_SCALE:g}; 1.0 is about 200,000 rows "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--fault-rates",
        type=fault_rates.shares,
        default="",
        metavar="KIND=SHARE,…",
        help="share of rows with a fault of each kind, where other than usual; usual is "
        + ",".join(f"{kind}={share:g}" for kind, share in fault_rates.USUAL.items()),
    )
    add_seed(parser)


def add_simulate(parser: ArgumentParser, text: str) -> None:
    """Declare which sources are simulated."""
    parser.add_argument(
        "--simulate",
        type=sources,
        default=os.environ.get("LAKEHOUSE_SIMULATE", ""),
        metavar="all|none|A,B",
        help=text,
    )


def add_seed(parser: ArgumentParser) -> None:
    """Declare the seed."""
    parser.add_argument(
        "--seed", type=seed, default=42, help="another seed, other values (default: %(default)s)"
    )


def night(text: str) -> date:
    """Parse a night of the simulated fleet: one that is over, and not before its first."""
    value = common.night(text)
    if value < FIRST_NIGHT:
        raise ArgumentTypeError(f"{value} is before the first night of the simulated fleet, {FIRST_NIGHT}")
    return value


def sources(text: str) -> frozenset[str] | None:
    """Parse which sources are simulated; None for an empty text."""
    try:
        named = simulated(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    without = [name for name in text.split(",") if name in SOURCES and not _can_be_simulated(name)]
    if without:
        raise ArgumentTypeError(f"nothing simulates {', '.join(without)}; leave it out")
    return named


def _can_be_simulated(name: str) -> bool:
    return has_feed(name) or SOURCES[name].streamed


def scale(text: str) -> float:
    """Parse a scale: from MIN_SCALE to MAX_SCALE."""
    try:
        value = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text[:40]!r} is not a number") from None
    if not MIN_SCALE <= value <= MAX_SCALE:
        raise ArgumentTypeError(
            f"{text[:40]} is out of range; it must be from {MIN_SCALE:g} to {MAX_SCALE:g}"
        )
    return value


def seed(text: str) -> int:
    """Parse a seed: a 31-bit integer."""
    if not re.fullmatch(r"\d{1,10}", text) or int(text) >= 2**31:
        raise ArgumentTypeError(f"{text[:40]!r} is not an integer from 0 to {2**31 - 1}")
    return int(text)


def label_folder(home: Path, source: str, night: date) -> Path:
    """Return the folder of a night's fault labels: which fault was injected into which row. No stage of a night reads it."""
    return home / "truth" / source / f"arrived={night}"
