"""Arguments that several parsers take: a day, and where the lake is and how its tables are called."""

import os
from argparse import ArgumentParser
from datetime import date

from jobs import settings as checks


def add_night(parser: ArgumentParser, flag: str, name: str, text: str, default: date | None = None) -> None:
    """Declare a day that is over; a required one where there is no default."""
    parser.add_argument(
        flag,
        dest=name,
        type=checks.night,
        required=default is None,
        default=default,
        metavar="YYYY-MM-DD",
        help=text,
    )


def add_place(parser: ArgumentParser) -> None:
    """Declare the lake's folder, the catalog and the prefix of its schemas."""
    parser.add_argument(
        "--home",
        type=checks.home,
        default=os.environ.get("LAKEHOUSE_HOME", "lake"),
        metavar="FOLDER",
        help="landing zone, checkpoints and data docs (default: $LAKEHOUSE_HOME or ./lake)",
    )
    parser.add_argument(
        "--catalog",
        type=checks.identifier,
        default="spark_catalog",
        help="catalog of all tables (default: %(default)s)",
    )
    parser.add_argument(
        "--prefix", type=checks.identifier, default="", help="put before every schema name (default: none)"
    )
