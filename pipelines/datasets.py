"""Which datasets the pipeline has and what each is made from: read from the catalog, made by the functions of the jobs.

Queries ask Spark for nothing, since a pipeline is declared before any of its tables is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import DERIVED, SILVER, TABLES, Source, Table, sources_of
from catalog.tables import validated as staged
from expectations import suite
from jobs.bronze import kept_layouts
from jobs.bronze.stage import stream_rows
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.silver.lookups import types_of
from jobs.silver.reconciliation import refused
from jobs.silver.rules import reasons_of
from jobs.silver.validation import validate, validated_at_once
from jobs.table_functions import find_table_function, table_function
from pipelines.rules import Query, Rules, conditions, row_rules

NIGHTS = "nights"
QUARANTINE = TABLES["ops.quarantine"]
LIVE = "_live"  # ends the name of a gold table that a stream writes


@dataclass(frozen=True)
class Dataset:
    """A table of the pipeline, or, without a `table` of the catalog, a view that only the pipeline itself reads."""

    name: str
    query: Query
    table: Table | None = None
    is_stream: bool = False
    rules: Rules = field(default_factory=dict)


def datasets(lake: Lake) -> Iterator[Dataset]:
    """All datasets of the selected sources and gold tables; the order does not matter.

    Tables are read through views. By its own name, what an earlier run has left is found at once when a query is
    declared (`withColumn` is enough), and read without waiting for what this run makes of it: silently, just emptied.
    """
    for dataset in _datasets(lake):
        yield dataset
        if dataset.table:
            read = partial(lambda name: lake.spark.table(name), dataset.name)
            yield Dataset(_view(dataset.table.full_name), read)


def _view(name: str) -> str:
    return f"{name.replace('.', '_')}_rows"


def _read(lake: Lake, name: str) -> DataFrame:
    return lake.spark.table(_view(name))


def _datasets(lake: Lake) -> Iterator[Dataset]:
    sources = lake.settings.sources
    for source in sources:
        yield from _bronze(lake, source)
        yield from _silver(lake, source)
    for table in DERIVED.values():
        if sources_of(table).keys() <= set(sources):
            yield from _checked(lake, table, partial(_made, lake, "derive", table))
    yield Dataset(lake.settings.table(QUARANTINE.full_name), partial(_quarantine, lake, sources), QUARANTINE)
    if any(table.slice == "night" for table in lake.settings.gold):
        yield Dataset(NIGHTS, partial(_nights, lake))
    # What is made with tables of the jobs' own, such as a model, is left to the jobs.
    for table in (each for each in lake.settings.gold if not each.uses):
        yield from _checked(lake, table, partial(_made, lake, "build", table))
        if stream := stream_of(table):
            live = replace(table, name=f"{table.name}{LIVE}")
            yield from _checked(lake, live, partial(_live, lake, table, stream), is_stream=True)


def _checked(lake: Lake, table: Table, query: Query, is_stream: bool = False) -> Iterator[Dataset]:
    """A table, and the view of its rows with the reasons that its suite has against them."""
    view, name = f"{table.layer}_{table.name}", f"{lake.settings.schema(table.layer)}.`{table.name}`"
    expected = suite(table.layer, table.name.removesuffix(LIVE))
    # No row of these goes to quarantine any more: what would, ends the night.
    flags, fails = row_rules(expected, "flag"), row_rules(expected, "fail", "quarantine")

    def with_reasons() -> DataFrame:
        return query().withColumns({"_met": reasons_of(flags), "_broken": reasons_of(fails)})

    def rows() -> DataFrame:
        read = lake.spark.readStream if is_stream else lake.spark.read
        return read.table(view).select(*table.column_names)

    rules = {"flag": conditions(flags, "_met"), "fail": conditions(fails, "_broken")}
    yield Dataset(view, with_reasons, rules=rules)
    yield Dataset(name, rows, table, is_stream)


def _bronze(lake: Lake, source: Source) -> Iterator[Dataset]:
    """Each line as it came: a streaming table, which takes in each file once."""
    return _checked(lake, TABLES[f"bronze.{source.name}"], partial(_landed, lake, source), is_stream=True)


def _landed(lake: Lake, source: Source) -> DataFrame:
    folder = lake.settings.landing / source.name
    folder.mkdir(parents=True, exist_ok=True)
    return stream_rows(lake, source, kept_layouts.load(folder.glob("arrived=*"), source))


def _silver(lake: Lake, source: Source) -> Iterator[Dataset]:
    """The rows of all nights with their outcomes, the accepted ones, and of each key the one that silver takes."""
    table, view = SILVER[source.silver], f"silver_{source.silver}"
    expected = suite("silver", table.name)

    def outcomes() -> DataFrame:
        devices = types_of(_read(lake, f"silver.{table.lookup}")) if table.lookup else None
        return validated_at_once(_read(lake, f"bronze.{source.name}"), source, devices)

    def accepted() -> DataFrame:
        first = lake.spark.table(view).where("_rank = 1").withColumn("_night", F.col("_first_night"))
        return first.select(*table.column_names)

    quarantined = conditions(row_rules(expected, "quarantine"), "_reasons")
    others = {"no other reason for quarantine": "size(_reasons) = 0"}
    yield Dataset(_staged(lake, source), outcomes, staged(source))
    yield Dataset(view, partial(_read_staged, lake, source), rules={"quarantine": quarantined | others})
    flags = {"flag": conditions(row_rules(expected, "flag"), "_flags")}
    yield Dataset(lake.settings.table(table.full_name), accepted, table, rules=flags)


def _staged(lake: Lake, source: Source) -> str:
    return f"{lake.settings.schema('staging')}.`{source.name}`"


def _read_staged(lake: Lake, source: Source) -> DataFrame:
    return _read(lake, f"staging.{source.name}")


def _made(lake: Lake, verb: str, table: Table) -> DataFrame:
    """A derived or gold table, made whole from what it reads."""
    nights = [lake.spark.table(NIGHTS)] if table.slice == "night" else []
    rows = table_function(verb, table)(*(_read(lake, f"silver.{name}") for name in table.reads), *nights)
    # Nothing of what has no time is in a slice.
    return rows.where(F.col(table.slice).isNotNull())


def _quarantine(lake: Lake, sources: list[Source]) -> DataFrame:
    return union(refused(_read_staged(lake, source), source) for source in sources)


def _nights(lake: Lake) -> DataFrame:
    """The nights in which something arrived of what gold is made from: `night`."""
    sources = {source for table in lake.settings.gold for source in sources_of(table)}
    arrived = union(_read_staged(lake, source).select("_night") for source in sources)
    return arrived.groupBy(F.col("_night").alias("night")).agg(F.count("*")).select("night")


def stream_of(table: Table) -> Source | None:
    """The streamed source of which a function makes a gold table as a stream; None of others, which need all rows."""
    (source, *others) = sources_of(table)
    return source if source.streamed and not others and find_table_function("stream", table) else None


def _live(lake: Lake, table: Table, source: Source) -> DataFrame:
    """The windows of a gold table, each once the watermark has passed it; of good rows, each as often as it came.

    For a watermark, Spark Connect looks for the table beneath when the pipeline is declared: elsewhere than on
    Databricks it has to be there, and what this run adds to it may be read in the next one.
    """
    lines = lake.spark.readStream.table(lake.settings.table(f"bronze.{source.name}"))
    rows = validate(lines, source, None).where("size(_reasons) = 0")
    return table_function("stream", table)(rows)
