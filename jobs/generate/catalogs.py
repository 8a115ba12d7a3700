"""What the values of `iot_events` are drawn from: defaults in `iot_events.toml`, any of it replaced by a file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from jobs.errors import UsageError

DEFAULTS = Path(__file__).parent / "feeds/iot_events.toml"
LARGEST = 2**53  # a whole number beyond it is not exact in JSON


@dataclass(frozen=True)
class Range:
    """Numbers from low to high: whole ones when both ends are, else with two decimals."""

    low: float
    high: float


Choice = Range | Sequence[str | int | float | bool]


@dataclass(frozen=True)
class Catalogs:
    """Allowed values; field by field what stands in the file."""

    min_keys: int
    max_keys: int
    device_types: Sequence[str]
    statuses: Sequence[str]
    regions: Sequence[str]
    sources: Sequence[str]
    envs: Sequence[str]
    keys: Mapping[str, Choice]
    nested: Mapping[str, Mapping[str, Choice]]


def load(path: Path | None = None, *, min_keys: int | None = None, max_keys: int | None = None) -> Catalogs:
    """Give the default catalogs, with those of a settings file and then the given numbers in their place.

    Raises UsageError, in one line, for a file that cannot be read, an unknown key, or a value of a wrong kind.
    """
    values = vars(defaults()) | (_read(path) if path else {})
    values |= {
        name: number
        for name, number in {"min_keys": min_keys, "max_keys": max_keys}.items()
        if number is not None
    }
    try:
        return _checked(Catalogs(**values))
    except ValueError as error:
        raise UsageError(f"{path}: {error}" if path else str(error)) from None


def defaults() -> Catalogs:
    """Give the default catalogs."""
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
    """A value of the file, typed. Raises ValueError."""
    known = [field.name for field in fields(Catalogs)]
    match name:
        case "min_keys" | "max_keys":
            if type(value) is not int:
                raise ValueError(f"{name} is {value!r:.40}, not a whole number")
            return value
        case "keys":
            return _choices(name, value)
        case "nested":
            return {key: _choices(f"nested.{key}", choices) for key, choices in _table(name, value).items()}
        case _ if name in known:
            return _texts(name, value)
    raise ValueError(f"unknown key {name[:40]!r}; known are {', '.join(known)}")


def _table(name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict) or not value:
        raise ValueError(f"{name} is {value!r:.40}, not a table with entries")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise ValueError(f"{name} is {value!r:.40}, not a list of texts")
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
        f"{name} is {value!r:.60}, neither a list of texts, numbers or truths nor {{ low = …, high = … }}"
    )


def _is_number(value: Any) -> bool:
    # No infinities and no NaN: JSON has no such numbers.
    return type(value) in (int, float) and -LARGEST <= value <= LARGEST


def _checked(catalogs: Catalogs) -> Catalogs:
    pool = len(catalogs.keys) + len(catalogs.nested)
    if not 1 <= catalogs.min_keys <= catalogs.max_keys <= pool:
        raise ValueError(
            f"min_keys {catalogs.min_keys} and max_keys {catalogs.max_keys} must be in order, "
            f"from 1 to {pool}, the number of keys to choose from"
        )
    if both := sorted(catalogs.keys.keys() & catalogs.nested.keys()):
        raise ValueError(f"{', '.join(both)[:60]} is both a key and a nested object")
    return catalogs


# Once, not for each of a night's ten thousand rows.
_DEFAULTS = _checked(Catalogs(**_read(DEFAULTS)))
