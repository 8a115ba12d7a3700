"""Runs the entry point of an installed wheel, the way a Python wheel task does, in the wheel's own environment.

    python -I launcher.py OUTCOME PACKAGE ENTRY_POINT [PARAMETER…]

The named entry point of the package's metadata, else the attribute ENTRY_POINT of the module PACKAGE. What it
returns is ignored. How it ended is written to the file OUTCOME; stdlib only, for it runs beside the wheel.
"""

import importlib
import importlib.metadata
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace


def find(package: str, name: str) -> Callable[[], object]:
    """Give the function that the task names.

    Raises RuntimeError if neither the metadata nor the module has it.
    """
    try:
        for entry_point in importlib.metadata.distribution(package).entry_points:
            if entry_point.name == name:
                return entry_point.load()
    except importlib.metadata.PackageNotFoundError:
        pass
    try:
        return getattr(importlib.import_module(package), name)
    except (ImportError, AttributeError) as error:
        raise RuntimeError(
            f"Could not find entry point '{name}' in package '{package}': is the wheel among the task's "
            f"libraries or the environment's dependencies? ({error})"
        ) from None


def bring_secrets() -> None:
    """Make `from databricks.sdk.runtime import dbutils` work as in a runtime, for `dbutils.secrets.get` alone."""
    folder = os.environ.pop("STANDIN_SECRETS")

    def get(scope: str, key: str) -> str:
        secret = Path(folder, scope, key)
        if not secret.is_file():
            raise ValueError(f"Secret does not exist with scope: {scope} and key: {key}")
        return secret.read_text()

    for name in ("databricks", "databricks.sdk", "databricks.sdk.runtime"):
        sys.modules[name] = ModuleType(name)
    sys.modules[name].dbutils = SimpleNamespace(secrets=SimpleNamespace(get=get))


def main() -> int:
    """Run the entry point; leave its outcome behind."""
    outcome, package, name, *parameters = sys.argv[1:]
    sys.argv = ["python", *parameters]
    error = trace = None
    bring_secrets()
    try:
        find(package, name)()
    except SystemExit as end:
        if end.code not in (None, 0):
            error, trace = f"SystemExit: {end.code}", traceback.format_exc()
    except BaseException as problem:
        error, trace = f"{type(problem).__name__}: {problem}", traceback.format_exc()
    if trace:
        sys.stderr.write(trace)
    Path(outcome).write_text(json.dumps({"error": error, "error_trace": trace}))
    return 1 if error else 0


if __name__ == "__main__":
    sys.exit(main())
