"""Reads the asset bundle as the Databricks CLI does, as far as these tests need it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from tests.support.project import PROJECT

REFERENCE = re.compile(r"\$\{([^}]+)\}")


@cache
def _documents() -> tuple[dict[str, Any], dict[str, Any]]:
    root = yaml.safe_load((PROJECT / "databricks.yml").read_text())
    resources: dict[str, Any] = {}
    for pattern in root["include"]:
        for file in sorted(PROJECT.glob(pattern)):
            for kind, members in yaml.safe_load(file.read_text())["resources"].items():
                assert not resources.get(kind, {}).keys() & members.keys()
                resources.setdefault(kind, {}).update(members)
    return root, resources


def root() -> dict[str, Any]:
    """databricks.yml as it stands."""
    return _documents()[0]


def resources(target: str) -> dict[str, Any]:
    """The resources of a target, its variables and references between resources filled in."""
    root, found = _documents()
    variables = {name: each.get("default", f"<{name}>") for name, each in root["variables"].items()}
    given = root["targets"][target].get("variables", {})
    workspace = {"current_user": {"userName": "someone@example.com"}}
    scope = {"var": variables | given, "resources": found, "workspace": workspace}
    return _filled(found, scope)


def _filled(value: Any, scope: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, scope) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, scope) for each in value]
    while isinstance(value, str) and REFERENCE.search(value):
        value = REFERENCE.sub(lambda found: str(_looked_up(found[1], scope)), value)
    return value


def _looked_up(path: str, scope: Any) -> Any:
    for key in path.split("."):
        scope = scope[key]
    return scope
