"""Libraries that are installed, and kept from others that import whatever they find."""

import sys
from importlib import import_module
from types import ModuleType


def hide(name: str) -> None:
    """Have every import of a module fail from now on as if it were not installed, unless it is imported already."""
    # None is how `sys.modules` says so to Python.
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def show(name: str) -> None:
    """Let a hidden module be imported again."""
    if sys.modules.get(name, sys) is None:
        del sys.modules[name]


def defer(name: str) -> None:
    """Have a module imported only when something in it is used, unless it is imported already."""
    sys.modules.setdefault(name, _Deferred(name))


class _Deferred(ModuleType):
    """Stands for a module until an attribute of it is asked for; Python's own LazyLoader would not wait that long."""

    def __getattr__(self, name: str) -> object:
        # `inspect` asks this of every module there is, to find the one that a file belongs to.
        if name == "__file__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)
