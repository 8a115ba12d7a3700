"""Peak memory of processes while something is measured, by sampling /proc."""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class PeakMemory(threading.Thread):
    """Samples the memory of every process that has a marker in its environment, in MiB (PSS)."""

    def __init__(self, marker: str, every: float = 1.0) -> None:
        """`every` is in seconds; a sample costs some milliseconds."""
        super().__init__(daemon=True)
        self.marker, self.every, self.over = marker.encode(), every, threading.Event()
        self.peak: Counter[str] = Counter()

    def run(self) -> None:
        """Sample until it is over."""
        while not self.over.wait(self.every):
            now: Counter[str] = Counter()
            for process in Path("/proc").glob("[0-9]*"):
                now.update(self._of(process))
            if now.total() > self.peak.total():
                self.peak = now

    def lap(self) -> Counter[str]:
        """What Spark, Airflow and the rest had when all had most, since the last lap."""
        peak, self.peak = self.peak, Counter()
        return peak

    def _of(self, process: Path) -> dict[str, int]:
        try:
            if self.marker not in (process / "environ").read_bytes():
                return {}
            lines = (process / "smaps_rollup").read_text().splitlines()
            command = (process / "cmdline").read_text()
        except OSError:  # it has ended meanwhile
            return {}
        pss = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) // 1024
        return {_part(command): pss}


def cpu_of(marker: str) -> defaultdict[str, float]:
    """Return the processor seconds so far of every process that has a marker in its environment, by part."""
    found: defaultdict[str, float] = defaultdict(float)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() not in (process / "environ").read_bytes():
                continue
            # Behind the command's name, which may hold anything: 11 and 12 are its own, 13 and 14 its ended children's.
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            command = (process / "cmdline").read_text()
        except OSError:  # it has ended meanwhile
            continue
        found[_part(command)] += sum(map(int, fields[11:15])) / TICKS
    return found


def _part(command: str) -> str:
    return "Spark" if "SparkConnectServer" in command else "Airflow" if "airflow" in command else "jobs"


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
