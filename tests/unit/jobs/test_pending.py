"""A pending batch: what arrived of a source for some nights, without a look at any table."""

from dataclasses import FrozenInstanceError, replace
from datetime import date

import pytest

from catalog.tables import SOURCES
from jobs.compiling import ROWS
from jobs.silver.pending import COMPARED, PendingBatch, pay_to_interpret

FOURTH, FIFTH, SIXTH = (date(2024, 3, day) for day in (4, 5, 6))


def test_a_batch_has_its_nights_in_order_and_the_event_dates_of_its_rows():
    batch = PendingBatch(SOURCES["readings"], {SIXTH: {SIXTH: 3, FIFTH: 1}, FIFTH: {FOURTH: 2, None: 1}})
    assert batch.nights == [FIFTH, SIXTH]
    assert batch.event_dates == {FOURTH, FIFTH, SIXTH}
    assert (batch.rows_of(FIFTH), batch.rows_of(SIXTH)) == (3, 4)
    assert (batch.bronze, batch.silver.full_name) == ("bronze.readings", "silver.readings")


@pytest.mark.parametrize(
    ("arrived", "is_empty"),
    [({FIFTH: {}}, True), ({FIFTH: {}, SIXTH: {None: 1}}, False), ({FIFTH: {FOURTH: 0}}, False)],
)
def test_a_batch_is_empty_when_no_row_arrived_in_any_of_its_nights_and_none_was_lost(arrived, is_empty):
    assert PendingBatch(SOURCES["locations"], arrived).is_empty is is_empty


def test_a_batch_cannot_be_changed():
    batch = PendingBatch(SOURCES["devices"], {FIFTH: {}})
    with pytest.raises(FrozenInstanceError):
        batch.source = SOURCES["readings"]


def batch_of(name: str, rows: int, reconciled: int, **more) -> PendingBatch:
    """A batch of one night with rows of two days, after two nights with so many rows together."""
    nights = {FOURTH: reconciled // 2, FIFTH: reconciled - reconciled // 2}
    return PendingBatch(SOURCES[name], {SIXTH: {FIFTH: 1, SIXTH: rows - 1}}, reconciled=nights, **more)


def test_rows_are_compared_with_those_that_may_have_their_keys():
    by_time, by_number = "machine_sensors", "readings"
    assert batch_of(by_time, 5, 700).compared == 700
    assert replace(batch_of(by_time, 5, 700), arrived={SIXTH: {SIXTH: 5}}).compared == 350
    assert PendingBatch(SOURCES[by_time], {SIXTH: {SIXTH: 5}}).compared == 0
    assert batch_of(by_number, 5, 700).compared == 700
    assert batch_of(by_number, 5, 700, keys=(4, 1003)).compared == 700
    assert batch_of(by_number, 5, 700, keys=(4, 8)).compared == 5
    assert batch_of(by_number, 5, 700, keys=("a", "b")).compared == 700
    by_two_columns = "device_changes"
    assert batch_of(by_two_columns, 5, 700, keys=(4, 8)).compared == 700


def test_batches_of_few_rows_are_interpreted_unless_they_are_compared_with_many():
    few, many = batch_of("readings", 2, 0), batch_of("events", 2 * ROWS - 2, 0)
    assert pay_to_interpret([few, replace(many, arrived={SIXTH: {SIXTH: 2 * ROWS - 3}})])
    assert not pay_to_interpret([few, many])
    assert pay_to_interpret([few, batch_of("events", 2, 2 * COMPARED - 1)])
    assert not pay_to_interpret([few, batch_of("events", 2, 2 * COMPARED)])
    assert not pay_to_interpret([])
