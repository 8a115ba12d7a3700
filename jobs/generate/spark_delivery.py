"""A night's delivery of a feed made by Spark: its lines and their fault labels."""

from collections.abc import Iterable, Mapping
from datetime import date

import dbldatagen as dg
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.tables import SOURCES, Source
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.fault_rates import USUAL
from jobs.generate.feed import LATEST_DAYS, Feed, FrameFeed
from jobs.generate.values import Values, choose

PARTITIONS = 2  # files a night; any number gives the same rows


def delivery(
    spark: SparkSession,
    feed: Feed,
    night: date,
    scale: float,
    seed: int,
    rates: Mapping[str, float] = USUAL,
) -> DataFrame:
    """Return the lines of a feed that arrive in a night. Grain: one row per landed line.

    They are the night's own rows, late ones of the seven nights before, and second copies. Columns: `line` (what is
    landed), `key`, and `kinds` (of the faults injected into it). `rates` maps each kind of fault to its share of rows.
    """
    arrival = (night - FIRST_NIGHT).days
    copies = (
        f"(CAST(night_index + _days_late = {arrival} AS INT) "
        f"+ CAST(coalesce(night_index + _days_late + _sent_again_after = {arrival}, false) AS INT))"
    )
    arriving = _rows(spark, feed, arrival, scale, seed, rates).where(f"night_index >= 0 AND {copies} > 0")
    sent = arriving.select("*", F.expr(f"explode(sequence(1, {copies}))").alias("_copy"))
    # The first copy of a row that is sent twice on one night is the original.
    is_again = f"(_copy > 1 OR night_index + _days_late < {arrival})"
    kinds = (
        f"array(nullif(_fault, 'none'), IF({is_again}, 'duplicate', NULL), IF(_days_late > 0, 'late', NULL))"
    )
    landed = sent.select(
        *[F.expr(_with_faults(feed, name)).alias(name) for name in SOURCES[feed.source].fields],
        *[new.name for new in feed.new_fields],
        "_fault",
        F.expr(f"array_compact({kinds})").alias("_kinds"),
    )
    line = _csv_line(feed) if SOURCES[feed.source].format == "csv" else _json_line(feed)
    return landed.select(
        F.expr(line).alias("line"),
        _key(SOURCES[feed.source]),
        F.col("_kinds").alias("kinds"),
    )


def faultless_delivery(
    spark: SparkSession, feed: FrameFeed, night: date, scale: float, seed: int
) -> DataFrame:
    """Return the lines of a feed whose rows are all on time and without faults; columns and grain of `delivery`."""
    rows = feed.frame(spark, night, feed.count((night - FIRST_NIGHT).days, scale), seed)
    source = SOURCES[feed.source]
    return rows.select(
        F.expr(_json(source.fields)).alias("line"),
        _key(source),
        F.expr("CAST(array() AS ARRAY<STRING>)").alias("kinds"),
    )


def _key(source: Source) -> Column:
    # Of the row as it landed, written as in ops.quarantine, so that labels and rule results can be joined.
    return F.concat_ws(",", *source.key).alias("key")


def _rows(
    spark: SparkSession, feed: Feed, arrival: int, scale: float, seed: int, rates: Mapping[str, float]
) -> DataFrame:
    """Return the rows of the night, and of earlier nights from which rows may still arrive."""
    nights = 1 if feed.is_reliable else LATEST_DAYS + 2
    counts = {arrival - ago: feed.count(arrival - ago, scale) for ago in range(nights)}
    most, row = max(counts.values()), f"id div {nights}L"
    if feed.is_thinned and most < feed.rows:
        row, counts = f"({row}) * {feed.rows}L div {most}L", dict.fromkeys(counts, feed.rows)
    spec = (
        dg.DataGenerator(
            spark,
            name=feed.source,
            rows=most * nights,
            partitions=PARTITIONS,
            randomSeed=seed,
            randomSeedMethod="hash_fieldname",
        )
        # Neighbouring ids belong to different nights, so that partitions carry the same load.
        .withColumn("night_index", "bigint", expr=f"{arrival}L - pmod(id, {nights}L)")
        .withColumn("row", "bigint", expr=row)
    )
    values = Values(seed, feed.source)
    columns = {**feed.columns(values), **_new_columns(feed, values), **_fault_columns(feed, values, rates)}
    for name, (kind, expression) in columns.items():
        spec = spec.withColumn(name, kind, expr=expression)
    exists = " OR ".join(f"(night_index = {index} AND row < {count})" for index, count in counts.items())
    built: DataFrame = spec.build()
    return built.where(exists)


def _new_columns(feed: Feed, values: Values) -> dict[str, tuple[str, str]]:
    # Null, which JSON leaves out, in rows of the nights before; also in those that arrive later.
    return {
        new.name: (
            new.kind,
            f"IF(night_index >= {(new.since - FIRST_NIGHT).days}, {new.expression(values)}, NULL)",
        )
        for new in feed.new_fields
    }


def _fault_columns(feed: Feed, values: Values, rates: Mapping[str, float]) -> dict[str, tuple[str, str]]:
    if feed.is_reliable:
        return {
            "_days_late": ("bigint", "0L"),
            "_sent_again_after": ("bigint", "CAST(NULL AS BIGINT)"),
            "_fault": ("string", "'none'"),
        }
    shares = [rates[kind] for kind in feed.faults]
    fault = choose(values.uniform("fault"), [*feed.faults, "none"], [*shares, 1 - sum(shares)])
    late, again = values.chance("late", rates["late"]), values.chance("duplicate", rates["duplicate"])
    return {
        "_days_late": ("bigint", f"IF({late}, {values.integer('days_late', 1, LATEST_DAYS)}, 0L)"),
        "_sent_again_after": ("bigint", f"IF({again}, {values.integer('again_after', 0, 1)}, NULL)"),
        "_fault": ("string", fault),
    }


def _with_faults(feed: Feed, column: str) -> str:
    cases = [
        f"WHEN '{kind}' THEN {effect[column]}" for kind, effect in feed.faults.items() if column in effect
    ]
    return f"CASE _fault {' '.join(cases)} ELSE `{column}` END" if cases else f"`{column}`"


def _json_line(feed: Feed) -> str:
    line = _json([*SOURCES[feed.source].fields, *[new.name for new in feed.new_fields]])
    return f"IF(_fault = 'malformed', left({line}, length({line}) div 2), {line})"


def _json(names: Iterable[str]) -> str:
    fields = ", ".join(f"`{name}`" for name in names)
    return f"to_json(struct({fields}), map('timestampFormat', 'yyyy-MM-dd HH:mm:ss'))"


def _csv_line(feed: Feed) -> str:
    tokens = ", ".join(f"coalesce(cast(`{name}` as string), '')" for name in SOURCES[feed.source].fields)
    line = f"concat_ws(',', {tokens})"
    return f"IF(_fault = 'malformed', substring_index({line}, ',', 2), {line})"
