#!/usr/bin/env bash
# pyspark 4.1.3 (Hadoop 3.4.2; Java 17 or 21)
#
# A logger that names its files by the time (2025-05-01T06:00:00.csv) stops a reader of its folder on an ordinary local
# disk, where the name is valid. Spark lists the file and then fails to open it: the name of its checksum file, which
# begins with a dot and has a colon, is taken for a URI with a scheme. Files beside it are not read either, and a glob
# fails already when it is resolved. The same name in a folder is no better. There is no quoting that helps: %3A is looked
# for literally. Rename the file before Spark sees it.
#
# Seen (rows read of a folder with this file and one more):
#   06-00.csv                      2
#   06:00.csv                      java.net.URISyntaxException: Relative path in absolute URI
#   06%3A00.csv                    2
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import re
from pathlib import Path

from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
for number, name in enumerate(("06-00.csv", "06:00.csv", "06%3A00.csv")):
    folder = Path(f"drop{number}").absolute()
    folder.mkdir()
    (folder / name).write_text("1\n")
    (folder / "other.csv").write_text("2\n")
    try:
        rows = spark.read.text(str(folder)).count()
    except Exception as error:
        found = re.search(r"java\.net\.URISyntaxException: Relative path in absolute URI", str(error) + str(getattr(error, "java_exception", "")))
        rows = found[0] if found else str(error).splitlines()[0]
    print(f"{name:30} {rows}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
