"""What the pipeline declares, on Databricks and elsewhere: the catalog's tables and the row rules of their suites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from catalog.tables import DERIVED, OPTIONAL, SOURCES, TABLES, selection
from expectations import suite
from jobs.silver.rules import RULES
from pipelines import __main__ as command
from pipelines.declaration import declare
from pipelines.rules import DECORATORS, row_rules
from pipelines.settings import settings

LAKE = {"home": "/lake", "catalog": "main", "prefix": "iot_", "tables": ""}
EVERYTHING = ",".join(SOURCES)
MADE = {
    name: table for name, table in TABLES.items() if not table.uses
}  # what needs tables of the jobs' own is theirs
KINDS = ("table", "materialized_view", "temporary_view")


class Session:
    """As much of a session as is looked at when nothing may be asked yet."""

    def __init__(self, **given: str) -> None:
        self._given = {f"lakehouse.{name}": value for name, value in (LAKE | given).items()}
        self.conf = self

    def get(self, key: str, default: str) -> str:
        return self._given.get(key, default)


class Spark:
    """The decorators of `pyspark.pipelines`: what is declared with each, by name."""

    def __init__(self) -> None:
        self.declared: dict[str, tuple[str, dict[str, Any]]] = {}

    def table(self, **given: Any) -> Callable[[Any], None]:
        return self._declaring("table", given)

    def materialized_view(self, **given: Any) -> Callable[[Any], None]:
        return self._declaring("materialized_view", given)

    def temporary_view(self, **given: Any) -> Callable[[Any], None]:
        return self._declaring("temporary_view", given)

    def _declaring(self, kind: str, given: dict[str, Any]) -> Callable[[Any], None]:
        def declaring(query: Any) -> None:
            name = given.pop("name")
            assert name not in self.declared and callable(query)
            self.declared[name] = kind, {**given, **getattr(query, "expected", {})}

        return declaring


class Databricks(Spark):
    """Those of Databricks, which has expectations."""

    def expect_all(self, conditions: dict[str, str]) -> Callable[[Any], Any]:
        return self._expecting("flag", conditions)

    def expect_all_or_drop(self, conditions: dict[str, str]) -> Callable[[Any], Any]:
        return self._expecting("quarantine", conditions)

    def expect_all_or_fail(self, conditions: dict[str, str]) -> Callable[[Any], Any]:
        return self._expecting("fail", conditions)

    def _expecting(self, action: str, conditions: dict[str, str]) -> Callable[[Any], Any]:
        def expecting(query: Any) -> Any:
            def expected() -> Any:
                return query()

            expected.expected = getattr(query, "expected", {}) | {action: conditions}  # type: ignore[attr-defined]
            return expected

        return expecting


def declared(module: Spark, **given: str) -> dict[str, tuple[str, dict[str, Any]]]:
    declare(module, Session(**given))  # type: ignore[arg-type]
    return module.declared


@pytest.fixture(scope="module")
def everything() -> dict[str, tuple[str, dict[str, Any]]]:
    """All of it, as on Databricks."""
    return declared(Databricks(), tables=EVERYTHING)


def name_of(table: str) -> str:
    layer, name = table.split(".")
    return f"`main`.`iot_pipeline_{layer}`.`{name}`"


def test_every_source_and_table_of_the_catalog_is_declared_with_its_columns_and_partitions(everything):
    layers = {name for name, table in MADE.items() if table.layer in ("silver", "gold")}
    wanted = {*(f"bronze.{name}" for name in SOURCES), *layers, "ops.quarantine"}
    for table in wanted:
        kind, given = everything[name_of(table)]
        assert kind == ("table" if table.startswith("bronze.") else "materialized_view")
        assert given["schema"] == TABLES[table].columns and given["comment"] == TABLES[table].grain
        assert given["partition_cols"] == [*TABLES[table].partition_by]
    staged = {f"`main`.`iot_pipeline_staging`.`{name}`" for name in SOURCES}
    stored = {name for name, (kind, _) in everything.items() if kind != "temporary_view"}
    live = {name for name in stored if name.endswith("_live`")}
    assert len(wanted) > len(MADE) / 2 and stored - {name_of(table) for table in wanted} - staged == live
    assert {everything[name][0] for name in live} == {"table"}


def test_no_table_of_the_jobs_is_written(everything):
    stored = {name for name, (kind, _) in everything.items() if kind != "temporary_view"}
    assert {name.split(".")[1].rpartition("_")[0] for name in stored} == {"`iot_pipeline"}


def test_what_is_selected_is_declared_and_nothing_else():
    few = declared(Spark(), tables="climate_hourly")
    sources = {name.split("`")[-2] for name, (kind, _) in few.items() if kind == "table"}
    assert sources == set(selection(["climate_hourly"])) & set(SOURCES)
    assert name_of("gold.climate_hourly") in few and name_of("gold.sensor_hourly") not in few
    assert "nights" not in few and "nights" in declared(Spark(), tables="device_health")
    usual = {name.split("`")[-2] for name, (kind, _) in declared(Spark()).items() if kind == "table"}
    assert usual == set(SOURCES) - set(OPTIONAL)


@pytest.mark.parametrize("action", DECORATORS)
def test_every_row_rule_of_every_suite_is_an_expectation_by_its_action(everything, action):
    found = defaultdict(set)
    for name, (_, given) in everything.items():
        table = "_".join(name.replace("`", "").removeprefix("main.iot_pipeline_").split("."))
        for reason, condition in given.get(action, {}).items():
            assert condition.startswith(("NOT array_contains(", "size("))
            found[table].add(reason)
    accepted = {f"silver.{source.silver}" for source in SOURCES.values()}
    for name, table in MADE.items():
        if table.layer in ("silver", "gold") or name.removeprefix("bronze.") in SOURCES:
            # Of what is made from silver, nothing goes to quarantine: it stops the night.
            actions = [action] if name in accepted or action != "fail" else ["fail", "quarantine"]
            actions = [] if name not in accepted and action == "quarantine" else actions
            reasons = {rule.meta["reason"] for rule in row_rules(suite(table.layer, table.name), *actions)}
            assert found[name.replace(".", "_")] >= reasons, name
    assert sum(map(len, found.values())) > 10


def test_all_rules_that_quarantine_are_row_rules(everything):
    for source in SOURCES.values():
        rules = [
            rule
            for rule in suite("silver", source.silver).expectations
            if rule.meta["action"] == "quarantine"
        ]
        assert rules and len(row_rules(suite("silver", source.silver), "quarantine")) == len(rules)
        assert {type(rule) for rule in rules} <= set(RULES)


def test_what_tolerates_most_rows_says_nothing_about_one():
    flags = {rule.meta["reason"] for rule in row_rules(suite("bronze", "readings"), "flag")}
    assert flags == {"malformed lines", "fields that no column takes as they are"}
    assert row_rules(suite("bronze", "readings"), "fail") == []


def test_rows_that_break_no_rule_of_the_suite_and_have_a_reason_are_dropped_too(everything):
    _, view = everything["silver_readings"]
    assert "size(_reasons) = 0" in view["quarantine"].values()
    assert view["quarantine"]["temperature outside -20 to 60 celsius"] == (
        "NOT array_contains(_reasons, 'temperature outside -20 to 60 celsius')"
    )


def test_elsewhere_there_are_no_expectations():
    for kind, given in declared(Spark()).values():
        assert set(given) == (set() if kind == "temporary_view" else {"comment", "partition_cols", "schema"})


def test_derived_tables_are_declared_where_all_of_their_sources_are():
    few = declared(Spark(), tables="machine_sensors")
    assert {name for name in DERIVED if name_of(f"silver.{name}") in few} == {
        *("devices_history", "devices", "machine_anomalies", "inspection_features")
    }
    assert name_of("silver.machine_anomalies") not in declared(Spark(), tables="readings")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"home": ""}, "is not a plain folder path"),
        ({"prefix": "iot-"}, "is not made of letters, digits and underscores"),
        ({"tables": "radings"}, "no table 'radings'; choose from"),
    ],
)
def test_what_is_no_configuration_is_refused(given, said):
    with pytest.raises(Exception, match=said):
        settings(LAKE | given)


def test_a_table_that_is_none_is_refused_in_one_line_before_anything_is_done(capsys, tmp_path):
    with pytest.raises(SystemExit) as refused:
        command.main(["--tables=radings", f"--home={tmp_path}"])
    assert refused.value.code == 2 and "no table 'radings'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_second_pipeline_in_a_lake_is_refused_in_one_line_until_the_first_has_ended(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    others = tmp_path / "others"
    with command._alone(tmp_path / "checkpoints/pipeline"):
        assert command.main([f"--home={tmp_path}"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line == f"pipeline: another pipeline is at work in {tmp_path}: wait until it has ended"
        # Elsewhere, and here afterwards, nothing is in the way but that there is no Spark.
        assert command.main([f"--home={others}"]) == 1
    assert command.main([f"--home={tmp_path}"]) == 1
    assert capsys.readouterr().err.count("SPARK_REMOTE is not set") == 2


def test_without_spark_one_line_says_what_to_do(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    assert command.main([f"--home={tmp_path}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pipeline: SPARK_REMOTE is not set")
