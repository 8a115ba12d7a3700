#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# A VARIANT column that is written to Parquet does not come back as it was. Spark 4.1 looks at the rows of a file,
# works out which fields they have, and stores these in columns of their own (`spark.sql.variant.inferShreddingSchema`,
# on unless it is switched off). A field that is an integer in one row and a decimal in another gets one column of
# decimals, and the integer is a decimal afterwards: what type a value has depends on which other devices' values
# were written with it. Written as JSON both look the same. `schema_of_variant`, and whoever finds a new field type by
# it, sees a change where the device sent none; beside a double or a text, or alone, the integer stays one.
# Delta's own writer leaves variants as they are, and so does Spark with the setting off, which can be an option of the
# write.
#
# Seen (types of `v` as parsed, and as read back from Parquet):
#   {"v": 1} beside {"v": 2}         BIGINT         BIGINT
#   {"v": 1} beside {"v": 2.55}      BIGINT         DECIMAL(1,0)
#   {"v": 20} beside {"v": 2.55}     BIGINT         DECIMAL(2,0)
#   {"v": 1} beside {"v": 2.5e3}     BIGINT         BIGINT
#   {"v": 1} beside {"v": "off"}     BIGINT         BIGINT
#   the second with the setting off  BIGINT         BIGINT
#   its JSON                         {"v":1}        {"v":1}
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
TYPE = "schema_of_variant(variant_get(payload, '$.v'))"


def show(what: str, *lines: str, shown: str = TYPE, shredded: str = "true") -> None:
    parsed = spark.createDataFrame(list(enumerate(lines)), "number INT, line STRING").selectExpr(
        "number", "parse_json(line) AS payload"
    )
    writer = parsed.coalesce(1).write.mode("overwrite")
    writer.option("spark.sql.variant.inferShreddingSchema", shredded).parquet("payloads")
    both = (parsed, spark.read.parquet("payloads"))
    first, again = (rows.where("number = 0").selectExpr(shown).first()[0] for rows in both)
    print(f"{what:32} {first:14} {again}")


for one, other in (("1", "2"), ("1", "2.55"), ("20", "2.55"), ("1", "2.5e3"), ("1", '"off"')):
    lines = [f'{{"v": {value}}}' for value in (one, other)]
    show(" beside ".join(lines), *lines)
mixed = ('{"v": 1}', '{"v": 2.55}')
show("the second with the setting off", *mixed, shredded="false")
show("its JSON", *mixed, shown="to_json(payload)")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
