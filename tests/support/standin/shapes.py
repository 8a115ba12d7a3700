"""Requests and answers held against the dataclasses of databricks-sdk, which are made from the real API."""

import inspect
import re
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from databricks.sdk.service import catalog, compute, jobs, sql, workspace

from tests.support.standin.errors import ApiError

# The hook's operators send every number as text, "which the API backend tolerates" (their words).
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def read_request(method: Any, body: object) -> dict[str, Any]:
    """Give the body of a request that the SDK sends from `method`; refuse what the method cannot send.

    Raises ApiError with the name of the field that does not fit.
    """
    if not isinstance(body, dict):
        raise ApiError("MALFORMED_REQUEST", "Could not parse request object: Expected an object")
    arguments = {
        name: (hint, inspect.signature(method).parameters[name].default is inspect.Parameter.empty)
        for name, hint in _hints_of_method(method).items()
    }
    return _read_object(arguments, body, "")


def checked(kind: type, body: dict[str, Any]) -> dict[str, Any]:
    """Give an answer back after holding it against the SDK's dataclass of it.

    Raises AssertionError for an answer that the real API would not give: a bug of the stand-in.
    """
    try:
        _read(kind, body, "")
    except ApiError as error:
        raise AssertionError(f"the stand-in's {kind.__name__} is wrong: {error.message}") from None
    return body


@cache
def _hints_of_method(method: Any) -> dict[str, Any]:
    # `from __future__ import annotations` in the SDK: names are looked up where the method was written.
    hints = get_type_hints(
        method, {**vars(workspace), **vars(compute), **vars(catalog), **vars(jobs), **vars(sql)}
    )
    return {name: hint for name, hint in hints.items() if name != "return"}


@cache
def _fields_of(kind: type) -> dict[str, tuple[Any, bool]]:
    hints = get_type_hints(kind)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    }


def _read_object(known: dict[str, tuple[Any, bool]], body: dict[str, Any], place: str) -> dict[str, Any]:
    for name in body:
        if name not in known:
            raise ApiError(
                "MALFORMED_REQUEST", f"Could not parse request object: Unknown field '{place}{name}'"
            )
    for name, (_, required) in known.items():
        if required and body.get(name) in (None, ""):
            raise ApiError("INVALID_PARAMETER_VALUE", f"Missing required field: {place}{name}")
    return {name: _read(known[name][0], value, place + name) for name, value in body.items()}


def _read(hint: Any, value: Any, place: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _read(next(part for part in get_args(hint) if part is not type(None)), value, place)
    if origin is list:
        if isinstance(value, list):
            return [_read(get_args(hint)[0], item, f"{place}[{index}]") for index, item in enumerate(value)]
    elif origin is dict:
        if isinstance(value, dict):
            return {key: _read(get_args(hint)[1], item, f"{place}.{key}") for key, item in value.items()}
    elif is_dataclass(hint):
        if isinstance(value, dict):
            return _read_object(_fields_of(hint), value, f"{place}." if place else "")
    elif isinstance(hint, type) and issubclass(hint, Enum):
        if value in [member.value for member in hint]:
            return value
    elif hint in (int, float):
        if isinstance(value, str) and NUMBER.fullmatch(value):
            return hint(float(value)) if "." in value else hint(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
    elif hint in (bool, str):
        if isinstance(value, hint):
            return value
    else:
        return value
    raise ApiError(
        "MALFORMED_REQUEST", f"Could not parse request object: field '{place}' cannot be {value!r}"
    )
