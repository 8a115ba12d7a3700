"""Pages of checks: what they cost does not grow with the nights that there have been."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import great_expectations as gx
import pytest
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.data_context.store.tuple_store_backend import TupleFilesystemStoreBackend

from catalog.tables import selection
from expectations import suite
from jobs.quality.gx_validation import Validation
from jobs.settings import Settings
from jobs.state import listed_validations
from jobs.state.listed_validations import ListedValidation

SUITES = [("silver", "locations"), ("gold", "climate_hourly")]


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Path]:
    """Keep the results of a run, as a check does, and build its pages; the index."""

    def run(run_id: str, *, success: bool = True) -> Path:
        settings = Settings("check", date(2024, 3, 5), run_id, tmp_path, "spark_catalog", "", selection(()))
        validation, results = Validation(settings), []
        for layer, name in SUITES:
            found = suite(layer, name)
            result = ExpectationSuiteValidationResult(
                success=success,
                results=[_answer(each, success) for each in found.expectations[:1]],
                suite_name=found.name,
                statistics={"evaluated_expectations": 1, "successful_expectations": int(success)}
                | {"unsuccessful_expectations": int(not success), "success_percent": 100 * success},
                meta={"great_expectations_version": gx.__version__, "active_batch_definition": {}}
                | {"run_id": validation._run, "validation_time": validation._run.run_time, "batch_spec": {}},
                batch_id=f"{name}-slice",
            )
            validation._context.suites.add_or_update(found)
            validation._context.validation_results_store.set(
                validation._key(found.name, result.batch_id), result
            )
            results.append(result)
        validation.build_pages(results)
        return settings.docs / "expectations/index.html"

    return run


def _answer(expectation: gx.expectations.Expectation, success: bool) -> ExpectationValidationResult:
    return ExpectationValidationResult(
        success=success,
        expectation_config=expectation.configuration,
        result={"observed_value": []},
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
        meta={},
    )


def test_the_index_lists_the_runs_before_without_looking_for_them(check, monkeypatch):
    check("first")
    listed, got = TupleFilesystemStoreBackend.list_keys, TupleFilesystemStoreBackend._get
    looked, opened = [], []

    def list_keys(self, prefix=()):
        looked.append(Path(self.full_base_directory).name)
        return listed(self, prefix)

    def get(self, key):
        opened.append(key)
        return got(self, key)

    monkeypatch.setattr(TupleFilesystemStoreBackend, "list_keys", list_keys)
    monkeypatch.setattr(TupleFilesystemStoreBackend, "_get", get)
    index = check("second", success=False).read_text()
    assert "first" in index and "second" in index
    assert "validations" not in looked and looked
    assert opened and not [key for key in opened if "first" in key]


def test_the_results_of_a_lake_without_a_list_are_listed_once_and_kept(check, tmp_path):
    check("first")
    listed_validations.within(tmp_path / "great_expectations").unlink()
    index = check("second")
    assert "first" in index.read_text() and "second" in index.read_text()
    found = listed_validations.read(listed_validations.within(tmp_path / "great_expectations"))
    assert {(each.run_name, each.success) for each in found} == {("first", True), ("second", True)}
    assert len(found) == 2 * len(SUITES)


def test_a_page_of_a_run_before_stays_where_it_is(check, tmp_path):
    check("first")
    check("second")
    pages = (tmp_path / "data-docs/expectations/validations").rglob("*.html")
    runs = [page.relative_to(tmp_path).parts[-3] for page in pages]
    assert sorted(runs) == ["first"] * len(SUITES) + ["second"] * len(SUITES)


def test_the_newest_are_kept_each_once(tmp_path):
    file = tmp_path / "listed.json"
    results = [
        ListedValidation(
            "s", f"run-{number}", f"2024-03-05T10:00:{number % 60:02}.{number:06}Z", "b", "a", True
        )
        for number in range(listed_validations.MOST + 60)
    ]
    listed_validations.write(file, results * 2)
    found = listed_validations.read(file)
    assert len(found) == listed_validations.MOST
    assert found == sorted(results, key=lambda each: each.run_time, reverse=True)[: len(found)]
