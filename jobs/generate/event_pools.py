"""The pools from which values of `iot_events` are drawn: defaults in `iot_events.toml`, replaced by a settings file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from jobs.errors import UsageError

DEFAULTS = Path(__file__).parent / "feeds/iot_events.toml"
LARGEST = 2**53  # an integer beyond it is not exact in JSON


@dataclass(frozen=True)
class Range:
    """Numbers from low to high: integers when both ends are, else with two decimals."""

    low: float
    high: float


Choice = Range | Sequence[str | int | float | bool]


@dataclass(frozen=True)
class EventPools:
    """The values that each field is drawn from; one field per key of the file."""

    min_keys: int
    max_keys: int
    device_types: Sequence[str]
    statuses: Sequence[str]
    regions: Sequence[str]
    sources: Sequence[str]
    envs: Sequence[str]
    keys: Mapping[str, Choice]
    nested: Mapping[str, Mapping[str, Choice]]


def load(path: Path | None = None, *, min_keys: int | None = None, max_keys: int | None = None) -> EventPools:
    """Return the default pools, overridden by those of a settings file and then by the given numbers.

    Raises UsageError, in one line, for a file that cannot be read, an unknown key, or a value of a wrong kind.
    """
    values = vars(defaults()) | (_read(path) if path else {})
    values |= {
        name: number
        for name, number in {"min_keys": min_keys, "max_keys": max_keys}.items()
        if number is not None
    }
    try:
        return _checked(EventPools(**values))
    except ValueError as error:
        raise UsageError(f"{path}: {error}" if path else str(error)) from None


def defaults() -> EventPools:
    """Return the default pools."""
    return _DEFAULTS


def _read(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _value(name, value) for name, value in found.items()}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply") from None
    except ValueError as error:  # also what is no UTF-8 and what is no TOML
        raise UsageError(f"{path}: {str(error).splitlines()[0]}") from None


def _value(name: str, value: object) -> object:
    """Parse the value of a key of the file. Raises ValueError."""
    known = [field.name for field in fields(EventPools)]
    match name:
        case "min_keys" | "max_keys":
            if type(value) is not int:
                raise ValueError(f"{name} is {value!r:.40}, not an integer")
            return value
        case "keys":
            return _choices(name, value)
        case "nested":
            return {key: _choices(f"nested.{key}", choices) for key, choices in _table(name, value).items()}
        case _ if name in known:
            return _strings(name, value)
    raise ValueError(f"unknown key {name[:40]!r}; known are {', '.join(known)}")


def _table(name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict) or not value:
        raise ValueError(f"{name} is {value!r:.40}, not a table with entries")
    return value


def _strings(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise ValueError(f"{name} is {value!r:.40}, not a list of strings")
    return tuple(value)


def _choices(name: str, value: object) -> dict[str, Choice]:
    return {key: _choice(f"{name}.{key}", choice) for key, choice in _table(name, value).items()}


def _choice(name: str, value: Any) -> Choice:
    if (
        isinstance(value, list)
        and value
        and all(isinstance(each, (str, bool)) or _is_number(each) for each in value)
    ):
        return tuple(value)
    if isinstance(value, dict) and value.keys() == {"low", "high"} and all(map(_is_number, value.values())):
        if value["low"] <= value["high"]:
            return Range(**value)
        raise ValueError(f"{name} has its low end above its high one")
    raise ValueError(
        f"{name} is {value!r:.60}, neither a list of strings, numbers or booleans nor {{ low = …, high = … }}"
    )


def _is_number(value: Any) -> bool:
    # No infinities and no NaN: JSON has no such numbers.
    return type(value) in (int, float) and -LARGEST <= value <= LARGEST


def _checked(pools: EventPools) -> EventPools:
    keys = len(pools.keys) + len(pools.nested)
    if not 1 <= pools.min_keys <= pools.max_keys <= keys:
        raise ValueError(
            f"min_keys {pools.min_keys} and max_keys {pools.max_keys} must be in order, "
            f"from 1 to {keys}, the number of keys to choose from"
        )
    if both := sorted(pools.keys.keys() & pools.nested.keys()):
        raise ValueError(f"{', '.join(both)[:60]} is both a key and a nested object")
    return pools


# Once, not for each of a night's ten thousand rows.
_DEFAULTS = _checked(EventPools(**_read(DEFAULTS)))
