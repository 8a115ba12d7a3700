"""Great Expectations: frames against their suites, and the data docs site that shows the results."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import great_expectations as gx
from great_expectations.core import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    RunIdentifier,
)
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.datasource.fluent.interfaces import Batch
from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import get_expectation_impl
from great_expectations.util import convert_to_json_serializable
from great_expectations.validator.validator import Validator
from pyspark.sql import DataFrame

from jobs.quality.gx_context import SITE, configuration
from jobs.quality.gx_engine import OneQueryEngine
from jobs.settings import Settings
from jobs.state import listed_validations
from jobs.state.listed_validations import ListedValidation

ABOUT_ROWS = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
ROW_COUNT = "expect_table_row_count_to_be_between"
# What is observed where these hold: of the expectation, the number of rows and the columns.
FIGURES: dict[str, Callable[[ExpectationConfiguration, int, list[str]], object]] = {
    ROW_COUNT: lambda _, rows, __: rows,
    "expect_table_row_count_to_equal": lambda config, _, __: config.kwargs["value"],
    "expect_table_columns_to_match_ordered_list": lambda _, __, columns: columns,
}


@dataclass(frozen=True)
class Validated:
    """A frame that was validated against its suite."""

    rows: int
    result: ExpectationSuiteValidationResult


class Validation:
    """The validations of one run."""

    def __init__(self, settings: Settings) -> None:
        self._run = RunIdentifier(run_name=settings.run_id, run_time=datetime.now(UTC))
        self._context = gx.get_context(mode="ephemeral", project_config=configuration(settings))
        self._listed = listed_validations.path(settings)
        self._docs = settings.docs
        self._site = settings.docs / SITE

    def validate(
        self, suites: Iterable[gx.ExpectationSuite], frames: Mapping[str, DataFrame]
    ) -> dict[str, Validated]:
        """Validate the frame of each suite, by the suite's name. An expectation that raises has failed.

        Asks for yes or no first, of all frames together, and for details of the failures and of what is no matter of
        single rows: any richer answer costs a query for each expectation about rows.
        """
        for frame in frames.values():
            _ = frame.schema  # a table that is missing is no matter of the data
        batches = {suite.name: self._batch(suite.name, frames[suite.name]) for suite in suites}
        engine = OneQueryEngine(persist=False)
        engine.batch_manager.load_batch_list([*batches.values()])
        # It has no batch of its own: each expectation says which it is about.
        validator = Validator(engine, data_context=self._context)
        asked = [
            config
            for suite in suites
            for config in _about(
                batches[suite.name],
                validator.process_expectations_for_validation(suite.expectation_configurations),
            )
        ]
        answers = _ask(validator, asked, "BOOLEAN_ONLY")
        results = [answer for answer in answers if _is_enough(answer)]
        in_full = [_config_of(answer) for answer in answers if not _is_enough(answer)]
        results += _ask(validator, in_full, "SUMMARY")
        validated = {}
        for suite in suites:
            batch, frame = batches[suite.name], frames[suite.name]
            # What cannot be counted cannot be read: no matter of the data, but an error.
            rows = engine.rows[batch.id] if batch.id in engine.rows else frame.count()
            own = [result for result in results if _config_of(result).kwargs["batch_id"] == batch.id]
            for result in own:
                # Raised, a result stays empty; otherwise some of what a yes leaves out is known without asking.
                if not result.result and result.success:
                    result.result = _known(_config_of(result), rows, frame.columns)
            validated[suite.name] = Validated(rows, self._keep(suite, batch, own))
        return validated

    def build_pages(self, results: list[ExpectationSuiteValidationResult]) -> dict[str, list[str]]:
        """Build the pages of these results and the site's index.

        Suite name -> pages relative to the data docs: its result's, its own, then those that all share.
        """
        keys = {result.suite_name: self._key(result.suite_name, str(result.batch_id)) for result in results}
        before = listed_validations.read(self._listed)
        if before is None:
            before = self._stored()
        now = [_listed(keys[result.suite_name], result) for result in results]
        listed_validations.write(self._listed, [*now, *before])
        fresh: list[Any] = [*keys.values(), *(ExpectationSuiteIdentifier(name) for name in keys)]
        self._context.build_data_docs([SITE], resource_identifiers=fresh)
        shared = [self._site / "index.html", *(self._site / "static").rglob("*.*")]
        return {
            name: [
                self._page(f"validations/{'/'.join(key.to_tuple())}.html"),
                self._page(f"expectations/{'/'.join(key.expectation_suite_identifier.to_tuple())}.html"),
                *(str(file.relative_to(self._docs)) for file in shared),
            ]
            for name, key in keys.items()
        }

    def _stored(self) -> list[ListedValidation]:
        """The newest results of a lake whose results no list was kept of."""
        store = self._context.validation_results_store
        keys = sorted(store.list_keys(), key=lambda key: key.run_id.run_time, reverse=True)
        return [_listed(key, store.get(key)) for key in keys[: listed_validations.MOST]]

    def _page(self, page: str) -> str:
        # A page that cannot be rendered is only logged by Great Expectations.
        return f"{SITE}/{page if (self._site / page).exists() else 'index.html'}"

    def _batch(self, name: str, frame: DataFrame) -> Batch:
        asset = self._context.data_sources.add_or_update_spark(name, persist=False).add_dataframe_asset(name)
        return asset.add_batch_definition_whole_dataframe("slice").get_batch({"dataframe": frame})

    def _keep(
        self, suite: gx.ExpectationSuite, batch: Batch, results: list[ExpectationValidationResult]
    ) -> ExpectationSuiteValidationResult:
        passed = sum(bool(result.success) for result in results)
        whole = ExpectationSuiteValidationResult(
            success=passed == len(results),
            results=results,
            suite_name=suite.name,
            statistics={
                "evaluated_expectations": len(results),
                "successful_expectations": passed,
                "unsuccessful_expectations": len(results) - passed,
                "success_percent": 100 * passed / len(results),
            },
            meta={
                "great_expectations_version": gx.__version__,
                "batch_spec": convert_to_json_serializable(batch.batch_spec),
                "batch_markers": batch.batch_markers,
                "active_batch_definition": convert_to_json_serializable(batch.batch_definition),
                "run_id": self._run,
                "validation_time": self._run.run_time,
                "batch_parameters": None,
            },
            batch_id=batch.id,
        )
        self._context.suites.add_or_update(suite)
        self._context.validation_results_store.set(self._key(suite.name, batch.id), whole)
        return whole

    def _key(self, name: str, batch_id: str) -> ValidationResultIdentifier:
        return ValidationResultIdentifier(
            expectation_suite_identifier=ExpectationSuiteIdentifier(name),
            run_id=self._run,
            batch_identifier=batch_id,
        )


def _listed(key: ValidationResultIdentifier, result: ExpectationSuiteValidationResult) -> ListedValidation:
    name, time = key.run_id.to_tuple()
    suite, batch = key.expectation_suite_identifier.name, str(key.batch_identifier)
    return ListedValidation(suite, name, time, batch, result.asset_name or "", bool(result.success))


def _about(batch: Batch, configs: list[ExpectationConfiguration]) -> list[ExpectationConfiguration]:
    """Say which batch expectations are about."""
    for config in configs:
        config.kwargs["batch_id"] = batch.id
    return configs


def _ask(
    validator: Validator,
    configs: list[ExpectationConfiguration],
    result_format: Literal["BOOLEAN_ONLY", "SUMMARY"],
) -> list[ExpectationValidationResult]:
    return validator.graph_validate(configs, {"result_format": result_format}) if configs else []


def _is_enough(answer: ExpectationValidationResult) -> bool:
    """Whether an expectation holds, and all that a page shows of it follows from that: see `_known`."""
    config = _config_of(answer)
    kind = config.type
    is_known = kind in FIGURES and not (kind == ROW_COUNT and config.kwargs.get("row_condition"))
    return bool(answer.success) and (is_known or issubclass(get_expectation_impl(kind), ABOUT_ROWS))


def _known(config: ExpectationConfiguration, rows: int, columns: list[str]) -> dict[str, object]:
    """What a page shows as observed, for an expectation that holds: the part that follows from that alone.

    As Great Expectations finds it, but for the share of a column's values where the column has none: it gives
    no number then, and this 0 %.
    """
    if config.type in FIGURES:
        return {"observed_value": FIGURES[config.type](config, rows, columns)}
    if "mostly" in config.kwargs:
        return {}
    # No share of no rows.
    return {"unexpected_count": 0} | ({"unexpected_percent": 0.0} if rows else {})


def _config_of(result: ExpectationValidationResult) -> ExpectationConfiguration:
    config: ExpectationConfiguration = result.expectation_config
    return config
