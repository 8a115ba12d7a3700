"""Logistic regression on inspections. Nothing is drawn at random: the same inspections give the same model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

from jobs.errors import JobError, UsageError
from jobs.model.inspections import Inspections, Numbers

LIBRARY = f"scikit-learn {sklearn.__version__}"
# The inverse strength of the L2 penalty, scikit-learn's default: some features are of few inspections.
PENALTY = 1.0
MOST_ITERATIONS = 1000
DIGITS = 9  # of a weight: another build of BLAS may differ beyond


@dataclass(frozen=True)
class Model:
    """Weights of features in their own units; a value that is not known counts as the feature's mean."""

    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]

    def probabilities(self, inspections: Inspections) -> Numbers:
        """Return the probability of a defect, a row each, as `jobs/gold/failure_features.py` has it."""
        logit = np.full(len(inspections), self.intercept)
        for name, values in zip(inspections.names, inspections.values.T, strict=True):
            if name in self.weights:
                logit += self.weights[name] * np.where(np.isnan(values), self.means[name], values)
        # A feature of the model that no row has: unknown in all of them, or a kind that is not among them.
        logit += sum(
            self.weights[name] * self.means[name] for name in self.weights.keys() - {*inspections.names}
        )
        found: Numbers = 1 / (1 + np.exp(-logit))
        return found

    @property
    def digest(self) -> str:
        """A short hash of all that it is."""
        said = json.dumps([self.intercept, sorted(self.weights.items()), sorted(self.means.items())])
        return hashlib.sha256(said.encode()).hexdigest()[:8]


def train(inspections: Inspections) -> Model:
    """Return the model that fits the inspections; features that are the same in all of them have no weight.

    Raises UsageError when that is all of them, JobError when the fit does not converge.
    """
    chosen = [at for at, column in enumerate(inspections.values.T) if _varies(column)]
    if not chosen:
        raise UsageError(
            f"all {len(inspections):,} inspections look alike, so there is nothing to learn from"
        )
    names, values = [inspections.names[at] for at in chosen], inspections.values[:, chosen]
    measured = np.array(["=" not in name for name in names])
    # Of a kind, the mean that counts where it is not said is 0: another one holds.
    means = np.where(measured, np.round(np.nanmean(values, axis=0), DIGITS), 0.0)
    filled = np.where(np.isnan(values), means, values)
    scales = filled.std(axis=0)
    fit = LogisticRegression(C=PENALTY, max_iter=MOST_ITERATIONS)
    fit.fit((filled - means) / scales, inspections.defect)
    if fit.n_iter_[0] >= MOST_ITERATIONS:
        raise JobError(f"the fit has not converged in {MOST_ITERATIONS} iterations")
    weights = np.round(fit.coef_[0] / scales, DIGITS)
    intercept = round(float(fit.intercept_[0] - weights @ means), DIGITS)
    return Model(
        intercept,
        dict(zip(names, weights.tolist(), strict=True)),
        dict(zip(names, means.tolist(), strict=True)),
    )


def _varies(column: Numbers) -> bool:
    known = column[~np.isnan(column)]
    return bool(len(known)) and bool(np.ptp(known) > 0)
