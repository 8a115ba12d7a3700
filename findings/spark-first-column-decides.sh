#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# Whether error messages name the line that made a column is decided for the whole process by the first Column that is
# made in it, and so is what a Column costs. If a session is active by then, each call of `F.col`, `==`, `.cast` and so
# on walks up the stack and tries to import IPython; where that is not installed, Python looks for it each time, in every
# folder of `sys.path`. If the first Column is made earlier, such as in a constant of a module that is imported before
# there is a session, neither is done, and messages name no line. The same holds in a classic session.
# The setting `spark.python.sql.dataFrameDebugging.enabled` is read at that moment too, so setting it later does nothing.
#
# Seen, of 100 pairs of `F.col(…)` and `==` with a session:
#   first column before the session  searches for IPython: 0    the message names the line: False
#   first column after it            searches for IPython: 200  the message names the line: True
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyspark[connect]==4.1.3"
cd "$folder"
cat > tried.py <<'PYTHON'
import sys

from pyspark.sql import SparkSession
from pyspark.sql.connect import functions as F


class Counting:
    searches = 0

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        cls.searches += name == "IPython"


sys.meta_path.insert(0, Counting)
when = sys.argv[1]
if when == "before":
    F.col("a")
spark = SparkSession.builder.remote("local[1]").config("spark.ui.enabled", "false").getOrCreate()
F.col("a")
Counting.searches = 0
for _ in range(100):
    F.col("a") == 1
searches = Counting.searches
try:
    spark.sql("SELECT 'x' AS a").select(F.col("a").cast("int")).collect()
    said = ""
except Exception as error:
    said = str(error)
where = {"before": "before the session", "after": "after it"}[when]
print(f"first column {where:18}  searches for IPython: {searches:<3}  the message names the line: {'tried.py' in said}")
spark.stop()
PYTHON
for when in before after; do
  "$folder/venv/bin/python" tried.py $when >> seen 2> log || { tail -20 log >&2; exit 1; }
done
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
