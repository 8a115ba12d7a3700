"""Stage `check`: validate bronze, silver or the staged gold against its suites."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from great_expectations.core import ExpectationValidationResult
from pyspark.sql import DataFrame

from catalog.tables import DERIVED, SOURCES, sources_of
from expectations import suite
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken
from jobs.files import write_atomically
from jobs.outcome import Checked, TableResult
from jobs.pages.render import render
from jobs.quality import slices
from jobs.quality.gx_context import SITE
from jobs.quality.gx_validation import Validated, Validation
from jobs.settings import Settings
from jobs.state import accounts, refused_bronze, staged_slices, surveys
from jobs.state.progress import StepProgress

TO_DOCS = "../.."  # from the folder of a run's pages


@dataclass(frozen=True)
class Failure:
    """An expectation that does not hold."""

    expectation: str  # its type, in words
    columns: list[str]
    action: str  # quarantine, flag or fail
    reason: str
    observed: str

    @property
    def is_warning(self) -> bool:
        """Whether the night may go on."""
        return self.action == "flag"


@dataclass(frozen=True)
class Verdict:
    """Validation result of a table."""

    table: str
    rows: int
    expectations: int
    checked: tuple[Checked, ...]
    failures: list[Failure]  # warnings last
    pages: list[str]  # about it, relative to the data docs; the one of Great Expectations comes first

    @property
    def page(self) -> str:
        """Great Expectations' page about this validation, relative to the run's pages."""
        return f"{TO_DOCS}/{self.pages[0]}"

    @property
    def warned(self) -> int:
        """How many expectations do not hold but only flag."""
        return sum(failure.is_warning for failure in self.failures)

    @property
    def failed(self) -> int:
        """How many expectations do not hold and stop the night."""
        return len(self.failures) - self.warned

    def result(self) -> TableResult:
        """Return the verdict as a result of the stage."""
        detail = {
            "success": not self.failed,
            "expectations": self.expectations,
            "failed": self.failed,
            "warned": self.warned,
            "page": self.page,
            "failures": [asdict(failure) for failure in self.failures],
        }
        return TableResult(self.table, self.rows, detail, tuple(self.pages), self.checked)


def run(lake: Lake) -> list[TableResult]:
    """Validate every selected table of the layer and write the run's page about them.

    Rows of a result: rows validated. Of bronze those that arrived in the run's nights or that silver is about to
    reconcile, of silver those of the run's nights or that gold does not have yet: what any run publishes was checked.

    Raises ContractBroken when an expectation whose action is not `flag` fails, or when one could not be evaluated.
    """
    validation, progress = Validation(lake.settings), StepProgress(lake.settings)
    layer = lake.settings.options.layer
    if layer != "gold":
        accounts.ensure(lake)
    survey = surveys.of(lake, SOURCES) if layer == "silver" else None
    staged = staged_slices.staged(lake) if layer == "gold" else None
    counted: dict[str, int] = {}
    if survey:
        validated = _validate(validation, slices.silver(lake, survey), progress)
    elif staged:
        validated = _validate(validation, slices.gold(lake, staged), progress)
    else:
        validated, counted = _validate_bronze(lake, validation, progress)
    if not all(result.success for found in validated.values() for result in found.result.results):
        lake.spark.sql("SELECT 1").collect()  # when Spark itself is gone, failures say nothing about the data
    verdicts = _write_pages(lake.settings, validation, validated)
    results = [verdict.result() for verdict in verdicts]
    # Gold takes nothing else that may have been reconciled since, nor publish what the run may have staged.
    seen = {"until": survey.until} if survey else {"staged": staged.staging.name} if staged else {}
    for result in results:
        result.detail.update(seen)
        # Silver need not count what this run has counted.
        if result.table in counted:
            result.detail["in_table"] = counted[result.table]
    failed = {verdict.table for verdict in verdicts if verdict.failed}
    if layer == "bronze":
        refused_bronze.keep(
            lake.settings,
            {source.name: f"bronze.{source.name}" in failed for source in lake.settings.sources},
        )
    # Where all passed and nothing was refused when this began, there is nothing to keep, and nothing to take back.
    elif survey and (survey.refused or failed):
        _keep_verdicts(lake, failed)
    if failed:
        raise ContractBroken(_message(verdicts), results)
    return results


def _write_pages(
    settings: Settings, validation: Validation, validated: Mapping[str, Validated]
) -> list[Verdict]:
    """Write the pages of what was validated, and the run's page about all of it."""
    pages = validation.build_pages([found.result for found in validated.values()])
    run_page = f"runs/{settings.run_id}/{settings.step}.html"
    verdicts = [_verdict(name, found, [*pages[name], run_page]) for name, found in validated.items()]
    page = render(
        "quality/templates/check.html",
        settings=settings,
        verdicts=verdicts,
        index=f"{TO_DOCS}/{SITE}/index.html",
    )
    write_atomically(settings.docs / run_page, page)
    return verdicts


def _keep_verdicts(lake: Lake, failed: Collection[str]) -> None:
    """Keep of which sources silver did not pass: no other run may publish what this one refused."""
    made_from = {
        source.name: {
            f"silver.{source.silver}",
            *(table.full_name for table in DERIVED.values() if source in sources_of(table)),
        }
        for source in lake.settings.sources
    }
    accounts.refuse(lake, {name: not tables.isdisjoint(failed) for name, tables in made_from.items()})


def _validate(
    validation: Validation, frames: Mapping[str, DataFrame], progress: StepProgress
) -> dict[str, Validated]:
    progress.expect(frames)
    validated = validation.validate([suite(*name.split(".")) for name in frames], frames)
    # All of them were asked in one query.
    for name, found in validated.items():
        progress.done(name, found.rows)
    return validated


def _validate_bronze(
    lake: Lake, validation: Validation, progress: StepProgress
) -> tuple[dict[str, Validated], dict[str, int]]:
    """What was validated, and the rows of each table as a whole."""
    others = slices.reconciled(lake)
    validated = _validate(validation, slices.bronze(lake, others), progress)
    rows = {name: found.rows for name, found in validated.items()}
    existing = lake.counts(f"bronze.{source}" for source in others)
    changed = slices.changed(lake, others, rows, existing)
    return validated | _validate(validation, changed, progress), existing


def _verdict(table: str, found: Validated, pages: list[str]) -> Verdict:
    results = found.result.results
    unmet = [_failure(result) for result in results if not result.success]
    in_order = sorted(unmet, key=lambda failure: failure.is_warning)
    checked = tuple(_checked(result) for result in results)
    return Verdict(table, found.rows, len(results), checked, in_order, pages)


def _checked(result: ExpectationValidationResult) -> Checked:
    config: Any = result.expectation_config
    meta = config.meta or {}
    action = str(meta.get("action", "fail"))
    return Checked(
        config.type, tuple(_columns(config.kwargs)), action, meta.get("reason", ""), bool(result.success)
    )


def _columns(kwargs: Mapping[str, Any]) -> list[str]:
    columns = kwargs.get("column_list") or [kwargs.get(key) for key in ("column", "column_A", "column_B")]
    return [column for column in columns if column]


def _failure(result: ExpectationValidationResult) -> Failure:
    config: Any = result.expectation_config
    meta, error = config.meta or {}, _error(result)
    return Failure(
        expectation=config.type.removeprefix("expect_").replace("_", " "),
        columns=_columns(config.kwargs),
        # An expectation that could not be evaluated proves nothing, so it is never only a warning.
        action="fail" if error else _action(meta, result.result),
        reason=meta.get("reason", "no reason given"),
        observed=error or _observed(result.result),
    )


def _action(meta: dict[str, Any], found: dict[str, Any]) -> str:
    is_little = found.get("element_count", 0) < meta.get("of_at_least", 0)
    return "flag" if is_little else str(meta.get("action", "fail"))


def _error(result: ExpectationValidationResult) -> str:
    """Return the error of evaluating an expectation; empty if there was none."""
    found: Any = result.exception_info or {}
    for info in [found] if "raised_exception" in found else found.values():
        if info["raised_exception"]:
            return f"could not be evaluated: {str(info['exception_message']).strip().splitlines()[0][:300]}"
    return ""


def _observed(result: dict[str, Any]) -> str:
    if "unexpected_count" not in result:
        observed = result.get("observed_value", "unknown")
        return f"{observed:,} rows" if isinstance(observed, int) else str(observed)
    examples = ", ".join(dict.fromkeys(str(value) for value in result.get("partial_unexpected_list", [])))
    shown = examples if len(examples) < 80 else f"{examples[:80]}…"
    return f"{result['unexpected_count']:,} of {result['element_count']:,} rows: {shown}"


def _message(verdicts: list[Verdict]) -> str:
    broken = [
        f"{verdict.table}: {failure.reason} ({failure.observed})"
        for verdict in verdicts
        for failure in verdict.failures
        if not failure.is_warning
    ]
    count = f"{len(broken)} expectations do" if len(broken) > 1 else "1 expectation does"
    return f"{count} not hold: {'; '.join(broken)}"
