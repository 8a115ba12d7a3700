#!/usr/bin/env bash
# pyspark 4.1.3 (Hadoop 3.4.2; Java 17 or 21)
#
# A .gz with zeros behind its end, as tapes, block devices and flash cards leave it and the format's tools expect:
# `gzip -d` decompresses it and says nothing but a warning, Python's gzip skips the zeros. Spark cannot read it: after
# the end it takes the zeros for another member. Few zeros are an end of file that comes too early, many are "not a gzip
# file", so the same card gives two errors; a second member behind the first, which is valid as well, is read.
#
# Seen (lines by gzip -d, by Python, by Spark):
#   plain               3   3   3
#   two members         6   6   6
#   4 zeros behind      3   3   java.io.EOFException
#   512 zeros behind    3   3   java.io.IOException: not a gzip file
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import gzip
import re
import subprocess
from pathlib import Path

from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
member = gzip.compress(b"1\n2\n3\n")
files = {
    "plain": member,
    "two members": member * 2,
    "4 zeros behind": member + bytes(4),
    "512 zeros behind": member + bytes(512),
}
for name, content in files.items():
    path = Path(f"{name.replace(' ', '-')}.txt.gz").absolute()
    path.write_bytes(content)
    # Exit status 2 is a warning.
    tool = subprocess.run(["gzip", "-dc", path], capture_output=True, check=False)
    python = gzip.decompress(content)
    try:
        by_spark = spark.read.text(str(path)).count()
    except Exception as error:
        by_spark = re.findall(r"Caused by: (java\.io\.\w+(?:: not a gzip file)?)", str(error.java_exception) + str(error))
        by_spark = by_spark[-1] if by_spark else str(error).splitlines()[0]
    print(f"{name:19} {len(tool.stdout.splitlines())}   {len(python.splitlines())}   {by_spark}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
