"""Plant faults into a copy of the product, one at a time, and see which tests find them.

    python3 tests/plant_faults.py                     all of them; about three hours on two cores
    python3 tests/plant_faults.py NAME NAME           only these
    python3 tests/plant_faults.py --list              their names, and the tests that are to find them

For whoever changes tests: what was found before must be found afterwards. No part of `make test`. Needs what
`make test` sets up (`make setup`). The tests that are named are run once without any fault first.
Exit status: 0 all faults are found, 1 some are not (or a test fails by itself), 2 wrong usage.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from tests.support.connect_server import SHARED, connect_server  # noqa: E402

LINKED = (".venv", "spark/jars", "tests/support/kafka/jars", "tests/support/standin/spark/jars")
# Each is a run of pytest of its own: they differ in environment, or in what their conftest.py sets up.
GROUPS = {
    "tests/unit/dags": "airflow",
    "tests/unit/serving": "airflow",
    "tests/unit/workspace": "airflow",
    "tests/databricks": "airflow",
    "tests/support/standin": "airflow",
    "tests/end_to_end": "spark",
    "tests": "spark",
}
NEED_SERVER = ("tests/spark/", "tests/simulator/")
PATIENCE = 600  # seconds for a test on average; a fault that makes tests hang is not found


@dataclass(frozen=True)
class Fault:
    """A text of the product, what it becomes, and the tests that fail for it."""

    name: str
    file: str
    was: str
    becomes: str
    tests: tuple[str, ...]


def fault(name: str, file: str, was: str, becomes: str, *tests: str) -> Fault:
    """A fault; tests are given without `tests/`."""
    return Fault(name, file, was, becomes, tuple(f"tests/{test}" for test in tests))


FAULTS = [
    # Accounts
    fault(
        "a malformed line is dropped",
        "jobs/bronze/parsing.py",
        'F.when(~F.col("_is_record"), F.make_valid_utf8("value"))',
        'F.lit(None).cast("string")',
        "spark/bronze/test_lines.py::test_a_truncated_json_line_is_kept_as_it_was",
        "spark/bronze/test_lines.py::test_a_csv_line_with_too_few_or_too_many_tokens_is_malformed",
    ),
    fault(
        "tokens of a CSV line are not counted",
        "jobs/bronze/csv_records.py",
        'F.size("_tokens") == tokens',
        'F.size("_tokens") >= 0',
        "spark/bronze/test_lines.py::test_a_csv_line_with_too_few_or_too_many_tokens_is_malformed",
    ),
    fault(
        "a report has the charts of a lake that is elsewhere",
        "plugins/data_docs_app.py",
        "        return load_target().databricks is None",
        "        return load_target() is not None",
        "unit/dags/test_data_docs.py::test_a_nights_report_has_the_charts_of_the_fleet_page_where_that_draws_its_lake",
    ),
    fault(
        "what is up is not stopped while the file of targets is broken",
        "embedded/cli.py",
        'OF_WHAT_IS_UP = ("stop", "status", "password")',
        'OF_WHAT_IS_UP = ("password",)',
        "unit/embedded/test_make.py::test_what_was_started_is_looked_at_and_stopped_with_a_file_of_targets_that_is_broken_since",
    ),
    fault(
        "a small night of the rooms ends in its first hours",
        "jobs/generate/spark_delivery.py",
        "if feed.is_thinned and most < feed.rows:",
        "if feed.is_thinned and most < 0:",
        "simulator/test_generate.py::test_few_readings_of_rooms_are_of_the_whole_day",
    ),
    fault(
        "days of silence may be fewer than none",
        "catalog/kinds.py",
        "type(value) is int and value >= 0",
        "type(value) is int",
        "unit/jobs/test_tables.py::test_days_of_silence_that_are_none_are_refused",
    ),
    fault(
        "a source with names is simulated without them",
        "catalog/source.py",
        '*(field.name for field in fields(CsvFormat)), "names", "records"',
        '*(field.name for field in fields(CsvFormat)), "records"',
        "unit/jobs/test_origin.py::test_a_source_whose_files_are_described_is_not_simulated_since_the_simulator_writes_none_such",
    ),
    fault(
        "a record has what stands in front of it alone, of the document around it",
        "jobs/bronze/json_scanner.py",
        "            if level.is_kept:\n                waiting.extend(found)",
        '            if level.is_kept:\n                members = tuple(around)\n                yield from ((record, (",".join(members), *kept)) for record, kept in found)',
        "unit/jobs/test_json_documents.py::test_each_record_has_what_it_is_to_have_of_the_document_around_it_and_nothing_else",
    ),
    fault(
        "an object without records makes all of its document malformed",
        "jobs/bronze/json_scanner.py",
        "if is_begun or not way.levels or",
        "if is_begun or way.levels or",
        "unit/jobs/test_json_documents.py::test_of_several_objects_one_without_records_is_a_malformed_record_and_the_others_are_read",
    ),
    fault(
        "a record without measured values above a header is taken for a pair about the file",
        "jobs/bronze/csv_layout.py",
        "return is_pair if is_timed else",
        "return True if is_timed else",
        "unit/jobs/test_csv_flaws.py::test_what_may_be_a_record_above_a_header_is_not_taken_for_a_pair",
    ),
    fault(
        "a day whose time is missing is its midnight",
        "jobs/bronze/csv_records.py",
        ', F.coalesce(time, F.lit("?"))',
        ", time",
        "spark/bronze/test_csv_by_name.py::test_a_day_and_a_time_in_columns_of_their_own_are_one_instant_or_none",
    ),
    fault(
        "of a day and a time at two places the day is taken alone, as its midnight",
        "jobs/bronze/json_values.py",
        "return F.when(~_is_day(path, source), read)",
        "return read",
        "spark/bronze/test_value_reading.py::test_a_day_and_a_time_at_places_of_their_own_are_one_instant_or_none",
    ),
    fault(
        "a key that looks like another is a device of its own",
        "expectations/source_rows.py",
        "NOT IN ('', trim({{0}}))",
        "NOT IN ('', trim({{0}}), {_SEEN})",
        "spark/silver/test_validation.py::test_what_says_or_shows_nothing_is_no_key",
    ),
    fault(
        "what no array has is unknown where it has a null, so that each second value is a reason",
        "jobs/silver/misfits.py",
        "lacking = F.array_compact(",
        "lacking = (",
        "spark/silver/test_validation.py::test_what_keeps_an_uplink_out_of_silver_is_said_with_its_path",
    ),
    fault(
        "what follows JSON within a text is overlooked",
        "jobs/bronze/json_containers.py",
        '"variant").isNull() & keys.isNotNull()',
        '"variant").isNull()',
        "spark/bronze/test_value_reading.py::test_what_has_no_value_at_its_path_is_null_and_all_that_came_is_kept",
    ),
    fault(
        "what a record of SenML says for those after it holds for itself alone",
        "jobs/bronze/json_senml.py",
        "self.base |= {",
        "self.base = {",
        "unit/jobs/test_json_senml.py::test_records_are_resolved_as_plain_sums_and_names_say",
    ),
    fault(
        "a model learns how trips went that it is scored on",
        "jobs/model/inspections.py",
        "is_known & ~np.isin(inspections.trips, test.trips)",
        "is_known",
        "unit/jobs/test_model.py::test_only_what_was_known_before_the_cut_is_learnt_and_all_that_came_after_is_scored",
    ),
    fault(
        "a model predicts what it has seen",
        "jobs/gold/tables/failure_predictions.py",
        "event_date > trained_until AND",
        "event_date >= trained_until AND",
        "spark/silver/test_defects.py::test_who_predicts_is_the_newest_model_that_knew_no_outcome_of_the_day_and_beats_the_rule",
    ),
    fault(
        "one value beyond what sums hold stops the night",
        "jobs/gold/aggregates.py",
        "total = F.try_sum(value)",
        "total = F.sum(F.col(column).cast(_VALUE))",
        "spark/gold/test_gold.py::test_a_value_that_cannot_be_summed_makes_its_mean_null_and_stops_nothing",
    ),
    fault(
        "a file that came while bronze was at work is read as the catalog says",
        "jobs/bronze/stage.py",
        "    late_files.take_back(",
        "    (lambda *_: None)(",
        "spark/bronze/test_late_files.py::test_what_nobody_had_looked_at_is_taken_back_where_it_was_misread_and_read_right_in_the_next_run",
    ),
    fault(
        "an update takes the image of the device before it",
        "jobs/silver/tables/device_changes.py",
        'F.coalesce("after", F.when(is_deleted, F.col("before")))',
        'F.coalesce("after", "before")',
        "spark/silver/test_change_images.py::test_what_a_device_was_before_an_update_is_no_image_of_it",
    ),
    fault(
        "tokens of a CSV line go by position",
        "jobs/bronze/csv_records.py",
        "[first.get(name) for name in source.fields]",
        "[*range(len(source.fields))]",
        "spark/bronze/test_csv_by_name.py::test_each_value_stands_under_its_name_as_pythons_own_reader_has_it",
    ),
    fault(
        "a second header in a CSV file is not seen",
        "jobs/bronze/csv_flaws.py",
        "if is_header:",
        "if not is_header:",
        "unit/jobs/test_csv_flaws.py::test_what_could_be_mistaken_for_something_else_is_set_aside_with_its_line",
    ),
    fault(
        "lines of a CSV file that begin with # are dropped",
        "jobs/bronze/csv_records.py",
        "F.size(F.split(unquoted, _regex(delimiter))) != size",
        "F.size(F.split(unquoted, _regex(delimiter))) >= 0",
        "spark/bronze/test_csv_by_name.py::test_each_value_stands_under_its_name_as_pythons_own_reader_has_it",
        "spark/bronze/test_bad_input.py::test_values_that_are_no_numbers_are_quarantined_not_nulled",
    ),
    fault(
        "the columns of a record are counted one after the other",
        "jobs/bronze/json_fields.py",
        'filled = folded(add, [F.col(value).isNotNull().cast("int") for value in values])',
        'filled = sum(F.col(value).isNotNull().cast("int") for value in values)',
        "spark/bronze/test_value_reading.py::test_a_record_may_have_many_fields_of_any_names",
    ),
    fault(
        "a misfit of which the batch knew nothing is taken",
        "jobs/silver/misfits.py",
        "F.when(is_rescued, F.array(F.lit(CAME_MEANWHILE))).otherwise(nothing)",
        "nothing",
        "spark/silver/test_validation.py::"
        "test_a_row_with_a_field_that_does_not_fit_is_not_taken_where_none_was_counted",
    ),
    fault(
        "a name with a dot is taken for a path",
        "jobs/bronze/json_rescued.py",
        'name.rlike(f"^{BARE}$")',
        "F.lit(True)",
        "spark/bronze/test_value_reading.py::test_what_has_no_value_at_its_path_is_null_and_all_that_came_is_kept",
    ),
    fault(
        "a text in the way of a path is no reason",
        "jobs/bronze/json_rescued.py",
        "*found.get(parent, []), is_other]",
        "*found.get(parent, []), F.lit(False)]",
        "spark/silver/test_validation.py::test_what_keeps_an_uplink_out_of_silver_is_said_with_its_path",
    ),
    fault(
        "a backslash behind another begins an escape",
        "jobs/bronze/csv_escapes.py",
        "F.split(token, _PAIR)",
        "F.array(token)",
        "spark/bronze/test_csv_by_name.py::test_what_databases_write_with_backslashes_is_what_they_had",
    ),
    fault(
        "what is rounded away of a small number is not seen",
        "jobs/value_reading.py",
        "|-0?\\d)$",
        "|-\\d{1,2})$",
        "spark/bronze/test_value_reading.py::test_a_value_is_read_as_it_was_meant_or_not_at_all",
    ),
    fault(
        "the lines of units of a Campbell logger are records",
        "jobs/bronze/csv_layout.py",
        "most = header + 2 if",
        "most = header if",
        "unit/jobs/test_csv_flaws.py::test_what_stands_below_the_names_of_a_campbell_logger_is_no_record",
    ),
    fault(
        "a file whose last line has no end is not named",
        "jobs/bronze/landing_zone.py",
        "if not is_ended(file):",
        "if is_ended(file):",
        "unit/jobs/test_landed_files.py::test_a_csv_file_whose_last_line_has_no_end_is_named",
    ),
    fault(
        "of two readings of a time the first is taken",
        "jobs/value_reading.py",
        "[F.coalesce(each == first, F.lit(True)) for each in read]",
        "[F.lit(True) for each in read]",
        "spark/bronze/test_value_reading.py::test_times_and_days_are_read_as_the_source_says_that_it_writes_them",
    ),
    fault(
        "a time with a zone of letters is read",
        "jobs/value_reading.py",
        r'_ZONE = r" ?([Zz]|UTC|GMT|[+-]',
        r'_ZONE = r" ?([Zz]|UTC|GMT|[A-Z]{3,4}|[+-]',
        "spark/bronze/test_value_reading.py::test_a_value_is_read_as_it_was_meant_or_not_at_all",
    ),
    fault(
        "a row may be of any time of the day on which it arrived",
        "jobs/bronze/arrival.py",
        "return F.least(arrived_at(file, night) + F.expr(CLOCKS_DIFFER), _end_of(night))",
        "return _end_of(night)",
        "spark/bronze/test_arrival.py::test_a_row_is_of_the_future_only_by_the_instant_at_which_its_file_arrived",
    ),
    fault(
        "a clock that was never set is not flagged",
        "expectations/source_rows.py",
        "LONG = 366",
        "LONG = 36600",
        "spark/quality/test_check.py::test_rows_of_a_clock_that_was_never_set_are_counted",
    ),
    fault(
        "rows of one key are not deduplicated",
        "jobs/silver/ranking.py",
        '"_number": F.row_number().over(in_order)',
        '"_number": F.lit(1) + 0 * F.row_number().over(in_order)',
        "spark/bronze/test_bad_input.py::test_the_same_file_under_another_name_is_all_duplicates",
    ),
    fault(
        "the latest arrival wins",
        "jobs/silver/ranking.py",
        "return arrived <= night",
        "return arrived >= night",
        "spark/nights/test_night.py::test_an_earlier_arrival_that_comes_late_takes_its_row_back",
    ),
    fault(
        "an account always balances",
        "jobs/state/accounts.py",
        "return self.landed == self.bronze == self.silver + self.quarantined + self.repeated",
        "return True",
        "unit/jobs/test_account.py::test_a_line_too_few_or_too_many_anywhere_is_no_balance",
    ),
    fault(
        "the report lets a night pass that does not balance",
        "jobs/report/stage.py",
        "return bool(account.is_balanced) and accounts.Account.of(account).is_balanced",
        "return True",
        "spark/report/test_report.py::test_an_account_that_does_not_balance_is_a_problem",
    ),
    fault(
        "verify compares no digests",
        "jobs/quality/verify.py",
        "holds = now is not None and (now.rows, now.digest) == (row.rows, row.digest)",
        "holds = now is not None",
        "spark/nights/test_night.py::test_verify_confirms_a_night_and_names_what_was_tampered_with",
    ),
    fault(
        "a quarantine rule is off by one",
        "jobs/silver/rules.py",
        "value <= rule.max_value",
        "value < rule.max_value",
        "spark/silver/test_rules.py::test_silver_and_great_expectations_validate_every_row_alike",
    ),
    # Reproducibility
    fault(
        "a digest passes over nulls",
        "jobs/delta/digests.py",
        "F.xxhash64(*values, *[column.isNull() for column in named.values()])",
        "F.xxhash64(*values)",
        "spark/delta/test_digests.py::test_where_a_null_stands_counts",
        "spark/delta/test_digests.py::test_a_digest_does_not_depend_on_the_order_of_rows_but_on_where_nulls_stand",
    ),
    fault(
        "the simulator draws by chance",
        "jobs/generate/values.py",
        'return f"(({self.hash(name, *of)} & 9007199254740991L) / 9007199254740992D)"',
        'return "rand()"',
        "simulator/test_generate.py::test_a_night_generated_twice_is_byte_for_byte_the_same",
    ),
    fault(
        "sums are of doubles",
        "jobs/gold/aggregates.py",
        'total = F.try_sum(value).cast("double")\n    return F.round(F.when',
        'total = F.sum(F.col(column).cast("double"))\n    return F.round(F.when',
        "spark/gold/test_gold.py::test_a_mean_is_exact_whatever_the_order_of_rows",
    ),
    fault(
        "jobs are not in UTC",
        "jobs/session.py",
        '"spark.sql.session.timeZone": "UTC"',
        '"spark.sql.session.timeZone": "America/New_York"',
        "spark/nights/test_session.py::test_a_jobs_session_is_in_utc_and_refuses_casts_that_lose_something",
    ),
    fault(
        "of two changes at one instant the lower sequence holds",
        "jobs/silver/tables/devices_history.py",
        "F.desc_nulls_last",
        "F.asc_nulls_last",
        "spark/silver/test_history.py::test_of_two_changes_at_one_instant_the_higher_sequence_holds",
    ),
    fault(
        "an older staging wins",
        "jobs/state/staged_slices.py",
        "each.at < staged.at",
        "each.at < str()",
        "unit/jobs/test_state.py::test_an_older_staging_gives_up_what_a_later_one_has_published",
    ),
    fault(
        "gold takes in what was reconciled after the check",
        "jobs/state/surveys.py",
        'row.settled_at <= checked.get(row.source, "")',
        "True",
        "spark/gold/test_restatements.py::test_what_another_run_reconciled_after_the_check_is_left_to_that_run",
    ),
    fault(
        "a device's type is that of today",
        "jobs/silver/lookups.py",
        "on=of_device & is_begun & is_not_over",
        'on=of_device & F.col("_until").isNull()',
        "spark/silver/test_late_devices.py::"
        "test_the_nights_of_what_becomes_known_of_a_device_are_reconciled_again_and_no_others",
    ),
    fault(
        "types of a device that silver has no more are forgotten",
        "jobs/silver/device_types.py",
        "if {*_NAMED}.issubset(SILVER[source.silver].column_names)",
        "if {*_NAMED} == SILVER[source.silver].column_names",
        "spark/silver/test_late_devices.py::"
        "test_the_nights_of_what_becomes_known_of_a_device_are_reconciled_again_and_no_others",
    ),
    fault(
        "a file is read as the catalog is now",
        "jobs/bronze/kept_layouts.py",
        "if each != _own(source)}",
        "if not isinstance(each, list)}",
        "unit/jobs/test_csv_flaws.py::"
        "test_a_file_as_the_catalog_was_has_a_layout_of_its_own_once_that_has_more_columns",
    ),
    fault(
        "of rows that came at once a hash decides",
        "jobs/silver/ranking.py",
        "if source.is_corrected:\n        arrived",
        "if False:\n        arrived",
        "spark/silver/test_ranking.py::"
        "test_what_silver_has_of_a_key_does_not_depend_on_which_nights_it_had_before",
    ),
    fault(
        "a correction stays that is refused by now",
        "jobs/silver/merging.py",
        "if not batch.source.is_corrected:\n        return fallen",
        "if True:\n        return fallen",
        "spark/silver/test_corrections.py::"
        "test_what_came_at_once_and_disagrees_takes_back_what_silver_has_of_it",
    ),
    fault(
        "gold cuts what its functions return",
        "jobs/gold/stage.py",
        "uncut(_frame(lake, table, slices[table], partials.get(table, {})), table)",
        "_frame(lake, table, slices[table], partials.get(table, {}))",
        "spark/gold/test_restatements.py::"
        "test_a_column_that_would_cut_what_its_function_returns_is_refused_before_it_is_staged",
    ),
    fault(
        "a damaged record that begins with # is a comment",
        "jobs/bronze/csv_layout.py",
        "        source.comments,\n        last,",
        "        True,\n        last,",
        "spark/bronze/test_csv_by_name.py::"
        "test_a_line_that_begins_with_a_hash_below_the_header_is_a_record_where_the_source_has_no_comments",
    ),
    fault(
        "staged rows of which a file is gone are read",
        "jobs/delta/staging.py",
        "if written != _sizes(folder):",
        "if False:",
        "spark/delta/test_staging.py::test_rows_of_which_a_file_is_gone_are_not_read",
    ),
    fault(
        "what is still to be read is cleared away",
        "jobs/delta/staging.py",
        "and folder.name not in but",
        "",
        "spark/delta/test_staging.py::test_folders_are_removed_that_were_begun_long_ago_but_for_those_to_be_read",
    ),
    # Windows and joins
    fault(
        "a window is a day too long",
        "jobs/gold/look_back.py",
        'F.col("event_date") > F.date_sub',
        'F.col("event_date") >= F.date_sub',
        "spark/gold/test_gold.py::test_a_window_looks_back_seven_days_and_not_eight",
    ),
    fault(
        "a night sees what arrived after it",
        "jobs/gold/look_back.py",
        "event_date <= night AND _night <= night",
        "event_date <= night",
        "spark/gold/test_gold.py::test_what_arrived_after_a_night_does_not_change_its_picture",
    ),
    fault(
        "the fleet is as it was first",
        "jobs/gold/look_back.py",
        "F.max_by(state",
        "F.min_by(state",
        "spark/gold/test_gold.py::test_the_fleet_is_counted_as_it_stood_when_the_night_ended",
    ),
    fault(
        "devices without events are left out",
        "jobs/gold/tables/site_events.py",
        'how="left"',
        'how="inner"',
        "spark/gold/test_gold.py::test_every_registered_device_is_listed_with_its_events",
    ),
    fault(
        "a join has its sides the other way round",
        "jobs/gold/tables/site_events.py",
        'how="left"',
        'how="right"',
        "spark/gold/test_gold.py::test_every_registered_device_is_listed_with_its_events",
    ),
    fault(
        "a join looks ahead",
        "jobs/silver/time_series.py",
        '.withColumn("_known", F.last("_known", ignorenulls=True).over(so_far))',
        '.withColumn("_known", F.first("_known", ignorenulls=True).over('
        "in_order.rowsBetween(Window.currentRow, Window.unboundedFollowing)))",
        "spark/silver/test_time_series.py::test_a_join_agrees_with_pandas_and_never_looks_ahead",
        "spark/silver/test_defects.py::test_nothing_after_an_inspection_changes_what_it_knows",
    ),
    fault(
        "an average takes in its own hour",
        "jobs/silver/time_series.py",
        "rangeBetween(-over * HOUR, -HOUR)",
        "rangeBetween(-over * HOUR, 0)",
        "spark/silver/test_time_series.py::test_a_moving_average_is_of_the_three_hours_before_and_not_of_the_own",
    ),
    fault(
        "a reading on the threshold raises an alert",
        "jobs/gold/tables/alerts.py",
        "F.when(value > high, high)",
        "F.when(value >= high, high)",
        "spark/gold/test_gold.py::test_an_alert_is_raised_by_a_reading_beyond_a_warning_threshold_but_not_by_one_on_it",
    ),
    # Late data
    fault(
        "a restatement is not noticed",
        "jobs/gold/restatements.py",
        "if was.night not in nights",
        "if was.night in nights",
        "unit/jobs/test_restatements.py::test_a_slice_of_another_night_that_is_different_now_is_restated",
    ),
    fault(
        "late rows do not restate",
        "jobs/gold/arrivals.py",
        "return set[date]().union(*spans)",
        "return set(sorted(set[date]().union(*spans))[-1:])",
        "spark/gold/test_restatements.py::test_a_late_row_restates_its_hour_and_the_report_says_which_and_why",
    ),
    fault(
        "a slice made in part keeps what its parts had",
        "jobs/gold/partial.py",
        "rows=whole.rows - parts.rows",
        "rows=whole.rows",
        "spark/gold/test_restatements.py::test_of_a_large_slice_only_the_parts_that_late_rows_touch_are_made_anew",
    ),
    fault(
        "a slice is made in part though silver has lost rows",
        "jobs/gold/stage.py",
        "if not survey.is_only_new or not own",
        "if not own",
        "spark/gold/test_restatements.py::test_of_a_large_slice_only_the_parts_that_late_rows_touch_are_made_anew",
    ),
    fault(
        "a slice is added to that is not what was recorded",
        "jobs/gold/partial.py",
        "(digest.rows, digest.digest) == (recorded.rows, recorded.digest)",
        "digest.night == recorded.night",
        "spark/gold/test_restatements.py::test_of_a_large_slice_only_the_parts_that_late_rows_touch_are_made_anew",
    ),
    fault(
        "other code adds to a slice",
        "jobs/gold/partial.py",
        'wanted & (F.col("code") == code())',
        "wanted",
        "spark/gold/test_restatements.py::test_of_a_large_slice_only_the_parts_that_late_rows_touch_are_made_anew",
    ),
    fault(
        "a table that the catalog has lost is replaced",
        "jobs/delta/schema.py",
        "    return [commit.version for commit in commits] == [0]\n",
        "    return True\n",
        "spark/delta/test_schema.py::test_a_table_with_nights_that_the_catalog_has_lost_is_not_replaced",
    ),
    fault(
        "what a killed job left stops each later one",
        "jobs/delta/schema.py",
        "            create = replace\n",
        "            pass\n",
        "spark/delta/test_schema.py::test_what_a_killed_job_left_of_a_new_table_is_in_no_ones_way",
    ),
    fault(
        "a step is kept with each failure that follows",
        "jobs/runner.py",
        " not in there]\n",
        " not in set()]\n",
        "spark/nights/test_by_hand.py::test_what_fails_is_kept_with_what_the_steps_of_its_run_have_done_and_nothing_twice",
    ),
    # Checks and publish
    fault(
        "an expectation that raised is only a flag",
        "jobs/quality/check.py",
        'action="fail" if error else _action(meta, result.result)',
        "action=_action(meta, result.result)",
        "spark/quality/test_check.py::test_an_expectation_that_cannot_be_evaluated_is_never_green_not_even_a_flag",
    ),
    fault(
        "a failed check is green",
        "jobs/quality/check.py",
        "raise ContractBroken(_message(verdicts), results)",
        "_message(verdicts)",
        "spark/quality/test_check.py::test_staged_gold_that_is_wrong_is_refused",
        "spark/quality/test_check.py::test_two_rows_of_one_key_break_the_contract",
    ),
    fault(
        "publish takes what was never staged",
        "jobs/state/staged_slices.py",
        "    if not own:\n",
        "    if False:\n",
        "spark/nights/test_night.py::test_publish_refuses_a_run_that_has_staged_nothing",
    ),
    fault(
        "the key of the check is another one",
        "catalog/demo.toml",
        '[sources.readings]\nformat = "json"\nkey = ["reading_id"]',
        '[sources.readings]\nformat = "json"\nkey = ["device_id"]',
        "unit/expectations/test_suites.py::test_the_key_that_silver_deduplicates_by_is_the_key_that_is_checked",
    ),
    # Copies in Iceberg
    fault(
        "a slice of which a digest changed is copied beside its old rows",
        "jobs/iceberg/copies.py",
        "            snapshot.delete_data_file(file)\n",
        "            pass\n",
        "unit/jobs/test_iceberg.py::test_what_differs_is_replaced_in_one_snapshot_and_nothing_in_none",
    ),
    fault(
        "a copy takes two snapshots",
        "jobs/iceberg/copies.py",
        "        _replace(transaction, original, stale, written)\n",
        "        _replace(transaction, original, stale, [])\n        _replace(transaction, original, [], written)\n",
        "unit/jobs/test_iceberg.py::test_what_differs_is_replaced_in_one_snapshot_and_nothing_in_none",
    ),
    fault(
        "files of expired snapshots stay",
        "jobs/iceberg/upkeep.py",
        "        table.io.delete(path)\n",
        "        pass\n",
        "unit/jobs/test_iceberg.py::test_maintenance_removes_what_only_expired_snapshots_had",
    ),
    # Files by hand
    fault(
        "a file that must not be read is read",
        "jobs/bronze/landing_zone.py",
        "reason := _unreadable(file, folder) or flaw(file, source) or",
        "reason := _unreadable(file, folder) or",
        "unit/jobs/test_landed_files.py::test_compression_other_than_gzip_is_set_aside_with_what_to_bring_instead",
        "unit/jobs/test_landed_files.py::test_a_gzip_file_that_unpacks_to_more_than_the_cap_is_set_aside_unread_to_its_end",
    ),
    fault(
        "of a document in the folder of a day it is not known how many records came",
        "jobs/bronze/landing_zone.py",
        "yield Unpacked(path, lines_of(file))",
        "yield Unpacked(path, 1)",
        "unit/jobs/test_landed_files.py::test_how_many_records_came_of_a_document_is_known_also_of_one_in_the_folder_of_a_day",
    ),
    fault(
        "a rule finds no key that several devices have",
        "expectations/conditions.py",
        "min({column}) {of_key} < max({column}) {of_key}",
        "min({column}) {of_key} > max({column}) {of_key}",
        "spark/quality/test_gx_engine.py::test_rows_whose_key_has_several_values_in_a_column_are_counted",
    ),
    fault(
        "a file to be withdrawn is found by its name as the report writes it alone",
        "jobs/maintenance/withdraw.py",
        "spelled.add(below(name, file.source.name))",
        "pass",
        "unit/jobs/test_table_commands.py::test_a_file_is_found_by_its_name_as_it_is_or_as_the_report_writes_it",
    ),
    fault(
        "links are followed",
        "jobs/bronze/landing_zone.py",
        "if not entry.is_file(follow_symlinks=False):",
        "if not entry.is_file():",
        "unit/jobs/test_landed_files.py::test_a_link_is_set_aside_and_what_it_leads_to_stays_where_it_is",
    ),
    fault(
        "a file that has just been written is not waited for",
        "jobs/bronze/uploads.py",
        "QUIET = 5.0",
        "QUIET = 0.0",
        "unit/jobs/test_arrival.py::test_a_file_that_has_just_been_written_is_waited_for_until_it_has_stood_still",
    ),
    fault(
        "what stands behind a gzip file is not seen",
        "jobs/bronze/flaws.py",
        "if not is_begun and not MAGIC.startswith(packed[:2]):",
        "if not is_begun and members and not MAGIC.startswith(packed[:2]):\n            break\n        if False:",
        "unit/jobs/test_landed_files.py::test_a_gzip_file_that_hadoop_would_stumble_over_is_set_aside",
        "unit/jobs/test_landed_files.py::test_a_gzip_file_of_several_members_is_whole",
    ),
    # Streams and Kafka
    fault(
        "the checkpoint of a stream does not move",
        "jobs/stream/batches.py",
        "self.position, self.planned = batch.end, None",
        "self.position, self.planned = batch.start, None",
        "unit/jobs/test_stream.py::test_the_next_run_knows_what_was_sent_and_which_batch_was_left_unfinished",
    ),
    fault(
        "a batch that is sent again is there twice",
        "jobs/stream/sinks.py",
        'once=(f"{table}/{night}", batch.end))',
        "once=None)",
        "spark/stream/test_stream.py::test_delta_has_every_row_once_however_a_run_ended",
    ),
    fault(
        "what a topic had before is not received",
        "jobs/bronze/receive.py",
        '.option("startingOffsets", "earliest")',
        '.option("startingOffsets", "latest")',
        "spark/stream/test_kafka.py::test_messages_are_landed_once_and_reach_silver_or_quarantine",
    ),
    # Lineage
    fault(
        "publish is said to read what it has published",
        "catalog/pipeline.py",
        'reads=("staging.{name}",)',
        'reads=("gold.{name}",)',
        "unit/jobs/test_lineage.py::test_a_night_draws_the_graph_that_the_catalog_says",
    ),
    fault(
        "lineage leaves out what rows are looked up in",
        "catalog/lineage.py",
        '*([f"silver.{lookup}"] if lookup else [])',
        '*([f"silver.{lookup}"] if not lookup else [])',
        "unit/jobs/test_lineage.py::test_a_night_draws_the_graph_that_the_catalog_says",
    ),
    fault(
        "the password in the address of a lineage backend is in the log",
        "jobs/lineage/backend.py",
        '"//[^/\\s]*@", "//"',
        '"//[^/\\s]*@", "//s3cret@"',
        "unit/jobs/test_lineage.py::test_a_refusal_does_not_show_the_password_in_an_address",
    ),
    fault(
        "lineage knows of no copies in Iceberg",
        "jobs/lineage/events.py",
        '        if "iceberg" in detail:\n',
        '        if "copies" in detail:\n',
        "unit/jobs/test_lineage.py::test_a_night_draws_the_graph_that_the_catalog_says",
    ),
    # Secrets, ports and containers
    fault(
        "a job's token is in the task's log",
        "dags/platforms/local.py",
        'line = line.replace(secret, "***")',
        'line = line.replace(secret, "***" and secret)',
        "unit/dags/test_local_platform.py::test_the_token_is_in_the_environment_of_the_job_and_nowhere_in_its_log",
    ),
    fault(
        "a job's token is in its argument list",
        "dags/platforms/local.py",
        'command = [_jobs_python(), "-m", "jobs", *argv]',
        'command = [_jobs_python(), "-m", "jobs", *argv, spark_remote(connection)]',
        "unit/dags/test_local_platform.py::test_the_output_goes_to_the_log_line_by_line_and_empty_arguments_are_left_out",
    ),
    fault(
        "the way to Kafka shows its secret",
        "jobs/kafka.py",
        "secret: str = field(repr=False)",
        "secret: str = field()",
        "unit/jobs/test_kafka.py::test_what_holds_the_secret_does_not_show_it",
    ),
    fault(
        "secrets can be read by everyone",
        "embedded/vault.py",
        "os.O_EXCL, 0o600)",
        "os.O_EXCL, 0o644)",
        "unit/embedded/test_vault.py::test_files_are_readable_by_this_user_only",
    ),
    fault(
        "the containers' UI is on every address",
        "docker-compose.yml",
        '"127.0.0.1:${AIRFLOW_PORT:-8080}:8080"',
        '"${AIRFLOW_PORT:-8080}:8080"',
        "unit/containers/test_compose_policy.py::test_only_the_ui_is_published_and_only_to_this_machine",
    ),
    fault(
        "the embedded UI is on every address",
        "embedded/services.py",
        '"API__HOST": "127.0.0.1"',
        '"API__HOST": "0.0.0.0"',
        "end_to_end/test_embedded_night.py::test_the_stack_listens_on_this_machine_only",
    ),
    fault(
        "containers keep their capabilities",
        "docker-compose.yml",
        "cap_drop: [ALL]",
        "cap_drop: []",
        "unit/containers/test_compose_policy.py::test_a_service_runs_without_root_and_without_capabilities",
    ),
    fault(
        "Spark's container is root",
        "Dockerfile",
        'USER 50000:0\nENTRYPOINT ["spark-entrypoint"]',
        'USER root\nENTRYPOINT ["spark-entrypoint"]',
        "unit/containers/test_dockerfile.py::test_an_image_runs_as_the_user_that_owns_the_lake",
    ),
    fault(
        "what killed servers left in Spark's scratch stays",
        "docker/spark-entrypoint",
        'find "$SPARK_LOCAL_DIRS" -mindepth 1 -delete\n',
        "",
        "unit/containers/test_dockerfile.py::test_what_killed_servers_left_in_sparks_scratch_goes_before_another_starts",
    ),
    fault(
        "a run id may leave its folder",
        "jobs/cli/arguments.py",
        'if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", text) or set(text) == {"."}:',
        "if not text:",
        "unit/jobs/test_cli.py::test_a_run_id_that_could_leave_its_folder_is_refused",
    ),
    # Airflow and Databricks
    fault(
        "a retry submits a second run",
        "dags/platforms/databricks.py",
        'self.idempotency_token = submission["token"]',
        "self.idempotency_token = secrets.token_hex(32)",
        "databricks/test_operator.py::test_a_run_whose_answer_was_lost_is_found_by_the_retry",
    ),
    fault(
        "a cleared task believes its old run",
        "dags/platforms/databricks.py",
        'cleared = submission["generation"] != _generation(context)',
        "cleared = False",
        "databricks/test_operator.py::test_a_retry_after_a_failed_run_and_a_clear_after_a_success_are_runs_of_their_own",
    ),
    fault(
        "a killed task leaves its run behind",
        "dags/platforms/databricks.py",
        "        cancelling.start()\n        cancelling.join(CANCEL_SECONDS)",
        "        cancelling.daemon = True",
        "databricks/test_operator.py::test_a_task_killed_while_it_submits_cancels_the_run",
    ),
    fault(
        "an upload is not read back",
        "workspace/deploy.py",
        "if (arrived := stored(client, path)) != content:",
        "if False:",
        "databricks/test_workspace.py::test_an_upload_that_arrives_damaged_leaves_no_wheel",
    ),
    fault(
        "data that broke its contract is tried again",
        "dags/job.py",
        ', 3: "says that the data did not pass its contract"}',
        "}",
        "unit/dags/test_local_platform.py::test_exit_3_is_not_tried_again",
    ),
    fault(
        "serverless compute tries a stage again by itself",
        "dags/platforms/databricks_request.py",
        '"disable_auto_optimization": True, "max_retries": 0}',
        '"disable_auto_optimization": True}',
        "unit/dags/test_databricks_platform.py::test_serverless_tries_no_task_again_by_itself",
    ),
    fault(
        "the bundle tries a check again that refused data",
        "resources/iot_nightly.yml",
        "            - task_key: bronze\n          environment_key: lakehouse\n          timeout_seconds: 7200\n"
        "          # Data that broke its contract breaks it again.\n          max_retries: 0\n",
        "            - task_key: bronze\n          environment_key: lakehouse\n          timeout_seconds: 7200\n"
        "          max_retries: 2\n",
        "unit/workspace/test_bundle.py::test_no_task_that_refuses_data_is_tried_again_by_databricks",
    ),
    fault(
        "gold takes in what a killed run has merged",
        "jobs/gold/stage.py",
        "    begun = begun_batches.read(lake.settings)\n",
        "    begun = begun_batches.read(lake.settings) and {}\n",
        "spark/gold/test_restatements.py::test_what_a_killed_run_has_merged_and_not_accounted_for_is_left_until_some_run_has",
    ),
    fault(
        "silver does not say which nights it has begun",
        "jobs/silver/stage.py",
        "for batch in arrived})\n",
        "for batch in ()})\n",
        "spark/maintenance/test_withdraw.py::test_a_file_of_a_night_that_silver_did_not_finish_leaves_nothing",
    ),
    fault(
        "gold is published before its check",
        "catalog/pipeline.py",
        '    Step("check", "gold"),\n    Step("publish"),\n',
        '    Step("publish"),\n    Step("check", "gold"),\n',
        "unit/dags/test_dag_rules.py::test_the_night_dag_runs_its_stages_one_after_the_other",
    ),
    fault(
        "a stage does not wait for the one before it to succeed",
        "dags/form.py",
        '    "owner": "data-platform",\n',
        '    "owner": "data-platform",\n    "trigger_rule": "all_done",\n',
        "unit/dags/test_dag_rules.py::test_the_night_dag_runs_its_stages_one_after_the_other",
    ),
    fault(
        "a doubled key of readings is only a warning",
        "expectations/silver/readings.py",
        'meta=fail("a reading stands there twice")',
        'meta=flag("a reading stands there twice")',
        "unit/expectations/test_suites.py::test_every_suite_checks_columns_rows_and_key",
    ),
    fault(
        "nobody is notified of a failure",
        "dags/iot_nightly.py",
        "    on_failure_callback=FailureNotifier(),\n",
        "",
        "unit/dags/test_dag_rules.py::test_every_run_that_fails_for_good_notifies_the_webhook_once",
    ),
    fault(
        "each failed run of a stream is a message",
        "dags/notify.py",
        "        if is_by_hand or incidents.begin(",
        "        if is_by_hand or True or incidents.begin(",
        "unit/dags/test_deadlines.py::test_a_stream_whose_runs_fail_is_one_message_and_one_when_a_run_goes_well",
    ),
    fault(
        "the form takes any scale",
        "dags/form.py",
        "maximum=10,",
        "maximum=1000,",
        "unit/dags/test_dag_rules.py::test_the_form_and_the_jobs_agree_on_the_least_and_the_greatest_scale",
    ),
    fault(
        "an integer of a form reaches the job with its point",
        "dags/chain.py",
        "{{ params.rows_per_second | int }}",
        "{{ params.rows_per_second }}",
        "unit/dags/test_argv_contract.py::test_an_integer_with_a_point_is_that_integer",
    ),
    fault(
        "the bundle leaves a stage out",
        "resources/iot_nightly.yml",
        "--layer=gold",
        "--layer=silver",
        "unit/workspace/test_bundle.py::test_stages_and_arguments_are_those_of_the_dag",
    ),
    fault(
        "the jobs need more than serverless has",
        "jobs/quality/verify.py",
        "nights = {source: [lake.settings.night] for source in lake.settings.sources if source.name in recorded}",
        "lake.spark.sparkContext.setLogLevel('WARN')\n"
        "    nights = {source: [lake.settings.night] for source in lake.settings.sources if source.name in recorded}",
        "unit/jobs/test_serverless.py::test_serverless_runs_this_file",
    ),
    # Pages
    fault(
        "data docs are open to strangers",
        "plugins/data_docs_app.py",
        "dependencies=[Depends(get_user)], ",
        "",
        "unit/dags/test_data_docs.py::test_nothing_is_shown_without_a_login",
    ),
    fault(
        "the API is open to strangers",
        "serving/app.py",
        "dependencies=[Depends(login)],",
        "",
        "unit/serving/test_login.py::test_without_a_login_there_is_a_problem_and_nothing_else",
    ),
    fault(
        "a NaN meets no condition",
        "serving/statements.py",
        "THEN {condition.operator == 'ne'} ELSE",
        "THEN False ELSE",
        "unit/serving/test_tables.py::test_a_condition_finds_its_rows_whatever_statistics_say",
    ),
    fault(
        "a page is of a newer version than the one before",
        "serving/answers.py",
        "as_of = begins.version if begins else query",
        "as_of = query",
        "unit/serving/test_api.py::test_pages_together_are_the_whole_though_a_version_comes_in_between",
    ),
    fault(
        "the fleet page is open to strangers",
        "serving/fleet/app.py",
        "dependencies=[Depends(get_user)], ",
        "",
        "unit/serving/test_fleet_page.py::test_nothing_is_shown_without_a_login",
    ),
    fault(
        "text of a row ends the script that it stands in",
        "serving/fleet/page.py",
        'for character in "<>&":',
        'for character in "&":',
        "unit/serving/test_fleet_page.py::test_no_text_of_a_row_or_an_address_is_taken_for_markup",
    ),
    fault(
        "an hour without a measurement is shown as zero",
        "serving/fleet/climate.py",
        "values.get((room, hour))",
        "values.get((room, hour), 0)",
        "unit/serving/test_fleet_charts.py::test_each_room_has_each_hour_and_no_value_where_nothing_was_measured",
    ),
    fault(
        "a step's time counts its failed attempts",
        "serving/fleet/runs.py",
        'if row["ended_at"] == last[row["night"], row["stage"]]',
        'if row["ended_at"]',
        "unit/serving/test_fleet_charts.py::test_a_night_counts_by_its_newest_run_and_a_step_by_its_last_attempt",
    ),
    fault(
        "a table's way up ends where its rows are staged",
        "catalog/lineage.py",
        "reads |= of_read if _is_staged(read) else {read: None}",
        "reads |= {read: None}",
        "unit/serving/test_fleet_charts.py::test_the_way_of_a_table_leads_from_the_files_that_came_to_what_is_made_of_it",
    ),
    fault(
        "sites go by their ids",
        "serving/fleet/sites.py",
        "_called(site, registry.get(site, {}))",
        "_called(site, {})",
        "unit/serving/test_fleet_charts.py::test_sites_go_by_the_names_of_the_registry_where_it_has_some",
    ),
    fault(
        "the catalog names another key than the suite checks",
        "catalog/demo.toml",
        'key = ["location", "hour"]',
        'key = ["location"]',
        "unit/expectations/test_suites.py::test_the_key_that_the_catalog_gives_a_table_is_the_key_that_is_checked",
    ),
    fault(
        "a table that is kept open stays old",
        "serving/delta_files.py",
        "return (log.st_ino, log.st_mtime_ns) if is_old_enough else None",
        "return (log.st_ino, 1)",
        "unit/serving/test_tables.py::test_a_table_is_kept_open_until_it_has_another_commit",
    ),
    fault(
        "DuckDB compares floats as a file has them",
        "serving/statements.py",
        "if not pa.types.is_floating(types.field(condition.column).type):",
        "if True:",
        "unit/serving/test_tables.py::test_files_of_before_a_column_was_widened_are_read_as_the_table_says",
    ),
    fault(
        "what reads the lake's files opens any file",
        "serving/database.py",
        '"SET GLOBAL enable_external_access = false"',
        '"SELECT 1"',
        "unit/serving/test_database.py::test_nothing_but_the_lakes_files_is_opened_and_no_limit_is_lifted",
    ),
    fault(
        "pages take text for markup",
        "jobs/pages/render.py",
        "autoescape=True",
        "autoescape=False",
        "spark/report/test_report.py::test_text_from_the_data_is_shown_as_text",
    ),
    fault(
        "an export holds formulas",
        "jobs/flat_files.py",
        'FORMULA = "=+-@',
        'FORMULA = "+-@',
        "spark/maintenance/test_export.py::test_a_text_that_begins_like_a_formula_gets_an_apostrophe_and_a_number_does_not",
    ),
    # Simulator
    fault(
        "no row is late",
        "jobs/generate/spark_delivery.py",
        'f"IF({late}, ',
        'f"IF(false, ',
        "simulator/test_generate.py::test_a_late_row_arrives_within_seven_days_and_once",
    ),
    fault(
        "devices, metrics and minutes move in step",
        "jobs/generate/values.py",
        "'{self.source}.{name}', {', '.join(of or ROW)})\"",
        "'{self.source}', {', '.join(of or ROW)})\"",
        "simulator/test_generate.py::test_devices_metrics_and_minutes_are_independent",
    ),
    # Maintenance and architecture
    fault(
        "files younger than seven days may go",
        "jobs/maintenance/arguments.py",
        "SHORTEST_RETENTION_DAYS = 7",
        "SHORTEST_RETENTION_DAYS = 0",
        "spark/maintenance/test_maintain.py::test_fewer_than_seven_days_are_refused_in_one_line",
    ),
    fault(
        "how long versions are kept is said after files are vacuumed",
        "jobs/maintenance/stage.py",
        "    _keep_versions(lake.spark, name, detail.properties or {}, lake.settings.options.vacuum_days)\n"
        '    lake.spark.sql(f"VACUUM {name}").collect()\n',
        '    lake.spark.sql(f"VACUUM {name}").collect()\n'
        "    _keep_versions(lake.spark, name, detail.properties or {}, lake.settings.options.vacuum_days)\n",
        "unit/jobs/test_maintenance.py::test_how_long_versions_are_kept_is_in_force_before_any_file_is_vacuumed",
    ),
    fault(
        "the log of versions is not kept as long as their files",
        "jobs/maintenance/stage.py",
        "for key in (FILES_KEPT, LOG_KEPT)",
        "for key in (FILES_KEPT,)",
        "unit/jobs/test_maintenance.py::test_how_long_versions_are_kept_is_in_force_before_any_file_is_vacuumed",
    ),
    fault(
        "versions are listed as if all could be read",
        "jobs/maintenance/versions.py",
        "if each.millis >= self.begins and next_.millis > taken",
        "if self.begins",
        "spark/maintenance/test_versions.py::test_versions_that_are_no_longer_kept_are_named",
    ),
    fault(
        "time travel stays in the present",
        "jobs/maintenance/versions.py",
        " VERSION AS OF {version.number}",
        "",
        "spark/maintenance/test_versions.py::test_a_night_is_shown_as_its_own_run_left_it_and_not_as_later_ones_restated_it",
    ),
    fault(
        "a merge does not say who made it",
        "jobs/runner.py",
        "    lake.sign_commits()\n",
        "",
        "spark/nights/test_killed.py::test_every_commit_of_a_job_says_which_run_made_it",
    ),
    fault(
        "another wheel has the name of the one before",
        "workspace/wheel_version.py",
        "data = Path(path).read_bytes()",
        'data = b""',
        "unit/workspace/test_commands.py::test_a_wheel_is_named_after_what_is_in_it",
    ),
    fault(
        "no rows have a share",
        "jobs/quality/gx_validation.py",
        '({"unexpected_percent": 0.0} if rows else {})',
        '{"unexpected_percent": 0.0}',
        "spark/quality/test_gx_engine.py::test_a_result_in_two_steps_is_what_all_details_at_once_give",
    ),
    fault(
        "dags may import Spark",
        "pyproject.toml",
        'forbidden_modules = ["jobs", "expectations", "pipelines", "pyspark", "delta",',
        'forbidden_modules = ["jobs", "expectations", "pipelines", "delta",',
        "unit/test_architecture.py::test_an_import_across_the_line_is_found",
    ),
    # The declarative pipeline
    fault(
        "outside Databricks a pipeline drops no row",
        "pipelines/rules.py",
        'rules.get("quarantine")',
        'rules.get("drop")',
        "spark/silver/test_rules.py::test_outside_databricks_a_pipeline_drops_and_fails_by_the_conditions_of_its_expectations",
    ),
    fault(
        "a pipeline's rules to fail by only count",
        "pipelines/rules.py",
        '"fail": "expect_all_or_fail"',
        '"fail": "expect_all"',
        "unit/pipelines/test_declaration.py::test_every_row_rule_of_every_suite_is_an_expectation_by_its_action",
    ),
    fault(
        "two pipelines work in one lake",
        "catalog/lock.py",
        "else fcntl.LOCK_EX | fcntl.LOCK_NB",
        "else fcntl.LOCK_SH | fcntl.LOCK_NB",
        "unit/pipelines/test_declaration.py::test_a_second_pipeline_in_a_lake_is_refused_in_one_line_until_the_first_has_ended",
    ),
]


def main(arguments: list[str], project: Path = PROJECT, faults: Iterable[Fault] = FAULTS) -> int:
    """Plant the faults that the arguments name, all if they name none; print what came of it."""
    known = {each.name: each for each in faults}
    if {"-h", "--help"} & {*arguments}:
        print(__doc__)
        return 0
    if arguments == ["--list"]:
        for each in known.values():
            print(each.name, *each.tests, sep="\n    ")
        return 0
    if unknown := set(arguments) - known.keys():
        print(f"no such fault: {', '.join(sorted(unknown))}; see --list", file=sys.stderr)
        return 2
    chosen = [known[name] for name in arguments or known]
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = copied(project, Path(folder).resolve() / "project")
        tests = [test for each in chosen for test in each.tests]
        # Files of one size that are written within a second look alike to what Python compiled before.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        if not any(test.startswith(NEED_SERVER) for test in tests):
            return planted(copy, chosen, environment)
        # One for all: starting one for each fault takes longer.
        with connect_server(Path(folder) / "spark") as shared:
            return planted(copy, chosen, {**environment, SHARED: json.dumps(shared)})


def planted(copy: Path, faults: list[Fault], environment: Mapping[str, str]) -> int:
    """Run the tests without a fault, then with each; 0 when all is as it should be."""
    named = list(dict.fromkeys(test for each in faults for test in each.tests))
    print(f"{len(named)} tests without any fault …", file=sys.stderr, flush=True)
    failed, passed = outcome(copy, named, environment)
    broken = sorted(set(named) - passed)
    for test in broken:
        said = "fails without a fault" if test in failed else "did not run"
        print(f"{test} {said}", flush=True)
    print("| fault | caught by | not by |\n|---|---|---|", flush=True)
    missed = 0
    for each in faults:
        file = copy / each.file
        text = file.read_text()
        if text.count(each.was) != 1:
            print(
                f"| {each.name} | **not planted** | {each.file} has its text {text.count(each.was)} times |"
            )
            missed += 1
            continue
        file.write_text(text.replace(each.was, each.becomes))
        try:
            failed, passed = outcome(copy, each.tests, environment)
        finally:
            file.write_text(text)
        caught = [test for test in each.tests if test in failed and test not in broken]
        rest = [test for test in each.tests if test not in caught]
        missed += not caught
        row = (each.name, ", ".join(caught) or "**not caught**", ", ".join(rest))
        print(f"| {' | '.join(row)} |", flush=True)
    print(f"\n{len(faults) - missed} of {len(faults)} faults were caught", flush=True)
    return 1 if missed or broken else 0


def outcome(copy: Path, tests: Iterable[str], environment: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """The tests that failed, and those that passed. One with parameters fails if one of its cases does."""
    failed: set[str] = set()
    passed: set[str] = set()
    for group, those in grouped(tests).items():
        report = copy.parent / "report.xml"
        report.unlink(missing_ok=True)
        python = copy / ".venv" / GROUPS[group] / "bin/python"
        command = [python, "-m", "pytest", "-q", f"--junitxml={report}", *those]
        run = subprocess.Popen(
            command,
            cwd=copy,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            run.wait(PATIENCE * max(1, len(those)))
        except subprocess.TimeoutExpired:
            print(f"ended after {PATIENCE * len(those)} s: {' '.join(those)}", file=sys.stderr, flush=True)
        finally:
            # What tests started has the group of the run.
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        if report.exists():
            for case in ElementTree.parse(report).iter("testcase"):
                name = (
                    f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').split('[')[0]}"
                )
                is_bad = case.find("failure") is not None or case.find("error") is not None
                if case.find("skipped") is None:
                    (failed if is_bad else passed).add(name)
    return failed, passed - failed


def grouped(tests: Iterable[str]) -> dict[str, list[str]]:
    """The tests of each run of pytest."""
    groups: dict[str, list[str]] = {}
    for test in tests:
        groups.setdefault(next(group for group in GROUPS if test.startswith(f"{group}/")), []).append(test)
    return groups


def copied(project: Path, copy: Path) -> Path:
    """A copy of the project's files as they are now; what is made from them is linked to."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (project / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, copy / name)
    for name in LINKED:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).symlink_to(project / name)
    shutil.copy2(__file__, copy / "tests")
    return copy


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
