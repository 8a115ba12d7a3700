"""Scores of a model on inspections that it has not seen, beside the rule of `gold.defect_rates` and the base rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from jobs.model.inspections import Flags, Inspections, Numbers
from jobs.model.training import Model

MODEL, RULE, BASE_RATE = "model", "rule", "base_rate"
CERTAINTY = 0.975  # of one side: the interval of 95 %
ALONE = 10  # `precision_at_k` is of one part in so many: who inspects more carefully has time for some


@dataclass(frozen=True)
class Scores:
    """How well probabilities predicted defects; of the last two scores, less is better."""

    average_precision: float
    precision_at_k: float
    brier: float
    log_loss: float


@dataclass(frozen=True)
class Evaluation:
    """The scores of the model, of the rule and of the base rate, and what they come to."""

    scores: Mapping[str, Scores]
    k: int
    beats_rule: bool
    verdict: str

    def by_predictor(self, score: str) -> dict[str, float]:
        """Return one of the scores: predictor -> value."""
        return {name: getattr(scores, score) for name, scores in self.scores.items()}


def evaluate(model: Model, train: Inspections, test: Inspections) -> Evaluation:
    """Score the model, the rule and the base rate on the test inspections.

    The rule and the base rate say how many had a defect among those that the model has learnt from.
    """
    said = {
        MODEL: model.probabilities(test),
        RULE: _rates(train, test),
        BASE_RATE: np.full(len(test), train.defect.mean()),
    }
    k = max(1, round(len(test) / ALONE))
    scores = {name: score(test.defect, each, k) for name, each in said.items()}
    is_sure = is_better(said[MODEL], said[RULE], test)
    beats = is_sure and scores[MODEL].average_precision > scores[RULE].average_precision
    return Evaluation(scores, k, beats, _verdict(scores, beats))


def _rates(train: Inspections, test: Inspections) -> Numbers:
    """The rule as probabilities: the share of defects among hot inspections, or among the others.

    As if there had been one more with and one without a defect: few inspections are never quite certain.
    """
    hot, cool = ((train.defect[rows].sum() + 1) / (rows.sum() + 2) for rows in (train.is_hot, ~train.is_hot))
    found: Numbers = np.where(test.is_hot, hot, cool)
    return found


def score(defect: Flags, probabilities: Numbers, k: int) -> Scores:
    """Return the scores of probabilities, of which some may be equal."""
    return Scores(
        float(average_precision_score(defect, probabilities)),
        precision_at(defect, probabilities, k),
        float(brier_score_loss(defect, probabilities)),
        float(log_loss(defect, probabilities)),
    )


def precision_at(defect: Flags, probabilities: Numbers, k: int) -> float:
    """Return the share of defects among the k likeliest; of equally likely ones, the expected share counts."""
    least = np.sort(probabilities)[-k]
    likelier, as_likely = probabilities > least, probabilities == least
    found = defect[likelier].sum() + (k - likelier.sum()) * defect[as_likely].mean()
    return float(found / k)


def is_better(one: Numbers, other: Numbers, test: Inspections) -> bool:
    """Whether one has a log loss below the other's by more than chance: the 95 % interval of the difference is above 0.

    Parts of one trip fare alike, so it is trips that count, not parts.
    """
    gain = _loss(test.defect, other) - _loss(test.defect, one)
    _, trips = np.unique(test.trips, return_inverse=True)
    parts = np.bincount(trips)
    if len(parts) < 2:
        return False
    off = np.bincount(trips, weights=gain) - gain.mean() * parts
    error = np.sqrt(len(parts) / (len(parts) - 1) * (off**2).sum()) / len(gain)
    return bool(gain.mean() > stdtrit(len(parts) - 1, CERTAINTY) * error)


def _loss(defect: Flags, probabilities: Numbers) -> Numbers:
    right = np.where(defect, probabilities, 1 - probabilities)
    found: Numbers = -np.log(np.maximum(right, np.finfo(float).tiny))
    return found


def _verdict(scores: Mapping[str, Scores], beats: bool) -> str:
    """Return what the scores come to, as the end of a sentence that begins with the model."""
    precision, loss = (
        f"{name} {getattr(scores[MODEL], kind):.3f} (rule {getattr(scores[RULE], kind):.3f}, base rate "
        f"{getattr(scores[BASE_RATE], kind):.3f})"
        for name, kind in (("average precision", "average_precision"), ("log loss", "log_loss"))
    )
    said = (
        "beats the rule" if beats else "does not beat the rule by more than chance and makes no predictions"
    )
    return f"{said}: {precision}, {loss}"
