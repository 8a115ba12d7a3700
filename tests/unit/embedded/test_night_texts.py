"""What `make run` prints about a stage."""

from __future__ import annotations

import json
from pathlib import Path

from embedded.night import last_lines, what_came_of


def note(*tables: dict[str, object]) -> dict[str, object]:
    return {"tables": list(tables)}


def test_a_stage_is_told_by_its_rows() -> None:
    told = what_came_of("bronze", note({"table": "a", "rows": 1000}, {"table": "b", "rows": 234}))
    assert told.split() == ["1,234", "rows", "in", "2", "tables"]


def test_a_check_is_told_by_its_expectations() -> None:
    tables = [
        {"table": "a", "rows": 9, "detail": {"expectations": 7, "failed": 1, "warned": 2}},
        {"table": "b", "rows": 9, "detail": {}},
    ]
    assert what_came_of("check_gold", note(*tables)).split() == [
        "7",
        "expectations,",
        "1",
        "failed,",
        "2",
        "warned",
    ]


def test_a_report_is_told_by_its_own_words() -> None:
    tables = {"table": "ops.row_accounts", "rows": 7, "detail": {"summary": "all well"}}
    assert what_came_of("report", note(tables)) == "all well"


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
