"""Peak memory of processes while something is measured, by sampling /proc."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
        return {
            "Spark" if "SparkConnectServer" in command else "Airflow" if "airflow" in command else "jobs": pss
        }


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
