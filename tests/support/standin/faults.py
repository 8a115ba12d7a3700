"""Faults on demand: what may go wrong between a client and its workspace, and inside a run.

A rule is a JSON object. Rules about requests name a `method` and a `path` (both shell patterns, default `*`)
and one of
  `status`       answer this status, with `retry_after` (a header) and `body` if given
  `cut`: true    close the connection without an answer
  `delay`        wait so many seconds, then go on as if nothing happened
  `rate`         answer 429 with a Retry-After header to more than so many requests in `seconds` (default 1)
`when` is "before" (default: the request has no effect) or "after" (it has its effect, the answer is lost).
Rules about runs name a `run` fault, and a `task_key` (shell pattern, default `*`):
  "fail"             the task ends FAILED with `message`; `when`: "before" (default) or "after" it was executed
  "internal_error"   the same, but the platform's fault: INTERNAL_ERROR
  "kill"             kill -9 the executing process after `seconds` (default 0)
  "hold"             the task stays RUNNING, not executed, until the rule is gone (DELETE) or it is cancelled
`times` (default: without end) counts down; `skip` lets so many pass before.
"""

import threading
import time
from collections import deque
from fnmatch import fnmatchcase
from typing import Any

from tests.support.standin.errors import ApiError

REQUEST_FAULTS = ("status", "cut", "delay", "rate")
RUN_FAULTS = ("fail", "internal_error", "kill", "hold")
KNOWN = {
    *REQUEST_FAULTS,
    *("method", "path", "retry_after", "body", "when", "seconds"),
    *("run", "task_key", "message", "times", "skip"),
}


class Rule:
    """One fault, and how often it is still due."""

    def __init__(self, body: dict[str, Any]) -> None:
        kinds = [kind for kind in (*REQUEST_FAULTS, "run") if kind in body]
        if set(body) - KNOWN or len(kinds) != 1 or body.get("run", "fail") not in RUN_FAULTS:
            raise ApiError("INVALID_PARAMETER_VALUE", f"not a fault rule: {body}")
        self.kind = kinds[0]
        self.body = body
        self._left = body.get("times", float("inf"))
        self._skip = body.get("skip", 0)
        self._seen: deque[float] = deque()

    def take(self) -> bool:
        """Return whether the rule acts on what it was just found to match."""
        if self.kind == "rate":
            return self._too_fast()
        if self._skip > 0:
            self._skip -= 1
            return False
        if self._left <= 0:
            return False
        self._left -= 1
        return True

    def _too_fast(self) -> bool:
        now, seconds = time.monotonic(), self.body.get("seconds", 1)
        while self._seen and self._seen[0] < now - seconds:
            self._seen.popleft()
        if len(self._seen) >= self.body["rate"]:
            return True
        self._seen.append(now)
        return False


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, bodies: list[dict[str, Any]]) -> None:
        """Put rules in force, in addition to those that are.

        Raises ApiError if one of them is not a rule; then none is added.
        """
        rules = [Rule(body) for body in bodies]
        with self._lock:
            self._rules += rules

    def clear(self) -> None:
        """Take every rule out of force."""
        with self._lock:
            self._rules = []

    def for_request(self, method: str, path: str) -> Rule | None:
        """Give the first rule that acts on this request."""
        with self._lock:
            for rule in self._rules:
                if (
                    rule.kind != "run"
                    and fnmatchcase(method, rule.body.get("method", "*"))
                    and fnmatchcase(path, rule.body.get("path", "*"))
                    and rule.take()
                ):
                    return rule
        return None

    def for_run(self, task_key: str, *kinds: str) -> dict[str, Any] | None:
        """Give the first rule of these kinds that acts on a task."""
        with self._lock:
            for rule in self._rules:
                if (
                    rule.kind == "run"
                    and rule.body["run"] in kinds
                    and fnmatchcase(task_key, rule.body.get("task_key", "*"))
                    and rule.take()
                ):
                    return rule.body
        return None

    def in_force(self, body: dict[str, Any]) -> bool:
        """Return whether a rule has not been cleared."""
        with self._lock:
            return any(rule.body is body for rule in self._rules)
