"""HTML pages: one Jinja environment, everything escaped, nothing loaded from elsewhere."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
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


_ENVIRONMENT.filters |= {"number": number, "duration": duration, "size": size}


def render(template: str, **values: object) -> str:
    """Render a page of `jobs/templates/`."""
    return _ENVIRONMENT.get_template(template).render(**values)
