"""Geometry of a night's flow chart: rows pass from layer to layer; quarantined and repeated ones branch off."""

from dataclasses import dataclass

LEFT, STEP, NODE = 20, 270, 12  # x of the first layer, from layer to layer, width of a layer's bar
TOP, HEIGHT = 62, 116  # y and height of the widest bar
BRANCHES = (224, 262)  # y of quarantined rows and repeated ones
THINNEST = 3


@dataclass(frozen=True)
class Bar:
    """A layer or a branch; its height is proportional to its rows."""

    name: str
    rows: int
    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Band:
    """Rows that pass from one bar to another, as an SVG path."""

    name: str
    path: str


@dataclass(frozen=True)
class FlowChart:
    """The whole chart."""

    bars: list[Bar]
    branches: list[Bar]
    bands: list[Band]

    @classmethod
    def of(
        cls,
        *,
        landed: int,
        bronze: int,
        silver: int,
        quarantined: int,
        duplicates: int,
        gold: int,
        corrections: int = 0,
    ) -> "FlowChart":
        """Lay out a night's counts. Gold has another grain, so the height of its bar is fixed."""
        most = max(landed, bronze, 1)

        def high(rows: int) -> float:
            return max(THINNEST, round(HEIGHT * rows / most, 1)) if rows else 0

        layers = {"landing": landed, "bronze": bronze, "silver": silver}
        bars = [
            Bar(name, rows, LEFT + STEP * i, TOP, high(rows)) for i, (name, rows) in enumerate(layers.items())
        ]
        bars.append(Bar("gold", gold, LEFT + STEP * 3, TOP + HEIGHT / 4, HEIGHT / 2 if gold else 0))
        repeated = "duplicates and corrections" if corrections else "duplicates"
        outcomes = {"quarantined": quarantined, repeated: duplicates + corrections}
        branches = [
            Bar(name, rows, LEFT + STEP * 2, y, high(rows))
            for (name, rows), y in zip(outcomes.items(), BRANCHES, strict=True)
        ]
        return cls(bars, branches, _bands(bars, branches))


def _bands(bars: list[Bar], branches: list[Bar]) -> list[Band]:
    landing, bronze, silver, gold = bars
    bands = [_band(landing, bronze), _band(bronze, silver, height=silver.height), _band(silver, gold)]
    # Branches leave bronze at its foot.
    foot = bronze.y + bronze.height
    for branch in reversed(branches):
        foot -= branch.height
        bands.append(_band(bronze, branch, top=foot, height=branch.height))
    return [band for band in bands if band.path]


def _band(start: Bar, end: Bar, top: float | None = None, height: float | None = None) -> Band:
    y = start.y if top is None else top
    high = start.height if height is None else height
    if not high or not end.height:
        return Band(end.name, "")
    x, to = start.x + NODE, end.x
    middle = (x + to) / 2
    low, to_low = y + high, end.y + end.height
    path = (
        f"M{x},{y:g} C{middle:g},{y:g} {middle:g},{end.y:g} {to},{end.y:g} "
        f"V{to_low:g} C{middle:g},{to_low:g} {middle:g},{low:g} {x},{low:g} Z"
    )
    return Band(end.name, path)
