"""A pending batch: what arrived of a source for some nights, without a look at any table."""

from dataclasses import FrozenInstanceError
from datetime import date

import pytest

from catalog.tables import SOURCES
from jobs.silver.pending import PendingBatch

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
