#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# A file stream (`readStream` with text, csv, json, …) leaves out files that are old, without a word: those whose time
# lies more than `maxFileAge` (7 days) before the newest file that the stream has read, whatever the clock says. Files
# that are unpacked or copied with their times (unzip, tar, rsync -a, cp -p) are never read, and one file of a device
# whose clock is two months ahead shuts out all others for two months. The other way round, what was read and is as old
# as that is forgotten: touch it, or restore it without its time, and its rows come a second time. A `maxFileAge` longer
# than the time since 1970 ends both; then the stream remembers every file.
#
# Seen (lines read of each file, by default and with maxFileAge = 40000d):
#   a file of today                                            1   1
#   then one of 30 days ago                                    0   1
#   then one of 60 days ahead, and one of today                1   2
#   a file of 10 days ago, one of today, the first touched     3   2
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import os
import time
from pathlib import Path

from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


class Stream:
    """A folder, and a stream that reads it when asked."""

    made = 0

    def __init__(self, age: str) -> None:
        Stream.made += 1
        self.root, self.age = Path(f"stream{Stream.made}").absolute(), age
        (self.root / "in").mkdir(parents=True)

    def file(self, name: str, days: float) -> None:
        path = self.root / "in" / name
        if not path.exists():
            path.write_text(f"{name}\n")
        moment = time.time() + days * 86400
        os.utime(path, (moment, moment))

    def lines(self) -> int:
        """Lines read by another run of the stream."""
        before = self.total()
        reader = spark.readStream.format("text")
        if self.age:
            reader = reader.option("maxFileAge", self.age)
        writer = reader.load(str(self.root / "in")).writeStream.format("text")
        writer = writer.option("checkpointLocation", str(self.root / "log")).trigger(availableNow=True)
        writer.start(str(self.root / "out")).awaitTermination()
        return self.total() - before

    def total(self) -> int:
        return sum(len(part.read_text().splitlines()) for part in (self.root / "out").glob("part-*"))


def cases(age: str) -> dict[str, int]:
    found = {}
    one = Stream(age)
    one.file("a", 0)
    found["a file of today"] = one.lines()
    one.file("b", -30)
    found["then one of 30 days ago"] = one.lines()
    one.file("c", 60)
    read = one.lines()
    one.file("d", 0)
    found["then one of 60 days ahead, and one of today"] = read + one.lines()
    two = Stream(age)
    two.file("a", -10)
    read = two.lines()
    two.file("b", 0)
    read += two.lines()
    two.file("a", 0.001)
    found["a file of 10 days ago, one of today, the first touched"] = read + two.lines()
    return found


usual, long = cases(""), cases("40000d")
for what, lines in usual.items():
    print(f"{what:56} {lines:3} {long[what]:3}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
