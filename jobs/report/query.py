"""Command `query`: print the answer of a demo query, `queries/*.sql`, about one night; reports show all of them.

A query is one SELECT. Its first line is a comment that says what it answers; tables stand there as {layer.name}
and the night as :night.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass
from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row

from catalog.tables import SILVER, TABLES, sources_of
from jobs import session
from jobs.cli.arguments import add_location, add_night
from jobs.delta.lake import Lake
from jobs.errors import JobError
from jobs.pages.render import shown
from jobs.settings import Settings
from jobs.text_table import text_table

# Beside the jobs in a checkout and an image; among them in the wheel.
FOLDERS = (Path(__file__).parents[2] / "queries", Path(__file__).parents[1] / "queries")
_TABLE = re.compile(r"\{([\w.]+)\}")


@dataclass(frozen=True)
class Query:
    """A query: its name and the text of its file."""

    name: str
    text: str

    @property
    def purpose(self) -> str:
        """The question that it answers, from the comment in its first line."""
        return self.text.splitlines()[0].removeprefix("-- ")

    @property
    def tables(self) -> list[str]:
        """The tables that it reads, as `layer.name`."""
        return list(dict.fromkeys(_TABLE.findall(self.text)))

    def sql(self, settings: Settings) -> str:
        """Return the SQL for the settings' night, with full names of tables."""
        # Not by `args`: Spark Connect loses them when the frame is worked on further.
        about = self.text.replace(":night", f"DATE'{settings.night}'")
        return _TABLE.sub(lambda found: settings.table(found[1]), about)

    def is_answerable(self, settings: Settings) -> bool:
        """Whether the run selected all tables that it reads."""
        return all(_is_selected(name, settings) for name in self.tables)


@dataclass(frozen=True)
class Answer:
    """The first rows of a query's result."""

    query: Query
    columns: list[str]
    rows: list[Row]
    has_more: bool

    def is_number(self, column: int) -> bool:
        """Whether a column, counted from 0, has numbers and is aligned right."""
        return any(isinstance(row[column], (int, float)) for row in self.rows)


def queries() -> dict[str, Query]:
    """Return the queries by name, without those on tables that the catalog does not have."""
    files = sorted(file for folder in FOLDERS for file in folder.glob("*.sql"))
    found = [Query(file.stem, file.read_text(encoding="utf-8")) for file in files]
    return {query.name: query for query in found if TABLES.keys() >= set(query.tables)}


def ask(lake: Lake, query: Query, most: int) -> Answer:
    """Run a query about the lake's night; return at most so many rows."""
    found = first_rows(lake, query, most)
    return answer(query, found.columns, found.collect(), most)


def first_rows(lake: Lake, query: Query, most: int) -> DataFrame:
    """The first rows of a query's result about the lake's night: one more than `most`, if there are, to show that."""
    return lake.spark.sql(query.sql(lake.settings)).limit(most + 1)


def answer(query: Query, columns: list[str], rows: list[Row], most: int) -> Answer:
    """Return rows of `first_rows` as an answer of at most so many rows."""
    return Answer(query, columns, rows[:most], len(rows) > most)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    listed = "; ".join(f"{query.name}: {query.purpose.rstrip('.')}" for query in queries().values())
    parser.add_argument("query", type=_known, metavar="NAME", help=listed)
    add_night(parser, "--night", "night", "the day (UTC) to ask about")
    parser.add_argument(
        "--rows", type=_count, default=20, metavar="N", help="rows to print at most (default: %(default)s)"
    )
    add_location(parser)


def _known(name: str) -> Query:
    found = queries()
    if name not in found:
        raise ArgumentTypeError(f"no query {name[:40]!r}; there are {', '.join(found)}")
    return found[name]


def _count(given: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", given):
        raise ArgumentTypeError(f"{given[:40]!r} is not an integer from 1 to 999999")
    return int(given)


def run(arguments: Namespace) -> None:
    """Print the answer. Raises JobError when Spark cannot be reached, or a table does not exist yet."""
    settings = Settings(
        "query",
        arguments.night,
        f"query-{arguments.query.name}",
        arguments.home,
        arguments.catalog,
        arguments.prefix,
        frozenset(),
    )
    lake = Lake(session.connect(settings), settings)
    try:
        answer = ask(lake, arguments.query, arguments.rows)
    except AnalysisException as error:
        raise lake.missing(error) or JobError(str(error).splitlines()[0][:200]) from None
    print(answer.query.purpose)
    print(table_of(answer))
    if answer.has_more:
        print(f"… and more; --rows shows more than {arguments.rows}")


def table_of(answer: Answer) -> str:
    """Return an answer as text in aligned columns."""
    cells = [[shown(value) for value in row] for row in answer.rows]
    to_right = [answer.is_number(index) for index in range(len(answer.columns))]
    return text_table(answer.columns, cells, to_right, underlined=True)


def _is_selected(name: str, settings: Settings) -> bool:
    layer, _, table = name.partition(".")
    if layer == "gold":
        return table in settings.tables
    sources = sources_of(SILVER[table]) if SILVER[table].reads else {}
    return all(source.name in settings.tables for source in sources)
