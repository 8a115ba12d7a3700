"""A library that is installed for one purpose, hidden from others that import whatever they find."""

import sys


def hide(name: str) -> None:
    """Have every import of a module fail from now on as if it were not installed, unless it is imported already."""
    # None is how Python itself is told so.
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def show(name: str) -> None:
    """Let a hidden module be imported again."""
    if sys.modules.get(name, sys) is None:
        del sys.modules[name]
