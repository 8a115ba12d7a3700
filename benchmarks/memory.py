"""Peak memory of processes while something is measured, by sampling /proc."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server import TICKS


class PeakMemory(threading.Thread):
    """Samples the memory of every process that has a marker in its environment, in MiB (PSS)."""

    def __init__(self, marker: str, every: float = 1.0) -> None:
        """`every` is in seconds; a sample costs some milliseconds."""
        super().__init__(daemon=True)
        self.marker, self.every, self.over = marker, every, threading.Event()
        self.peak: Counter[str] = Counter()

    def run(self) -> None:
        """Sample until it is over."""
        while not self.over.wait(self.every):
            now: Counter[str] = Counter()
            for process, part in marked(self.marker):
                now[part] += _memory(process)
            if now.total() > self.peak.total():
                self.peak = now

    def lap(self) -> Counter[str]:
        """What Spark, Airflow and the rest had when all had most, since the last lap."""
        peak, self.peak = self.peak, Counter()
        return peak


def marked(marker: str) -> Iterator[tuple[Path, str]]:
    """Yield every process that has a marker in its environment, by its folder, and which part of the stack it is."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if marker.encode() in (process / "environ").read_bytes():
                command = (process / "cmdline").read_text()
                is_spark, is_airflow = "SparkConnectServer" in command, "airflow" in command
                yield process, "Spark" if is_spark else "Airflow" if is_airflow else "jobs"


def _memory(process: Path) -> int:
    """The memory of a process, in MiB (PSS); 0 of one that has ended meanwhile."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) // 1024


def cpu_of(marker: str) -> dict[str, float]:
    """Return the processor seconds so far of all processes with a marker and of their ended children, by part."""
    found: Counter[str] = Counter()
    for process, part in marked(marker):
        with suppress(OSError):
            # Behind the command's name, which may hold anything: own ones, and those of ended children.
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            found[part] += sum(map(int, fields[11:15]))
    return {part: ticks / TICKS for part, ticks in found.items()}


@contextmanager
def peak_memory(marker: str) -> Iterator[PeakMemory]:
    """Sample twice a second for as long as something runs; the peak stays when it is over."""
    memory = PeakMemory(marker, every=0.5)
    memory.start()
    try:
        yield memory
    finally:
        memory.over.set()
        memory.join()
