"""Which sources a lake simulates, as SIMULATE says it wherever it is given: by hand, in forms, for a target."""

from catalog.tables import SOURCES

ALL, NONE = "all", "none"
_NAME = f"({'|'.join(SOURCES)})"
PATTERN = f"^({ALL}|{NONE}|{_NAME}(,{_NAME})*)$"


def simulated(text: str) -> frozenset[str] | None:
    """Parse `all`, `none` or names of sources, comma-separated; None for an empty text, which leaves it to the lake.

    Raises ValueError for an unknown name.
    """
    if text in ("", NONE):
        return frozenset() if text else None
    names = [name for name in text.split(",") if name]
    if names == [ALL]:
        return frozenset(SOURCES)
    if unknown := [name for name in names if name not in SOURCES]:
        known = ", ".join((ALL, NONE, *SOURCES))
        raise ValueError(f"nothing to simulate is called {unknown[0][:40]!r}; choose from {known}")
    return frozenset(names)
