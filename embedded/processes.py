"""Processes of the stack: started detached, known by pid and start time, stopped with all they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TAG = "LAKEHOUSE_STACK"
STOP_SECONDS = 20.0
KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Record:
    """What is remembered of a started process. A pid alone may be another program's by now."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether the very process that was started still runs."""
        return started_at(self.pid) == self.started


class Processes:
    """The processes of one stack, recorded under its folder."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.pids = run_dir / "pids"

    def start(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        """Start it in a session of its own, output appended to the log.

        What one of that name left behind when it was killed is ended first: nobody would know of it any more.
        """
        self._end([name])
        self.pids.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=self.run_dir,
                env={**environment, TAG: str(self.run_dir)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = {"pid": process.pid, "started": started_at(process.pid)}
        (self.pids / f"{name}.json").write_text(json.dumps(record))

    def runs(self, name: str) -> bool:
        """Whether the process that was started under this name is there."""
        record = self._record(name)
        return record is not None and record.alive

    def names(self) -> list[str]:
        """Every process that was started and not stopped yet, alive or not; the latest first."""
        files = sorted(self.pids.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        return [file.stem for file in files]

    def stop(self, first: str) -> list[str]:
        """Stop all of them and whatever they left behind; give the names of those that ran.

        `first` goes before the rest, so that it can still tell the others how its work ended.
        """
        names = self.names()
        running = [name for name in names if self.runs(name)]
        self._end([first])
        self._end(names)
        for name in names:
            (self.pids / f"{name}.json").unlink()
        return running

    def _end(self, names: list[str]) -> None:
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            deadline = time.monotonic() + seconds
            _signal(self._members(names), number)
            while self._members(names) and time.monotonic() < deadline:
                time.sleep(0.1)

    def _members(self, names: list[str]) -> set[int]:
        """Pids of these processes' sessions; for all names, also of what carries this stack's tag."""
        records = [record for name in names if (record := self._record(name))]
        sessions = {record.pid for record in records if record.alive or not started_at(record.pid)}
        strays = _with_variable(f"{TAG}={self.run_dir}") if set(names) >= set(self.names()) else set()
        return _of_sessions(sessions) | strays

    def _record(self, name: str) -> Record | None:
        try:
            return Record(**json.loads((self.pids / f"{name}.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None


def started_at(pid: int) -> str:
    """When that process started, in the system's own words; empty if it has ended."""
    fields = _stat(pid)
    if fields:
        return "" if fields[0] == "Z" else fields[19]
    if Path("/proc/self/stat").exists():
        return ""
    return subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], check=False, capture_output=True, text=True
    ).stdout.strip()


def _of_sessions(sessions: set[int]) -> set[int]:
    """Living processes of these sessions; where there is no /proc, their leaders."""
    if not Path("/proc/self/stat").exists():
        return {pid for pid in sessions if started_at(pid)}
    stats = ((pid, _stat(pid)) for pid in _all_pids())
    return {pid for pid, stat in stats if stat and stat[0] != "Z" and int(stat[3]) in sessions}


def _with_variable(variable: str) -> set[int]:
    """Living processes that were started with this variable (where /proc shows it), never this one."""
    found = set()
    for pid in _all_pids():
        with suppress(OSError):
            if variable.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
    return found - {os.getpid()}


def _all_pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name: state first, start time the twentieth."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) == pid:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
