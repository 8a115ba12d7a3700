"""Processes of the stack: started detached, known by pid and start time, stopped with all they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from catalog.lock import held
from embedded.errors import Refused

TAG = "LAKEHOUSE_STACK"
STOP_SECONDS = 20.0
KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Started:
    """Identity of a started process. Its pid alone may have been reused by another program."""

    pid: int
    started: str  # since the machine was started, as a rule
    boot: str = ""  # which start of the machine; earlier versions did not write it down

    @property
    def is_of_this_boot(self) -> bool:
        """Whether the machine has not been started again since; if it has, nothing of the process is left."""
        return self.boot in ("", boot())

    @property
    def alive(self) -> bool:
        """Whether the process that was started is still running."""
        return self.is_of_this_boot and started_at(self.pid) == self.started


class Processes:
    """The processes of one stack; files under its folder list them."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.pids = run_dir / "pids"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other command starts or stops processes of this stack, and keep others waiting meanwhile."""
        with held(self.run_dir / "lock", waits=True):
            yield

    @contextmanager
    def only(self, command: str) -> Iterator[None]:
        """Let no other of this command work on this stack meanwhile. Raises Refused while another does."""
        with held(self.run_dir / f"{command}.lock") as is_only:
            if not is_only:
                raise Refused(
                    f"another `make {command}` is at work on this lake: wait until it has ended, then the same again"
                )
            yield

    def start(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        """Start a process in its own session; its output is appended to the log.

        Children of a killed process of the same name are ended first, since no file would list them any more.
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
        identity = {"pid": process.pid, "started": started_at(process.pid), "boot": boot()}
        (self.pids / f"{name}.json").write_text(json.dumps(identity))

    def runs(self, name: str) -> bool:
        """Whether the process that was started under this name is running."""
        process = self._started(name)
        return process is not None and process.alive

    def began(self, name: str) -> float:
        """Return when a process was started under this name (Unix time)."""
        return (self.pids / f"{name}.json").stat().st_mtime

    def names(self) -> list[str]:
        """Return the names of processes that were started and not stopped, alive or not; the latest first."""
        files = sorted(self.pids.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        return [file.stem for file in files]

    def stop(self, first: str) -> list[str]:
        """Stop all processes and their children; return the names of those that ran.

        `first` is stopped before the rest, so that it can still report to them how its work ended.
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
        """Return the pids in these processes' sessions; for all names, also of processes with this stack's tag."""
        found = [process for name in names if (process := self._started(name))]
        sessions = {
            process.pid
            for process in found
            if process.alive or (process.is_of_this_boot and not started_at(process.pid))
        }
        strays = _with_variable(f"{TAG}={self.run_dir}") if set(names) >= set(self.names()) else set()
        return _of_sessions(sessions) | strays

    def _started(self, name: str) -> Started | None:
        try:
            return Started(**json.loads((self.pids / f"{name}.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None


def boot() -> str:
    """Return what identifies this start of the machine; empty where there is no such thing."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def started_at(pid: int) -> str:
    """Return when a process started, in the system's own format; empty if it has ended."""
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
