"""Figures about how the code is built, to compare before and after a change.

    .venv/spark/bin/python benchmarks/structure.py [FOLDER]      prints Markdown; FOLDER is another checkout
    .venv/spark/bin/python benchmarks/structure.py --word note   prints the lines in which a private word stands

The environment is that of the jobs; no Spark server is needed. What is counted:

- **Modules of a night**: modules of the project that the steps of a night import with `--tables readings`, all steps
  together, in an interpreter of its own: each argument list goes through `jobs.main.main`, whose session is a
  stand-in, so every step ends at its first use of Spark; then what it would have imported later: the files of the
  run's tables, their suites, and imports within functions. A package counts if its `__init__.py` does anything.
- **Functions with several of spark, settings, lake** among their parameters.
- **Uses of `ops.row_accounts`** in the packages: strings with its name, docstrings left out, other than in
  `jobs/state/accounts.py` and where the name is defined. By its constant, `tests/unit/jobs/test_state.py` looks.
- **Modules with a list of stages**, in the packages and `benchmarks/`: a literal with four of a night's steps. YAML
  is counted apart: the asset bundle has to spell its tasks out, and a test holds them against the DAG.
- **Private words**: see `structure_words.py` beside this file.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import structure_words

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from catalog.pipeline import STEP_NAMES

PACKAGES = (
    "catalog",
    "jobs",
    "expectations",
    "pipelines",
    "dags",
    "plugins",
    "serving",
    "embedded",
    "workspace",
)
CARRIED = {"spark", "settings", "lake"}
OWNER, DEFINED = "jobs/state/accounts.py", "catalog/pipeline.py"
STEPS = {*STEP_NAMES}
# Feeds and tables lay in the packages of their stages once.
OF_ONE_TABLE = re.compile(
    r"expectations\.(bronze|silver|gold)\.\w+|jobs\.\w+\.(feeds|tables)\.\w+"
    r"|jobs\.(generate|silver|gold)\.(readings|events|alerts|sensor_hourly|device\w+)"
)
LEAST_STEPS = 4  # that make a list of stages: three may be layers

# Runs in the checkout, with this file's folder out of sight.
PROBE = """
import ast, contextlib, importlib, importlib.util, io, json, logging, os, sys, tempfile, threading, types
sys.path.insert(0, os.getcwd())
sys.dont_write_bytecode = True
os.environ["SPARK_REMOTE"] = "sc://127.0.0.1:1"  # where nobody listens
logging.disable(logging.CRITICAL)
from jobs import session
from jobs.main import main

steps = [["generate"], ["bronze"], ["check", "--layer=bronze"], ["silver"], ["check", "--layer=silver"], ["gold"],
         ["check", "--layer=gold"], ["publish"], ["report"]]
seen = []

def connect(settings):
    seen.append(settings)
    # Of all settings, only those of the session can be made before there is work for Spark.
    return types.SimpleNamespace(conf=types.SimpleNamespace(set=lambda *pair: None))

session.connect = connect
with tempfile.TemporaryDirectory() as home, contextlib.redirect_stderr(io.StringIO()):
    for step in steps:
        main([*step, "--night=2024-03-05", "--tables=readings", f"--home={home}"])
if len(seen) != len(steps):
    sys.exit("a step refused its arguments")
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(60)  # silver imports its rules in one

def first(*names):
    for name in names:
        try:
            if importlib.util.find_spec(name):
                return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not f"{name}.".startswith(f"{error.name}."):
                raise

tables = first("catalog.tables", "catalog.catalog", "jobs.tables")
if not tables:
    sys.exit("no module reads the catalog where one is looked for")
selected = {source.name for source in seen[0].sources}
silver = [tables.SILVER[source.silver] for source in seen[0].sources]
silver += [t for t in tables.DERIVED.values() if selected & {s.name for s in tables.sources_of(t)}]
gold = list(seen[0].gold)
from expectations import suite
for source in seen[0].sources:
    if not first(f"jobs.generate.feeds.{source.name}", f"jobs.generate.{source.name}"):
        sys.exit(f"no feed of {source.name} where one is looked for")
    suite("bronze", source.name)
for layer, found in (("silver", silver), ("gold", gold)):
    for table in found:
        module = first(f"jobs.{layer}.tables.{table.name}", f"jobs.{layer}.{table.name}")
        if layer == "gold" and not module:
            sys.exit(f"no module of gold.{table.name} where one is looked for")
        suite(layer, table.name)

def ours():
    return sorted(name for name in sys.modules if name.split(".")[0] in ("jobs", "expectations", "catalog"))

def late(name):
    spec = sys.modules[name].__spec__
    for function in ast.walk(ast.parse(open(spec.origin).read())):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module
                    yield from (f"{node.module}.{alias.name}" for alias in node.names)

done = set()
while todo := [name for name in ours() if name not in done]:
    for name in todo:
        done.add(name)
        for other in late(name):
            if other.split(".")[0] in ("jobs", "expectations", "catalog"):
                first(other)

def is_empty(name):
    spec = sys.modules[name].__spec__
    if spec.origin is None:
        return True
    body = ast.parse(open(spec.origin).read()).body
    return os.path.basename(spec.origin) == "__init__.py" and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)

print(json.dumps([name for name in ours() if not is_empty(name)]), file=sys.__stdout__)
"""


def modules_of_a_night(folder: Path) -> list[str]:
    """Names of the project's modules that a night of `readings` imports. Raises SystemExit when a step does not run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LAKEHOUSE")}
    with tempfile.TemporaryDirectory() as scratch:
        probe = Path(scratch) / "probe.py"
        probe.write_text(PROBE)
        command = [sys.executable, "-B", str(probe)]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
        )
    if done.returncode:
        raise SystemExit(f"error: {folder}: a night's imports failed: {done.stderr.strip()[-600:]}")
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


def trees(folder: Path, packages: Iterable[str] = PACKAGES) -> Iterator[tuple[str, ast.Module]]:
    """Path and syntax tree of each module of some packages."""
    for package in packages:
        for file in sorted((folder / package).rglob("*.py")):
            yield str(file.relative_to(folder)), ast.parse(file.read_text(encoding="utf-8"))


def carriers(folder: Path) -> list[str]:
    """Functions that take more than one of spark, settings and lake, as `path: name(parameters)`."""
    found = []
    for path, tree in trees(folder):
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                carried = [each.arg for each in given if each.arg in CARRIED]
                if len(carried) > 1:
                    found.append(f"{path}: {node.name}({', '.join(carried)})")
    return found


def uses_of_accounts(folder: Path) -> list[str]:
    """Strings with the table's name outside its owner, as `path:line`."""
    found = []
    for path, tree in trees(folder):
        if path in (OWNER, DEFINED):
            continue
        docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        strings = {node for node in ast.walk(tree) if isinstance(node, ast.Constant)} - docstrings
        lines = sorted(node.lineno for node in strings if "row_accounts" in str(node.value))
        found += [f"{path}:{line}" for line in lines]
    return found


def stage_lists(folder: Path) -> tuple[list[str], list[str]]:
    """Modules with a literal of four of a night's steps or more, as `path:line, line`; and such YAML files."""
    found = []
    for path, tree in trees(folder, (*PACKAGES, "benchmarks")):
        lines = [str(node.lineno) for node in ast.walk(tree) if len(_names(node) & STEPS) >= LEAST_STEPS]
        if lines:
            found.append(f"{path}:{', '.join(lines)}")
    bundles = [*folder.glob("*.yml"), *folder.glob("resources/*.yml")]
    keys = {f"task_key: {step}" for step in STEPS}
    yaml = [
        str(file.relative_to(folder))
        for file in bundles
        if sum(key in file.read_text() for key in keys) >= LEAST_STEPS
    ]
    return found, yaml


def _names(node: ast.AST) -> set[str]:
    """What a literal lists by name: strings, keys, and the first string of what it calls."""
    if isinstance(node, ast.Dict):
        elements = [key for key in node.keys if key]
    elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        elements = [each.value if isinstance(each, ast.Starred) else each for each in node.elts]
    else:
        return set()
    names: set[str] = set()
    for each in elements:
        if isinstance(each, ast.Call):
            arguments = [arg.value for arg in each.args if isinstance(arg, ast.Constant)]
            # Step("check", "bronze") is the step check_bronze.
            names |= {"_".join(map(str, arguments)), *map(str, arguments[:1])}
        elif isinstance(each, ast.Constant):
            names.add(str(each.value))
        else:
            names |= _names(each)
    return names


def _listed(title: str, lines: list[str]) -> None:
    print(f"\n## {title}\n")
    print("\n".join(f"- {line}" for line in lines) or "None.")


def main() -> None:
    """Print the figures, then what they count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--word", help="print only the lines in which this word stands")
    given = parser.parse_args()
    folder = given.folder.resolve()
    if given.word:
        try:
            print("\n".join(structure_words.lines_with(folder, given.word)))
        except LookupError as error:
            parser.error(str(error))
        return
    modules, carrying = modules_of_a_night(folder), carriers(folder)
    accounts, (lists, yaml) = uses_of_accounts(folder), stage_lists(folder)
    words = structure_words.count(folder)
    machinery = [name for name in modules if not OF_ONE_TABLE.fullmatch(name)]
    print("| figure | value |\n|---|---|")
    print(f"| modules of a night of `readings` (without empty `__init__.py`) | {len(modules)} |")
    print(f"| of these, other than suites, feeds and files of single tables | {len(machinery)} |")
    print(f"| functions that carry more than one of spark, settings, lake | {len(carrying)} |")
    print(f"| uses of `ops.row_accounts` outside `{OWNER}` | {len(accounts)} |")
    print(f"| modules with a list of stages (YAML files: {len(yaml)}) | {len(lists)} |")
    total, in_tests = sum(found.total for found in words), sum(found.in_tests for found in words)
    print(f"| private words (in tests: {in_tests}) | {total} |")
    _listed("Modules of a night", modules)
    _listed("Functions with several of spark, settings, lake", carrying)
    _listed("Uses of ops.row_accounts", accounts)
    _listed("Lists of stages", [*lists, *yaml])
    print("\n## Private words\n\n| word | is now | times | files |\n|---|---|---|---|")
    for found in words:
        files = ", ".join(f"{path} {times}" for path, times in found.files.most_common())
        print(f"| {found.word} | {found.becomes} | {found.total} | {files} |")


if __name__ == "__main__":
    main()
