"""Inspections as arrays, and the cut between those that a model learns from and those that it is scored on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.errors import UsageError

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Inspections:
    """Parts that were inspected, one a row: what was known of each before, and what came of it."""

    names: tuple[str, ...]  # of the features, one a column of `values`
    values: Numbers  # NaN where a value is not known
    is_hot: Flags  # the rule
    defect: Flags
    trips: npt.NDArray[np.int64]  # parts of one trip of one machine have the same number
    days: npt.NDArray[np.datetime64]
    arrived: npt.NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.defect)

    def where(self, chosen: Flags) -> Inspections:
        """Return some of the rows."""
        rows = {name: array[chosen] for name, array in vars(self).items() if name != "names"}
        return Inspections(self.names, **rows)


def from_arrow(table: pa.Table) -> Inspections:
    """Return the rows of `features`, a MAP<STRING,DOUBLE>, `is_hot`, `defect`, `trip`, `event_date` and `_night`."""
    features = table["features"].combine_chunks()
    if isinstance(features, pa.ChunkedArray):
        features = pa.concat_arrays(features.chunks) if features.num_chunks else pa.array([], features.type)
    offsets = np.asarray(features.offsets)
    keys = features.keys[offsets[0] : offsets[-1]].dictionary_encode()
    names, place = np.array(keys.dictionary.to_pylist(), dtype=object), np.asarray(keys.indices)
    # What is said of no row, such as another machine's factory, is not unknown: it does not hold.
    values = np.where(["=" in name for name in names], 0.0, np.nan) * np.ones((table.num_rows, 1))
    rows = np.repeat(np.arange(table.num_rows), np.diff(offsets))
    values[rows, place] = features.items[offsets[0] : offsets[-1]].to_numpy(zero_copy_only=False)
    order = np.argsort(names)
    return Inspections(
        names=tuple(names[order]),
        values=values[:, order],
        is_hot=_flags(table["is_hot"]),
        defect=_flags(table["defect"]),
        trips=np.unique(table["trip"].to_pylist(), return_inverse=True)[1].astype(np.int64),
        days=table["event_date"].to_numpy().astype("datetime64[D]"),
        arrived=table["_night"].to_numpy().astype("datetime64[D]"),
    )


def _flags(column: Any) -> Flags:
    return np.asarray(column.to_pylist(), dtype=bool)


def split(inspections: Inspections, cut: date) -> tuple[Inspections, Inspections]:
    """Return those before the cut and those from it on.

    Before it is what had arrived by then, too, and of a trip of which parts were inspected on both sides, only the
    later ones: the others would give away how it went.

    Raises UsageError when either has no defects, or nothing else: there is nothing to learn, or nothing to score.
    """
    moment = np.datetime64(cut)
    test = inspections.where(inspections.days >= moment)
    is_known = (inspections.days < moment) & (inspections.arrived < moment)
    train = inspections.where(is_known & ~np.isin(inspections.trips, test.trips))
    for side, rows in ((f"before {cut}", train), (f"from {cut} on", test)):
        defects = int(rows.defect.sum())
        if not 0 < defects < len(rows):
            raise UsageError(
                f"{side} there are {len(rows):,} inspections, {defects:,} of them with a defect; a model needs some "
                "with and some without on both sides: take more nights, or another --night"
            )
    return train, test
