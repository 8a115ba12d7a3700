"""Streams without Spark: which rows of which second, batches of them, and what may be asked for."""

from dataclasses import astuple, replace
from datetime import date
from itertools import pairwise

import pytest

from jobs.cli import parser
from jobs.generate.arguments import FIRST_NIGHT
from jobs.stream import volume
from jobs.stream.arguments import DAY, MOST_ROWS_PER_SECOND, Options
from jobs.stream.batches import SECOND, Batch, Checkpoint, counts, cut

NIGHT = date(2024, 3, 5)
STREAM = Options("live_sensors", 10, None, 60, "delta", 100)
MINUTES = volume.minutes("transactions", 42, (NIGHT - FIRST_NIGHT).days)


def count(source: str, *piece: int) -> int:
    """How many rows seconds `start` to `end` of the night have at a rate."""
    return sum(counts(source, NIGHT, Batch(*piece), 42))


def test_a_second_never_has_fewer_rows_at_a_higher_rate_nor_more_than_there_are_numbers():
    rates = (1, 2, 3, 10, 99, 100, MOST_ROWS_PER_SECOND - 1, MOST_ROWS_PER_SECOND)
    slowest, *faster = ([volume.rows_in(second, rate, MINUTES) for second in range(DAY)] for rate in rates)
    assert min(map(sum, pairwise(slowest))) == 1, "of two seconds one has a row"
    for counted in faster:
        assert min(counted) >= 1
        assert all(few <= many for few, many in zip(slowest, counted, strict=True))
        slowest = counted
    assert max(slowest) == SECOND


@pytest.mark.parametrize(("seed", "rate"), [(42, 1), (42, 10), (7, 33), (8, MOST_ROWS_PER_SECOND)])
def test_transactions_are_more_in_business_hours_and_bursts_and_on_average_as_many_as_asked_for(seed, rate):
    counted = counts("transactions", NIGHT, Batch(0, DAY, rate), seed)
    assert sum(counted) / DAY == pytest.approx(rate, rel=0.02)
    # Ten hours of an even rate would have 42 % of it, and minutes no more than their share.
    assert sum(counted[8 * 3600 : 18 * 3600]) / sum(counted) == pytest.approx(0.625, abs=0.01)
    of_minutes = [sum(counted[second : second + 60]) / rate for second in range(0, DAY, 60)]
    assert set(of_minutes) == {37, 90, 120}
    bursts = of_minutes.count(120)
    assert 10 < bursts < 35 and 120 * bursts / sum(of_minutes) == pytest.approx(2 * bursts / 1440, rel=0.02)


def test_bursts_follow_from_the_seed_and_the_night():
    def bursts(*of: int) -> set[int]:
        return {minute for minute, rows in enumerate(volume.minutes("transactions", *of)) if rows == 120}

    assert bursts(42, 64) == bursts(42, 64)
    for other in (bursts(7, 64), bursts(42, 65)):
        assert len(other) > 10 and len(other & bursts(42, 64)) < 5


def test_a_run_goes_on_where_the_last_one_ended_and_the_night_ends_it():
    batches = list(cut(replace(STREAM, trigger=10, duration=25), 5))
    assert [batch.name for batch in batches] == ["00005-00015", "00015-00025", "00025-00030"]
    assert [batch.name for batch in cut(STREAM, DAY - 20)] == ["86380-86400"]
    assert list(cut(STREAM, DAY)) == []
    at_once = list(cut(replace(STREAM, rows_per_second=50_000), 0))
    assert [count("live_sensors", *astuple(batch)) for batch in at_once] == [1_000_000] * 3


def test_the_next_run_knows_what_was_sent_and_which_batch_was_left_unfinished(tmp_path):
    file, sent, unfinished = tmp_path / "checkpoint.json", Batch(0, 30, 10), Batch(30, 60, 5)
    checkpoint = Checkpoint.read(file, 42)
    assert (checkpoint.position, checkpoint.planned) == (0, None)
    checkpoint.plan(sent)
    checkpoint.commit(sent)
    after = Checkpoint.read(file, 42)
    assert (after.position, after.planned) == (30, None)
    after.plan(unfinished)
    cut_off = Checkpoint.read(file, 42)
    assert (cut_off.position, cut_off.planned) == (30, unfinished)


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--source=readings", "choose from 'iot_events', 'transactions', 'live_sensors'"),
        ("--source=", "--source"),
        ("--rows-per-second=0", "from 1 to 50000"),
        ("--rows-per-second=50001", "from 1 to 50000"),
        ("--rows-per-second=1e3", "from 1 to 50000"),
        ("--trigger=0s", "neither available-now nor"),
        ("--trigger=10", "neither available-now nor"),
        ("--trigger=2h", "at most 1h"),
        ("--trigger=once", "neither available-now nor"),
        ("--for=0s", "at most a day"),
        ("--for=25h", "at most a day"),
        ("--for=-1s", "--for"),
        ("--sink=console", "choose from 'delta', 'json'"),
        ("--max-records-per-file=0", "from 1 to 10000000"),
        ("--tables=readings", "--tables"),
    ],
)
def test_a_stream_that_makes_no_sense_is_refused_in_one_line(capsys, argument, says):
    with pytest.raises(SystemExit) as exit_:
        parser.parse(["stream", "--source=transactions", argument])
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1 and says in error


def test_a_batch_that_is_made_in_memory_has_a_limit(capsys):
    argv = ["stream", "--source=iot_events", "--rows-per-second=5000"]
    assert parser.parse([*argv, "--trigger=10s"]).options.trigger == 10
    assert {count("iot_events", *astuple(batch)) for batch in cut(parser.parse(argv).options, 0)} == {50_000}
    with pytest.raises(SystemExit) as exit_:
        parser.parse([*argv, "--trigger=11s"])
    assert exit_.value.code == 2 and "at most 50000 rows" in capsys.readouterr().err


def test_the_rates_and_triggers_of_the_documents_are_taken():
    for rate in (100, 5_000, 50_000):
        settings = parser.parse(
            ["stream", "--source=live_sensors", f"--rows-per-second={rate}", "--trigger=10s", "--for=1m"]
        )
        assert settings.options == Options("live_sensors", rate, 10, 60, "json", 10_000)
    assert settings.step == "stream_live_sensors" and settings.tables >= {"live_sensors", "readings_5min"}
