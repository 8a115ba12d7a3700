"""An account of a source and night: when every line has exactly one outcome."""

from dataclasses import replace
from datetime import date

import pytest

from jobs.state.accounts import OUTCOMES, Account

BALANCED = Account("readings", date(2024, 3, 5), landed=9, bronze=9, silver=5, quarantined=3, duplicates=1)


def test_an_account_balances_when_every_line_has_one_outcome():
    assert BALANCED.is_balanced
    assert replace(BALANCED, landed=0, bronze=0, silver=0, quarantined=0, duplicates=0).is_balanced


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_line_too_few_or_too_many_anywhere_is_no_balance(outcome):
    for difference in (-1, 1):
        assert not replace(BALANCED, **{outcome: getattr(BALANCED, outcome) + difference}).is_balanced
