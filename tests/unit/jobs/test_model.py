"""The model that predicts failures: what it may know, what it learns, and that it is not praised for nothing."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import Row

from catalog.tables import SILVER, selection
from jobs.cli.parser import parse
from jobs.errors import UsageError
from jobs.gold.failure_features import KINDS, MEASURED
from jobs.model.evaluation import evaluate, is_better, precision_at, score
from jobs.model.inspections import Inspections, from_arrow, split
from jobs.model.training import Model, train
from jobs.report import model as report

CUT = date(2024, 3, 5)
NAMES = ("factory_id=A06", "noise", "temperature_rise")
PARTS = 10


def inspections(trips: int = 400, share: float = 0.5) -> Inspections:
    """Ten parts a trip, on ten days around the cut. So many are defective of trips that rose by more than 8 degrees.

    The rule calls hot whatever rose at all, which is right of every third such trip.
    """
    drawn = np.random.default_rng(7)
    rise = np.repeat(drawn.uniform(-12, 12, trips), PARTS)
    values = np.stack([drawn.integers(0, 2, rise.size), drawn.normal(size=rise.size), rise], axis=1)
    days = np.repeat(np.datetime64("2024-02-29") + np.arange(trips) % 10, PARTS)
    return Inspections(
        NAMES,
        values.astype(float),
        is_hot=rise > 0,
        defect=drawn.uniform(size=rise.size) < np.where(rise > 8, share, 0.01),
        trips=np.repeat(np.arange(trips), PARTS),
        days=days,
        arrived=days,
    )


def evaluated(rows: Inspections):
    known, held_back = split(rows, CUT)
    return evaluate(train(known), known, held_back)


def test_what_can_be_learnt_is_learnt_and_beats_rule_and_base_rate():
    found = evaluated(inspections())
    precision, loss = found.by_predictor("average_precision"), found.by_predictor("log_loss")
    assert precision["model"] > 0.4 > precision["rule"] > precision["base_rate"]
    assert loss["model"] < loss["rule"] < loss["base_rate"]
    assert found.beats_rule and found.verdict.startswith("beats the rule: average precision 0.")
    assert found.k == 200 and found.by_predictor("precision_at_k")["model"] > 0.4


@pytest.mark.parametrize("seed", range(5))
def test_a_model_of_outcomes_that_follow_from_nothing_does_not_beat_the_rule_and_says_so(seed):
    rows = inspections()
    found = evaluated(replace(rows, defect=np.random.default_rng(seed).permutation(rows.defect)))
    assert not found.beats_rule
    assert found.verdict.startswith("does not beat the rule by more than chance and makes no predictions: ")


def test_a_model_that_knows_no_more_than_the_rule_does_not_beat_it():
    rows = inspections()
    found = evaluated(replace(rows, names=("is_hot",), values=rows.is_hot[:, None].astype(float)))
    assert (
        not found.beats_rule
        and found.scores["model"].average_precision == found.scores["rule"].average_precision
    )


def test_only_what_was_known_before_the_cut_is_learnt_and_all_that_came_after_is_scored():
    rows = inspections(trips=40)
    late = np.zeros(len(rows), dtype=bool)
    late[:PARTS] = True  # the first trip, whose parts were inspected five days before the cut
    arrived = np.where(late, np.datetime64(CUT), rows.arrived)
    over_midnight = np.where(
        rows.trips == rows.trips[-1], rows.trips[PARTS], rows.trips
    )  # one on either side
    known, held_back = split(replace(rows, arrived=arrived, trips=over_midnight), CUT)
    assert known.days.max() < np.datetime64(CUT) <= held_back.days.min()
    assert len(held_back) == (rows.days >= np.datetime64(CUT)).sum()
    assert {*known.trips}.isdisjoint({*held_back.trips})
    before = {*rows.trips[rows.days < np.datetime64(CUT)]}
    assert {*known.trips} == before - {rows.trips[0], rows.trips[PARTS]}


@pytest.mark.parametrize(("side", "of"), [("before", np.less), ("from", np.greater_equal)])
def test_nights_without_a_defect_are_refused_with_what_they_have(side, of):
    rows = inspections(trips=40)
    none = replace(rows, defect=rows.defect & ~of(rows.days, np.datetime64(CUT)))
    with pytest.raises(
        UsageError, match=rf"^{side} 2024-03-05.* there are 200 inspections, 0 of them with a defect"
    ):
        split(none, CUT)


def test_the_same_inspections_in_any_order_give_the_same_model():
    rows = inspections(trips=60)
    again, shuffled = train(rows), train(rows.where(np.random.default_rng(1).permutation(len(rows))))
    assert train(rows) == again == shuffled
    assert again.digest == shuffled.digest != train(inspections(trips=70)).digest


def test_a_feature_that_never_changes_or_is_never_known_has_no_weight():
    rows = inspections(trips=60)
    values = np.column_stack([rows.values, np.ones(len(rows)), np.full(len(rows), np.nan)])
    assert train(replace(rows, names=(*NAMES, "same", "unknown"), values=values)).weights.keys() == {*NAMES}


def test_inspections_that_look_alike_are_refused_in_one_line():
    rows = inspections(trips=6)
    with pytest.raises(
        UsageError, match=r"^all 60 inspections look alike, so there is nothing to learn from$"
    ):
        train(replace(rows, values=np.ones_like(rows.values)))


def test_a_value_that_is_not_known_counts_with_its_mean_and_a_kind_that_is_not_there_with_nothing():
    model = Model(-1.0, {"rise": 2.0, "factory_id=A06": 3.0}, {"rise": 0.25, "factory_id=A06": 0.0})
    rows = replace(inspections(trips=1), names=("rise",), values=np.array([[1.0], [np.nan], *[[0.0]] * 8]))
    found = model.probabilities(rows)
    assert found[:3] == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(0.5)), 1 / (1 + np.exp(1))])
    nothing = replace(rows, names=(), values=np.empty((10, 0)))
    assert model.probabilities(nothing)[0] == pytest.approx(1 / (1 + np.exp(0.5)))


def test_of_parts_that_are_equally_likely_to_fail_precision_is_what_is_to_be_expected():
    defect = np.array([True, False, True, False, False, False])
    assert precision_at(defect, np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1]), 3) == pytest.approx((1 + 2 / 4) / 3)
    assert precision_at(defect, np.full(6, 0.5), 2) == pytest.approx(2 / 6)


def test_a_probability_that_is_right_scores_better_than_one_that_is_not():
    defect = np.array([True, False, False, False])
    right, wrong = (score(defect, np.array(each), 1) for each in ([0.9, 0.1, 0.1, 0.1], [0.1, 0.9, 0.1, 0.1]))
    assert (right.average_precision, right.precision_at_k, wrong.precision_at_k) == (1.0, 1.0, 0.0)
    assert right.brier == pytest.approx(0.01) and right.log_loss == pytest.approx(-np.log(0.9))
    assert wrong.brier > right.brier and wrong.log_loss > right.log_loss


def test_one_trip_is_one_piece_of_evidence_however_many_of_its_parts_were_inspected():
    rows = inspections(trips=40)
    certain, guess = np.where(rows.defect, 0.9, 0.1), np.full(len(rows), 0.5)
    assert is_better(certain, guess, rows) and not is_better(guess, certain, rows)
    assert not is_better(guess, guess, rows)
    assert not is_better(certain, guess, replace(rows, trips=np.zeros(len(rows), dtype=int)))
    one = np.where(rows.trips == 0, certain, guess)
    assert not is_better(one, guess, rows)


def test_features_name_what_was_known_before_an_inspection_and_never_what_came_of_it():
    known = {name for name in SILVER["inspection_features"].column_names if name.startswith("sensor_")}
    words = {*re.findall(r"[a-z]\w+", " ".join(MEASURED.values())), *KINDS} - {"unix_seconds"}
    assert words <= known | {"timestamp", "factory_id", "model_id"}
    assert {"sensor_temperature", "sensor_temperature_average"} <= words


def test_rows_of_the_lake_become_arrays_of_which_each_column_is_a_feature():
    features = [
        [("rise", 1.5), ("speed", None), ("factory_id=A06", 1.0)],
        [("rise", -2.0), ("speed", 7.0), ("factory_id=D18", 1.0)],
        [("rise", None), ("speed", 8.0), ("factory_id=A06", 1.0)],
    ]
    day = date(2024, 3, 4)
    table = pa.table(
        {
            "features": pa.array(features, pa.map_(pa.string(), pa.float64())),
            "is_hot": [True, False, False],
            "defect": pa.array([1, 0, 0], pa.int32()),
            "trip": ["1/7", "1/7", "2/7"],
            "event_date": pa.array([day] * 3),
            "_night": pa.array([day, CUT, day]),
        }
    )
    for part, rows in (
        (table, slice(None)),
        (table.slice(1), slice(1, None)),
        (pa.concat_tables([table, table]), None),
    ):
        found = from_arrow(part)
        assert found.names == ("factory_id=A06", "factory_id=D18", "rise", "speed")
        wanted = np.array([[1, 0, 1.5, np.nan], [0, 1, -2, 7], [1, 0, np.nan, 8]])
        np.testing.assert_array_equal(found.values, np.vstack([wanted] * 2) if rows is None else wanted[rows])
    found = from_arrow(table)
    assert (found.is_hot.tolist(), found.defect.tolist()) == ([True, False, False], [True, False, False])
    assert found.trips.tolist() == [0, 0, 1] and found.arrived[1] == np.datetime64(CUT) == found.days[1] + 1
    assert len(from_arrow(table.slice(0, 0))) == 0


def test_the_nights_end_with_the_one_that_is_named():
    settings = parse(["train", "--night=2024-03-31", "--train-nights=10", "--test-nights=3"])
    cut, first = (at(settings.night) for at in (settings.options.cut, settings.options.first))
    assert (first, cut, settings.night) == (date(2024, 3, 19), date(2024, 3, 29), date(2024, 3, 31))


@pytest.mark.parametrize("nights", ["0", "-1", "1.5", "3661", ""])
def test_nights_that_are_none_are_refused_in_one_line(nights, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(["train", "--night=2024-03-31", f"--test-nights={nights}"])
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is not a number of nights from 1 to 3660" in said


def test_the_report_says_in_one_line_how_the_newest_model_did():
    settings = parse(["report", "--night=2024-03-31"])
    row = Row(
        model_version="2024-03-29-1a2b3c4d", first_night=date(2024, 2, 24), cut=date(2024, 3, 23),
        night=date(2024, 3, 29), beats_rule=False, verdict="does not beat the rule: …",
    )  # fmt: skip
    assert report.sentence(settings, [row]) == (
        "Model 2024-03-29-1a2b3c4d, trained on nights from 2024-02-24 to before 2024-03-23 and scored on those up to "
        "2024-03-29, does not beat the rule: …."
    )
    assert report.sentence(settings, []) == "No model predicts failures yet; `train` makes one."
    without = replace(settings, tables=selection(["readings"]))
    assert report.sentence(without, []) == ""
