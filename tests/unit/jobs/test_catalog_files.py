"""The catalog is all files of its folder together, and the demo's is one that can be left out."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from catalog import reading
from catalog.reading import CatalogError
from catalog.references import check_references
from catalog.tables import ACCEPTED, DERIVED, GOLD, SOURCES
from expectations import loader
from jobs.outcome import Outcome
from jobs.table_functions import table_function
from tests.support.other_catalog import OWN, project_without_the_demo

# What assumed the demo's sources and tables, without them: facts of the catalog, the command line, every stage's
# module, the queries, what is simulated, and the suites.
WITHOUT_THE_DEMO = """
import json, sys
from importlib import import_module
from pathlib import Path
from catalog import tables
from catalog.pipeline import STAGES
from catalog.simulation import simulated
from expectations import suite
from jobs.cli.parser import COMMANDS, build_parser, parse
from jobs.generate.choice import chosen
from jobs.gold import look_back
from jobs.maintenance.table_command import table
from jobs.report.query import queries
from jobs.runner import without_spark

for stage in STAGES.values():
    import_module(stage.module)
for module, _ in COMMANDS.values():
    import_module(module)
build_parser().format_help()
generate = parse(["generate", "--night=1970-01-01", f"--home={sys.argv[1]}"])
print(json.dumps({
    "names": tables.NAMES,
    "selected": sorted(tables.selection(())),
    "empty": [tables.REGISTRY, [*tables.LOOKUPS], tables.STREAMED, tables.JSON_SOURCES, tables.OPTIONAL],
    "queries": [*queries()],
    "all": sorted(simulated("all")),
    "generate": without_spark(generate)[0].detail,
    "bronze": [expectation.column for expectation in suite("bronze", "boiler_logs").expectations[-2:]],
    "table": table("boiler_daily").full_name,
}))
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


def test_the_files_of_a_folder_are_read_together_in_order(tmp_path):
    found = reading.read(written(tmp_path, b="[gold.y]\nslice = 'a'\n", a="[gold.x]\n[sources.x]\n"))
    assert {section: [*names] for section, names in found.values.items() if names} == {
        "sources": ["x"],
        "gold": ["x", "y"],
    }
    assert found["gold"]["y"] == {"slice": "a"}
    assert found.where("gold", "y") == "b.toml [gold.y]"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": "[gold.x]\n", "b": "[gold.x]\n"}, r"b\.toml \[gold\.x\]: a\.toml has it, too"),
        ({"a": "[golden.x]\n"}, r"a\.toml: \[golden\] is no section; they are \[sources\.X\], \[silver\.X\]"),
        ({"a": "[gold]\nx = 1\n"}, r"a\.toml \[gold\]: x stands outside of a \[gold\.X\]"),
        ({"a": "sources = 1\n"}, r"a\.toml: \[sources\] is no section"),
        ({"a": "[columns]\nx = 1\n"}, r"a\.toml \[columns\]: x is no text that says what it means"),
        (
            {"a": "[columns]\nx = 'a'\n", "b": "[columns]\nx = 'b'\n"},
            r"b\.toml \[columns\.x\]: a\.toml has it",
        ),
        ({"a": "[gold.x\n"}, r"a\.toml: .*line 1"),
    ],
    ids=str,
)
def test_what_is_wrong_in_a_file_is_said_with_its_name(tmp_path, files, said):
    with pytest.raises(CatalogError, match=said):
        reading.read(written(tmp_path, **files))


def test_the_demo_can_be_left_out_altogether(tmp_path):
    project = project_without_the_demo(tmp_path)
    (project / "catalog/mine.toml").write_text(OWN)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_DEMO, tmp_path / "lake"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "names": ["boiler_logs", "boiler_daily"],
        "selected": ["boiler_daily", "boiler_logs"],
        "empty": [[], [], [], [], []],
        "queries": [],
        "all": ["boiler_logs"],
        "generate": {"summary": "nothing is simulated: no selected source can be"},
        "bronze": ["boiler", "timestamp"],
        "table": "gold.boiler_daily",
    }


def test_a_lookup_in_what_has_no_versions_of_devices_is_said():
    without = replace(DERIVED["devices_history"], key=(), columns="device_id BIGINT, _night DATE")
    said = (
        r"demo\.toml \[silver\.readings\]: lookup names devices_history, which has no device_type, valid_from"
    )
    with pytest.raises(CatalogError, match=said):
        check_references(reading.read(), SOURCES, ACCEPTED, DERIVED | {"devices_history": without}, GOLD)
    columns = DERIVED["devices_history"].columns.replace("device_id BIGINT", "device_id STRING")
    of_texts = replace(DERIVED["devices_history"], columns=columns)
    with pytest.raises(
        CatalogError, match="lookup names devices_history, whose device_id is STRING, not BIGINT"
    ):
        check_references(reading.read(), SOURCES, ACCEPTED, DERIVED | {"devices_history": of_texts}, GOLD)


def test_a_reference_to_what_is_in_no_file_is_said_with_the_file_that_makes_it(tmp_path):
    project = project_without_the_demo(tmp_path)
    (project / "catalog/mine.toml").write_text(OWN.replace('reads = ["boiler_logs"]', 'reads = ["readings"]'))
    done = subprocess.run(
        [sys.executable, "-m", "jobs", "verify"], cwd=project, capture_output=True, text=True
    )
    said = "mine.toml [gold.boiler_daily]: reads readings, which no file defines before it"
    assert (done.returncode, done.stderr) == (2, f"jobs: the catalog is wrong: {said}\n")


def test_a_table_without_its_function_or_its_suite_is_wrong_usage_with_the_file_that_lacks_it():
    new = replace(GOLD["alerts"], name="air_daily")
    with pytest.raises(
        CatalogError, match=r"no function build_air_daily in jobs/gold/tables/air_daily\.py"
    ) as refused:
        table_function("build", new)
    with pytest.raises(CatalogError, match=r"no list EXPECTATIONS in expectations/gold/air_daily\.py"):
        loader._expectations("gold", "air_daily")
    outcome = Outcome.of(refused.value)
    assert (outcome.code, outcome.message) == (2, str(refused.value))
