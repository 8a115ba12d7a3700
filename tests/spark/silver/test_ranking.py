"""Which of a key's rows holds, and what becomes of the others, against a reckoning in plain Python, by each policy.

Hypothesis makes the cases, a key each. Some of a key's nights are in silver already, the others are ranked.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from catalog.repeated import DISAGREES
from catalog.tables import SOURCES
from jobs.delta.frames import union
from jobs.silver.ranking import content, ranked, wins

KEYS = 300
NIGHTS = [date(2024, 3, day) for day in (4, 5, 6)]
POLICIES = ("first", "last", "greatest:defect", "conflict")
EXISTING = "night DATE, content BIGINT, values_night DATE, event_date DATE, is_own BOOLEAN, version INT"


@dataclass(frozen=True)
class Row:
    """A row of a key as it arrived; `content` is the hash of its values."""

    night: date
    day: int
    version: int | None
    content: int = 0


@dataclass(frozen=True)
class Kept:
    """What silver has of a key: the night of its first row, and the row whose values it has."""

    night: date
    row: Row


rows_of_a_key = st.lists(
    st.builds(Row, st.sampled_from(NIGHTS), st.integers(1, 2), st.sampled_from([None, 1, 2])),
    min_size=1,
    max_size=5,
)
# And whether each night is ranked: at least one is, of which it has rows.
cases = st.tuples(rows_of_a_key, st.tuples(*[st.booleans()] * 3)).filter(
    lambda case: any(case[1][NIGHTS.index(row.night)] for row in case[0])
)


def generated() -> dict[int, tuple[list[Row], set[date]]]:
    made: list = []

    @settings(max_examples=KEYS, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(cases)
    def collect(case):
        made.append(case)

    collect()
    return {
        key: (rows, {night for night, is_ranked in zip(NIGHTS, which, strict=True) if is_ranked})
        for key, (rows, which) in enumerate(made)
    }


def reckoned(policy: str, rows: Iterable[Row]) -> tuple[Kept | None, list[tuple[Row, str]]]:
    """What silver has of a key, and its rows in the order of their arrival with their outcomes."""
    in_order = sorted(rows, key=lambda row: (row.night, row.content))
    is_corrected = policy in ("last", "greatest:defect")
    if is_corrected and (tied := [row for row in in_order if _is_tied(row, in_order, policy)]):
        kept, outcomes = reckoned(policy, [row for row in in_order if row not in tied])
        return kept, [*outcomes, *((row, "quarantined") for row in tied)]
    if policy == "conflict" and len({row.content for row in in_order}) > 1:
        return None, [(row, "quarantined") for row in in_order]
    if not in_order:
        return None, []
    holds, outcomes = in_order[0], [(in_order[0], "silver")]
    for row in in_order[1:]:
        other = "correction" if is_corrected else "quarantined"
        outcomes.append((row, "duplicate" if row.content == holds.content else other))
        if policy == "last" and row.night > holds.night:
            holds = row
        if policy == "greatest:defect" and (row.version or 0) > (holds.version or 0):
            holds = row
    return Kept(in_order[0].night, holds), outcomes


def _is_tied(row: Row, rows: list[Row], policy: str) -> bool:
    """Whether others of its night, all of which came at once, disagree with a row, in its version if that counts."""
    return any(
        other.night == row.night
        and other.content != row.content
        and (policy == "last" or other.version == row.version)
        for other in rows
    )


def existing_of(kept: Kept | None) -> tuple | None:
    if kept is None:
        return None
    row = kept.row
    return (kept.night, row.content, row.night, date(2024, 3, row.day), False, row.version)


@pytest.fixture(scope="module")
def found(spark):
    """Policy -> key -> its rows, those that are in silver already, and what ranking makes of the others."""
    made = generated()
    columns = "device_id BIGINT, timestamp TIMESTAMP, defect INT, _night DATE, _file STRING"
    values = {(key, row) for key, (rows, _) in made.items() for row in rows}
    landed = [
        (key, datetime(2024, 3, row.day, 8), row.version, row.night, f"/arrived={row.night}/a.json")
        for key, row in values
    ]
    frame = spark.createDataFrame(landed, columns).withColumn("event_date", F.to_date("timestamp"))
    hashed = frame.select(
        "device_id", "event_date", "defect", content("inspections").alias("content")
    ).collect()
    hash_of = {(row.device_id, row.event_date.day, row.defect): row.content for row in hashed}
    cases = {
        key: ([replace(row, content=hash_of[key, row.day, row.version]) for row in rows], nights)
        for key, (rows, nights) in made.items()
    }
    frames = []
    for policy in POLICIES:
        source = replace(SOURCES["inspections"], key=("device_id",), repeated=policy)
        own, existing = [], []
        for key, (rows, nights) in cases.items():
            kept, others = reckoned(policy, [row for row in rows if row.night not in nights])
            if kept:
                existing.append((key, existing_of(kept)))
            own += [
                (
                    key,
                    datetime(2024, 3, row.day, 8),
                    row.version,
                    row.night,
                    f"/arrived={row.night}/a",
                    [],
                    not kept and bool(others),
                )
                for row in rows
                if row.night in nights
            ]
        # Of a row that breaks a rule nothing is silver, whatever its key.
        own += [
            (key, datetime(2024, 3, 1), 9, NIGHTS[0], f"/arrived={NIGHTS[0]}/a", ["no level"], False)
            for key in cases
        ]
        validated = (
            spark.createDataFrame(own, f"{columns}, _reasons ARRAY<STRING>, _is_disputed BOOLEAN")
            .withColumn("event_date", F.to_date("timestamp"))
            .withColumn("_raw", F.lit(None).cast("variant"))
        )
        known = spark.createDataFrame(existing, f"device_id BIGINT, _existing STRUCT<{EXISTING}>")
        of_policy = ranked(validated, known, source)
        if not source.is_corrected:
            of_policy = of_policy.withColumn("_values_night", F.col("_night"))
        version = F.col("_existing.version") if source.version else None
        frames.append(
            of_policy.select(
                F.lit(policy).alias("policy"),
                *(
                    "device_id",
                    "_night",
                    "_content",
                    "_outcome",
                    "_rank",
                    "_first_night",
                    "_reopened",
                    "_lost",
                ),
                *("_is_scattered", "_reasons", F.to_json("_raw").alias("raw")),
                F.coalesce(wins(source, "", F.col("_existing.values_night"), version), F.lit(True)).alias(
                    "wins"
                ),
            )
        )
    by_policy: dict = {policy: defaultdict(list) for policy in POLICIES}
    for row in union(frames).collect():
        by_policy[row.policy][row.device_id].append(row)
    return cases, by_policy


def _best(rows, policy: str):
    """The row of a key that holds; of policies that refuse those that came at once there may be none."""
    found = [row for row in rows if row._rank == 1]
    assert len(found) == 1 or (not found and policy in ("last", "greatest:defect"))
    return found[0] if found else None


@pytest.mark.parametrize("policy", POLICIES)
def test_what_silver_has_of_a_key_does_not_depend_on_which_nights_it_had_before(found, policy):
    cases, by_policy = found
    changed = 0
    for key, (rows, nights) in cases.items():
        before, _ = reckoned(policy, [row for row in rows if row.night not in nights])
        after, _ = reckoned(policy, rows)
        best = _best(by_policy[policy][key], policy)
        is_accepted = best is not None and best._outcome != "quarantined"
        if policy == "conflict" and not is_accepted:
            held = None
        elif best is None:
            held = before and (before.night, before.row.night, before.row.content)
        elif before is None:
            held = (best._first_night, best._night, best._content) if is_accepted else None
        elif best.wins and is_accepted:
            held = (min(before.night, best._first_night), best._night, best._content)
        else:
            held = (min(before.night, best._first_night), before.row.night, before.row.content)
        assert held == (after and (after.night, after.row.night, after.row.content)), (key, rows, nights)
        changed += before is not None and before != after
    assert changed > KEYS / 20


@pytest.mark.parametrize("policy", POLICIES)
def test_every_row_has_its_outcome_or_its_night_is_reopened(found, policy):
    cases, by_policy = found
    reopened = 0
    for key, (rows, nights) in cases.items():
        good = [
            row for row in by_policy[policy][key] if not (row._rank is None and row._reasons == ["no level"])
        ]
        best = _best(good, policy)
        is_scattered = best is not None and best._is_scattered
        _, after = reckoned(policy, rows)
        _, before = reckoned(policy, [row for row in rows if row.night not in nights])
        expected = sorted((row.night, row.content, outcome) for row, outcome in after if row.night in nights)
        given_ = sorted((row._night, row._content, row._outcome) for row in good)
        assert given_ == expected or (is_scattered and policy in ("last", "greatest:defect"))
        later = defaultdict(list)
        for row, outcome in after:
            later[row.night].append((row.content, outcome))
        earlier = defaultdict(list)
        for row, outcome in before:
            earlier[row.night].append((row.content, outcome))
        for night, outcomes in earlier.items():
            if outcomes != later[night]:
                reopened += 1
                assert is_scattered or best._reopened == night, (key, rows, nights)
    assert reopened > 5


def test_a_first_row_that_another_of_its_own_night_takes_the_place_of_is_lost(spark):
    """Of a night that is reconciled again; key 1 has another first row now, key 2 the same."""
    source = replace(SOURCES["inspections"], key=("device_id",), repeated="first")
    first, late = date(2024, 3, 4), date(2024, 3, 1)
    rows = [
        (key, datetime(2024, 3, 2, 8), defect, first, f"/arrived={first}/a", [])
        for key, defect in ((1, 0), (2, 1))
    ]
    columns = (
        "device_id BIGINT, timestamp TIMESTAMP, defect INT, _night DATE, _file STRING, _reasons ARRAY<STRING>"
    )
    validated = (
        spark.createDataFrame(rows, columns)
        .withColumn("event_date", F.to_date("timestamp"))
        .withColumn("_raw", F.lit(None).cast("variant"))
    )
    same = validated.where("device_id = 2").select(content("inspections")).collect()[0][0]
    existing = [(1, (first, 7, first, late, True, None)), (2, (first, same, first, late, True, None))]
    known = spark.createDataFrame(existing, f"device_id BIGINT, _existing STRUCT<{EXISTING}>")
    found = {row.device_id: row for row in ranked(validated, known, source).collect()}
    assert (found[1]._reopened, found[1]._lost, found[1]._is_scattered) == (first, late, True)
    assert (found[2]._reopened, found[2]._lost, found[2]._is_scattered) == (None, None, False)
    assert {row._outcome for row in found.values()} == {"silver"}


@pytest.mark.parametrize("policy", POLICIES)
def test_no_value_is_lost_and_a_row_that_breaks_a_rule_counts_for_no_key(found, policy):
    cases, by_policy = found
    for key in cases:
        bad = [row for row in by_policy[policy][key] if row._reasons == ["no level"]]
        assert [(row._outcome, row._rank, row.raw) for row in bad] == [("quarantined", None, None)]
        refused = [row for row in by_policy[policy][key] if row._outcome == "quarantined" and row not in bad]
        assert all(row.raw and len(row._reasons) == 1 for row in refused)
        assert {row._reasons[0] for row in refused} <= {DISAGREES[policy.partition(":")[0]]}
