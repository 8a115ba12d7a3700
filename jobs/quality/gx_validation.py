"""Great Expectations: a frame against its suite, and the data docs site that shows the results.

Data sources live in memory, since a frame cannot be opened again from a file; suites, results and pages are
kept on disk, under `great_expectations/` and `data-docs/expectations/` of the lake.
"""

import threading
from datetime import UTC, datetime
from typing import Any, Literal

import great_expectations as gx
from great_expectations.core import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    RunIdentifier,
)
from great_expectations.data_context.types.base import (
    DataContextConfig,
    FilesystemStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.datasource.fluent.interfaces import Batch
from great_expectations.expectations import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from pyspark.sql import DataFrame

from jobs.errors import JobError
from jobs.quality.gx_engine import one_job_engine
from jobs.settings import Settings

SITE = "expectations"
# The site's index lists this many results (20 nights); the pages of older ones stay where they are.
INDEX_LIMIT = 300


class Validation:
    """The validations of one run."""

    def __init__(self, settings: Settings) -> None:
        self._run = RunIdentifier(run_name=settings.run_id, run_time=datetime.now(UTC))
        self._context = gx.get_context(mode="ephemeral", project_config=_config(settings))
        self._docs = settings.docs
        self._site = settings.docs / SITE
        self._lock = threading.Lock()

    def validate(
        self, suite: gx.ExpectationSuite, frame: DataFrame, rows: int
    ) -> ExpectationSuiteValidationResult:
        """Validate a frame of so many rows. An expectation that raises has failed.

        Asks for yes or no first, and for details of the failures alone: any richer answer costs a Spark job
        for each expectation about rows.
        """
        batch = self._batch(suite.name, frame, rows)
        verdicts = _run(batch, suite.name, suite.expectations, "BOOLEAN_ONLY")
        results = [verdict for verdict in verdicts.results if verdict.success]
        failed = [_config_of(verdict) for verdict in verdicts.results if not verdict.success]
        if failed:
            # Results do not come in the order of the suite, so failures are known by what they say they are.
            results += _run(
                batch, suite.name, [config.to_domain_obj() for config in failed], "SUMMARY"
            ).results
        for result in results:
            # Raised, a result stays empty; otherwise some of what a yes leaves out is known without asking.
            if not result.result and result.success:
                result.result = _known(_config_of(result), rows, frame.columns)
        return self._keep(suite, batch, verdicts, results)

    def build_pages(self, results: list[ExpectationSuiteValidationResult]) -> dict[str, list[str]]:
        """Build the pages of these results and the site's index.

        Suite name -> pages relative to the data docs: its result's, its own, then those that all share.
        """
        keys = {result.suite_name: self._key(result.suite_name, str(result.batch_id)) for result in results}
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

    def _page(self, page: str) -> str:
        # A page that cannot be rendered is only logged by Great Expectations.
        return f"{SITE}/{page if (self._site / page).exists() else 'index.html'}"

    def _batch(self, name: str, frame: DataFrame, rows: int) -> Batch:
        # A data source each: sources share nothing, so that tables can be validated side by side.
        with self._lock:
            source = self._context.data_sources.add_spark(name, persist=False)
            with one_job_engine():
                source.get_execution_engine().known_rows = rows
            asset = source.add_dataframe_asset(name)
            return asset.add_batch_definition_whole_dataframe("slice").get_batch({"dataframe": frame})

    def _keep(
        self,
        suite: gx.ExpectationSuite,
        batch: Batch,
        like: ExpectationSuiteValidationResult,
        results: list[ExpectationValidationResult],
    ) -> ExpectationSuiteValidationResult:
        passed = sum(bool(result.success) for result in results)
        if passed != like.statistics["successful_expectations"]:
            raise JobError(f"{suite.name} gave two answers to one question; did it change meanwhile?")
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
                **like.meta,
                "run_id": self._run,
                "validation_time": self._run.run_time,
                "batch_parameters": None,
            },
            batch_id=batch.id,
        )
        with self._lock:
            self._context.suites.add_or_update(suite)
            self._context.validation_results_store.set(self._key(suite.name, batch.id), whole)
        return whole

    def _key(self, name: str, batch_id: str) -> ValidationResultIdentifier:
        return ValidationResultIdentifier(
            expectation_suite_identifier=ExpectationSuiteIdentifier(name),
            run_id=self._run,
            batch_identifier=batch_id,
        )


def _run(
    batch: Batch,
    name: str,
    expectations: list[Expectation],
    result_format: Literal["BOOLEAN_ONLY", "SUMMARY"],
) -> ExpectationSuiteValidationResult:
    part = gx.ExpectationSuite(name=name, expectations=[each.copy(deep=True) for each in expectations])
    return batch.validate(part, result_format=result_format)


def _known(config: ExpectationConfiguration, rows: int, columns: list[str]) -> dict[str, object]:
    """What a page shows as observed, for an expectation that holds: the part that follows from that alone.

    As Great Expectations finds it, but for the share of a column's values where the column has none: it gives
    no number then, and this 0 %.
    """
    if config.type == "expect_table_row_count_to_be_between":
        return {"observed_value": rows}
    if config.type == "expect_table_row_count_to_equal":
        return {"observed_value": config.kwargs["value"]}
    if config.type == "expect_table_columns_to_match_ordered_list":
        return {"observed_value": columns}
    if "mostly" in config.kwargs:
        return {}
    # No share of no rows.
    return {"unexpected_count": 0} | ({"unexpected_percent": 0.0} if rows else {})


def _config_of(result: ExpectationValidationResult) -> ExpectationConfiguration:
    config: ExpectationConfiguration = result.expectation_config
    return config


def _config(settings: Settings) -> DataContextConfig:
    view = {"module_name": "jobs.quality.gx_pages", "class_name": "PageView"}
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(settings.docs / SITE),
        },
        "site_index_builder": {
            "class_name": "DefaultSiteIndexBuilder",
            "validation_results_limit": INDEX_LIMIT,
            "view": view | {"class_name": "IndexView"},
        },
        "site_section_builders": {
            "expectations": {"view": view},
            "validations": {"view": view},
            "profiling": "none",
        },
    }
    return DataContextConfig(
        store_backend_defaults=FilesystemStoreBackendDefaults(
            root_directory=str(settings.home / "great_expectations")
        ),
        data_docs_sites={SITE: site},
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
