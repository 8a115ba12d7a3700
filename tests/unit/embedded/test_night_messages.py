"""What `make run` prints about a stage."""

from __future__ import annotations

import json
from pathlib import Path

from catalog.progress import Progress
from catalog.run_result import TableEntry
from embedded.night import how_far, last_lines, what_came_of


def test_a_stage_is_described_by_its_rows() -> None:
    text = what_came_of("bronze", [TableEntry("a", 1000), TableEntry("b", 234)])
    assert text.split() == ["1,234", "rows", "in", "2", "tables"]


def test_a_check_is_described_by_its_expectations() -> None:
    tables = [
        TableEntry("a", 9, {"expectations": 7, "failed": 1, "warned": 2}),
        TableEntry("b", 9),
    ]
    assert what_came_of("check_gold", tables).split() == [
        "7",
        "expectations,",
        "1",
        "failed,",
        "2",
        "warned",
    ]


def test_a_report_is_described_by_its_own_words() -> None:
    accounts = TableEntry("ops.row_accounts", 7, {"summary": "all well"})
    assert what_came_of("report", [accounts]) == "all well"


def test_a_stage_that_works_says_only_what_it_knows() -> None:
    assert how_far(Progress(3, 12)).split() == ["3", "of", "12", "tables"]
    assert how_far(Progress(0, 0)) == how_far(None) == ""


def test_the_end_of_a_log_is_its_last_messages_with_the_cause_instead_of_a_traceback(tmp_path: Path) -> None:
    entries = [{"event": f"line {number}"} for number in range(20)]
    entries.append(
        {"event": "Task failed", "error_detail": [{"exc_value": "silver failed (exit 1)", "frames": [1, 2]}]}
    )
    log = tmp_path / "attempt=1.log"
    log.write_text("\n".join(map(json.dumps, entries)) + "\nnot json\n")
    assert last_lines(log, 3) == ["line 19", "Task failed: silver failed (exit 1)", "not json"]


def test_a_log_that_is_not_there_is_said() -> None:
    assert last_lines(Path("/nowhere")) == ["(no log)"]
