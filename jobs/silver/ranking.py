"""Ranking: which of a key's good rows silver takes, and what becomes of the others, by the source's policy.

The first row of a key to arrive has the outcome `silver`; its night is the `_night` of the key. A later row with the
values that the key had by then is a `duplicate`. One with other values is `quarantined`, or, where the source says so,
a `correction`: silver then takes its values, if they win, in the place of those of the first. Which of several lines
of a file is the later one is not known, since streams of text do not number them.
"""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from catalog.repeated import DISAGREES
from catalog.tables import SILVER, Source
from jobs.bronze.arrival import arrived_at
from jobs.delta.digests import hash_of

SILVER_ROW, QUARANTINED, DUPLICATE, CORRECTION = "silver", "quarantined", "duplicate", "correction"


def content(table: str, alias: str = "") -> Column:
    """Hash of a silver row's business columns."""
    return hash_of(SILVER[table], _own_columns(table), alias)


def as_existing(rows: DataFrame, source: Source, is_own: Column) -> DataFrame:
    """What silver has of each key, as `ranked` needs it: the key and a struct `_existing`.

    `is_own` says of a row of silver whether its night is one of the batch's.
    """
    day = F.col("event_date") if SILVER[source.silver].is_dated else F.lit(None).cast("date")
    existing = F.struct(
        F.col("_night").alias("night"),
        content(source.silver).alias("content"),
        values_night(source).alias("values_night"),
        day.alias("event_date"),
        is_own.alias("is_own"),
        *([F.col(source.version).alias("version")] if source.version else []),
    )
    # One row of a key, even where a key without a time is in silver on several days.
    return (
        rows.select(*source.key, existing.alias("_existing"))
        .groupBy(*source.key)
        .agg(F.min("_existing").alias("_existing"))
    )


def values_night(source: Source, alias: str = "") -> Column:
    """The night in which the values of a silver row arrived; `alias` ends in a dot."""
    night = F.col(f"{alias}_night")
    return F.coalesce(F.col(f"{alias}_values_night"), night) if source.is_corrected else night


def wins(source: Source, new: str, night: Column, version: Column | None) -> Column:
    """Whether a new row's values replace those that silver has of its key, by the policy of the source.

    `night` is the night in which silver's values arrived, `version` their value of the version column, if there is
    one. Values of the same night are replaced: the new row is today's choice among the rows of that night. `new` is the
    alias of the new row and ends in a dot.
    """
    arrived = F.col(f"{new}_night") if not source.is_corrected else F.col(f"{new}_values_night")
    if source.policy == "last":
        return arrived >= night
    if version is None:
        return arrived <= night
    own = F.col(f"{new}{source.version}")
    return _exceeds(own, version) | (own.eqNullSafe(version) & (arrived < night)) | (arrived == night)


def ranked(
    validated: DataFrame, existing: DataFrame, source: Source, *, comes_once: bool = False
) -> DataFrame:
    """Rank the good rows of each key and give every row its outcome. Grain: that of `validated`.

    `existing` is that of `as_existing`. Where rows may be in conflict, `validated` has `_is_disputed`: whether
    quarantine has rows of the key for that reason, from other nights. `comes_once` says that no two rows of
    `validated` have the same key, and that the first row of one holds: none has to be ordered then.

    `_rank` 1 has the values that silver takes, unless it is quarantined; `_first_night` is the night of the key. On
    that row, `_reopened` is the night that loses a row or its values, `_lost` the event date of those, and
    `_is_scattered` says that rows of the key in other nights may have another outcome now.
    """
    in_order = _by_key(source).orderBy(~_is_good(), "_night", "_arrived_at", "_content")
    first = {
        "_number": F.row_number().over(in_order),
        "_first_night": F.first("_night").over(in_order),
        "_first_content": F.first("_content").over(in_order),
    }
    if comes_once:
        first = {"_number": F.lit(1), "_first_night": F.col("_night"), "_first_content": F.col("_content")}
    arrived = validated.withColumns({"_content": content(source.silver), "_arrived_at": arrived_at("_file")})
    if source.is_corrected:
        arrived = arrived.transform(_refuse_ties, source)
    arrived = arrived.join(existing, on=list(source.key), how="left").withColumns(first)
    by_policy = {"first": _keep_first, "conflict": _dispute}.get(source.policy, _correct)
    found = by_policy(arrived.withColumn("_restated", F.lit(None).cast("date")), in_order, source)
    is_refused = _is_good() & (F.col("_outcome") == QUARANTINED)
    return found.withColumns(_refused(is_refused, source))


def _refused(is_refused: Column, source: Source) -> dict[str, Column]:
    """Reasons of rows, and what they came with, where some are refused for others of their key."""
    reason = F.array(F.lit(DISAGREES[source.policy]))
    values = F.struct(*_own_columns(source.silver))
    return {
        "_raw": F.when(is_refused, F.to_variant_object(values)).otherwise(F.col("_raw")),
        "_reasons": F.when(is_refused, reason).otherwise(F.col("_reasons")),
    }


def _refuse_ties(rows: DataFrame, source: Source) -> DataFrame:
    """Refuse the good rows of a key that disagree and came at one instant, in one version: any could be the right one.

    All of them are of one night, so no other night has to be looked at.
    """
    version = [source.version] if source.version else []
    at_once = _by_key(source).orderBy(*version, "_arrived_at").rangeBetween(*[Window.currentRow] * 2)
    contents = F.when(_is_good(), F.col("_content"))
    is_mixed = F.min(contents).over(at_once) != F.max(contents).over(at_once)
    tied = rows.withColumn("_is_tied", _is_good() & _is_true(is_mixed))
    return tied.withColumns(_refused(F.col("_is_tied"), source)).drop("_is_tied")


def _keep_first(rows: DataFrame, in_order: WindowSpec, source: Source) -> DataFrame:
    """The first row holds, whatever comes after it."""
    kept = F.when(_is_known(), F.col("_existing.content")).otherwise(F.col("_first_content"))
    differs = F.col("_existing.content") != F.col("_content")
    # Within the batch's own nights, another row is the first one now.
    gives_way = _is_good() & (F.col("_number") == 1) & _is_true(F.col("_existing.is_own") & differs)
    takes_back = _takes_back() | gives_way
    return rows.withColumns(
        {
            "_outcome": _outcome(F.when(F.col("_content") == kept, DUPLICATE).otherwise(QUARANTINED)),
            "_rank": F.when(_is_good(), F.col("_number")),
            "_reopened": F.when(takes_back, F.col("_existing.night")),
            "_lost": F.when(takes_back & _moves(source), F.col("_existing.event_date")),
            "_is_scattered": takes_back & differs,
        }
    )


def _dispute(rows: DataFrame, in_order: WindowSpec, source: Source) -> DataFrame:
    """A row holds as long as all rows of its key have the same values."""
    contents, by_key = F.when(_is_good(), F.col("_content")), _by_key(source)
    is_mixed = F.min(contents).over(by_key) != F.max(contents).over(by_key)
    is_other = _is_true(~F.col("_existing.is_own") & (F.col("_existing.content") != F.col("_first_content")))
    is_disputed = _is_good() & (_is_true(F.col("_is_disputed")) | _is_true(is_mixed) | is_other)
    falls = is_disputed & (F.col("_number") == 1) & F.col("_existing.night").isNotNull()
    return rows.withColumns(
        {
            "_outcome": F.when(is_disputed, QUARANTINED).otherwise(_outcome(F.lit(DUPLICATE))),
            "_rank": F.when(_is_good(), F.col("_number")),
            "_reopened": F.when(falls | _takes_back(), F.col("_existing.night")),
            "_lost": F.when(falls, F.col("_existing.event_date")),
            "_is_scattered": falls & ~_is_true(F.col("_is_disputed")),
        }
    )


def _correct(rows: DataFrame, in_order: WindowSpec, source: Source) -> DataFrame:
    """A later row corrects the values of its key: any, or one with a greater version."""
    order = [F.col(source.version)] if source.version else [F.col("_night"), F.col("_arrived_at")]
    best_first = [column.desc_nulls_last() for column in order]
    best = F.struct(
        *[column.alias(f"order_{place}") for place, column in enumerate(order)],
        (-F.col("_number")).alias("number"),
        F.col("_content").alias("content"),
    )
    before = in_order.rowsBetween(Window.unboundedPreceding, -1)
    known = rows.withColumns(
        {
            "_rank": F.when(
                _is_good(), F.row_number().over(_by_key(source).orderBy(~_is_good(), *best_first, "_number"))
            ),
            "_last_night": F.max(F.when(_is_good(), F.col("_night"))).over(_by_key(source)),
            "_before": F.max(best).over(before),
            "_values_night": F.col("_night"),
        }
    )
    night, values = F.col("_existing.night"), F.col("_existing.values_night")
    version = F.col("_existing.version") if source.version else None
    is_in_turn = _is_true(values < F.col("_first_night"))
    still_holds = ~_exceeds(F.col("_before.order_0"), version) if version is not None else F.lit(False)
    had = F.when(
        is_in_turn & (F.col("_before").isNull() | still_holds), F.col("_existing.content")
    ).otherwise(F.col("_before.content"))
    is_best = F.col("_rank") == 1
    differs = F.col("_existing.content") != F.col("_content")
    moves = _moves(source)
    corrects = is_best & differs & wins(source, "", values, version) & (~F.col("_existing.is_own") | moves)
    is_first_night_again = (F.col("_last_night") <= night) & (F.col("_first_night") == night)
    return known.withColumns(
        {
            "_outcome": _outcome(F.when(_is_true(F.col("_content") == had), DUPLICATE).otherwise(CORRECTION)),
            # A correction in turn changes no outcome of the night that the key arrived on, only its values.
            "_reopened": F.when(corrects & ~is_in_turn, night),
            "_restated": F.when(corrects & is_in_turn, night),
            "_lost": F.when(corrects, F.col("_existing.event_date")),
            "_is_scattered": is_best & night.isNotNull() & ~is_in_turn & ~is_first_night_again,
        }
    )


def _moves(source: Source) -> Column:
    """Whether a row is of another date than what silver has of its key."""
    day = F.col("event_date") if SILVER[source.silver].is_dated else F.lit(None).cast("date")
    return ~day.eqNullSafe(F.col("_existing.event_date"))


def _outcome(repeated: Column) -> Column:
    """A row's outcome; `repeated` is that of a good row whose key another row had before it."""
    is_first = (F.col("_number") == 1) & ~_is_known()
    return F.when(~_is_good(), QUARANTINED).when(is_first, SILVER_ROW).otherwise(repeated)


def _is_good() -> Column:
    return F.size("_reasons") == 0


def _is_known() -> Column:
    """Whether the key arrived in a night before all of the batch's."""
    return _is_true(~F.col("_existing.is_own") & (F.col("_existing.night") < F.col("_first_night")))


def _takes_back() -> Column:
    """Whether it is the first row of a key that silver has from a later night."""
    is_later = _is_true(~F.col("_existing.is_own") & (F.col("_existing.night") > F.col("_first_night")))
    return _is_good() & (F.col("_number") == 1) & is_later


def _exceeds(version: Column, other: Column) -> Column:
    """Whether a version is greater than another; any is greater than none."""
    return _is_true((version > other) | (version.isNotNull() & other.isNull()))


def _is_true(condition: Column) -> Column:
    return F.coalesce(condition, F.lit(False))


def _by_key(source: Source) -> WindowSpec:
    return Window.partitionBy(*source.key)


def _own_columns(table: str) -> list[str]:
    return [name for name in SILVER[table].column_names if name[0] != "_"]
