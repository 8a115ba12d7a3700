"""Rendering HTML pages: one Jinja environment, everything escaped, nothing loaded from elsewhere."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent  # base.html, style.css
FEW_HOURS = 4  # so many or fewer are listed one by one

_ENVIRONMENT = Environment(
    loader=FileSystemLoader([FOLDER, FOLDER.parent]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def number(value: float) -> str:
    """A count with thousands separators."""
    return f"{value:,}"


def duration(seconds: float) -> str:
    """A time span as people say it: 7.3 s, 2 min 5 s."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def size(count: float) -> str:
    """A number of bytes."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def percent(share: float | None) -> str:
    """A share in percent with one decimal; a dash for none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def shown(value: object) -> str:
    """A value of a table: nothing for null, at most four decimals."""
    if value is None:
        return ""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def hours(of_day: list[int]) -> str:
    """Some hours of a day, in order: each of them if they are few, else how many, and the first and last."""
    times = [f"{hour:02d}:00" for hour in of_day]
    if len(times) <= FEW_HOURS:
        return ", ".join(times)
    return f"{len(times)} hours, {times[0]} to {times[-1]}"


_FILTERS = (number, duration, size, percent, shown, hours)
_ENVIRONMENT.filters |= {filter_.__name__: filter_ for filter_ in _FILTERS}


def render(template: str, **values: object) -> str:
    """Return a page as HTML. `template` is a path in `jobs/`, such as `report/templates/night.html`."""
    return _ENVIRONMENT.get_template(template).render(**values)
