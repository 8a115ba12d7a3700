"""The content of the tests' wheel; it runs in an environment where the tests' own modules are not."""

import json
import os
import sys
import time
from pathlib import Path


def show() -> str:
    installed = {
        name: __import__("importlib.util").util.find_spec(name) is not None for name in ("pyspark", "jobs")
    }
    print(
        json.dumps(
            {
                "argv": sys.argv,
                "cwd": [path.name for path in Path().iterdir()],
                "environ": dict(os.environ),
                "installed": installed,
            }
        )
    )
    print("to stderr", file=sys.stderr)
    return "ignored"


def fail() -> None:
    raise ValueError("as asked")


def leave() -> None:
    sys.exit(int(sys.argv[1]))


def wait() -> None:
    time.sleep(float(sys.argv[1]))


def stage() -> None:
    """What Airflow sees of a stage of the jobs: its result in the data docs.

    It does not end while the lake has a file `held/<stage>`, and refuses where there is a file `refused/<stage>`.
    """
    subcommand, *options = sys.argv[1:]
    given = dict(option.removeprefix("--").split("=", 1) for option in options)
    part = given.get("layer") or (given.get("source") if subcommand == "stream" else None)
    name, home = f"{subcommand}_{part}" if part else subcommand, Path(given["home"])
    while (home / "held" / name).exists():
        time.sleep(0.05)
    refused = (home / "refused" / name).exists()
    outcome = ("refused", 3, "as asked") if refused else ("done", 0, "")
    result = {
        **{"stage": name, "night": given.get("night", "2024-03-05"), "run_id": given["run-id"]},
        **dict(zip(("status", "exit", "message"), outcome, strict=True)),
        **dict.fromkeys(("started_at", "ended_at"), "2024-03-06T01:00:00+00:00"),
        **{"seconds": 0.0, "tables": [], "pages": []},
    }
    file = home / "data-docs" / "runs" / given["run-id"] / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result))
    sys.exit(result["exit"])


def tables() -> None:
    from pyspark.sql import SparkSession

    home = sys.argv[1].removeprefix("--home=")
    landing = Path(home) / "landing"
    spark = SparkSession.builder.getOrCreate()
    spark.sql("CREATE TABLE main.tiny.t (id BIGINT, v STRING)")
    spark.createDataFrame([(1, "a"), (2, "b")], "id BIGINT, v STRING").write.mode("append").saveAsTable(
        "main.tiny.t"
    )
    spark.createDataFrame([(2, "c"), (3, "d")], "id BIGINT, v STRING").createOrReplaceTempView("news")
    spark.sql(
        "MERGE INTO main.tiny.t USING news ON t.id = news.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    ).collect()
    spark.sql("CREATE TABLE main.tiny.lines (value STRING, file STRING)")

    def stream() -> None:
        lines = (
            spark.readStream.format("cloudFiles")
            .option("cloudFiles.format", "text")
            .schema("value STRING")
            .load(f"{landing}/arrived=[0-9][0-9]*")
        )
        writer = lines.select("value", lines["_metadata.file_path"].alias("file")).writeStream
        writer = writer.option("checkpointLocation", f"{home}/checkpoint").trigger(availableNow=True)
        writer.toTable("main.tiny.lines").awaitTermination()

    stream()
    (landing / "arrived=02").mkdir()
    (landing / "arrived=02" / "b.json").write_text("three\n")
    stream()
    refusals = []
    for options in ({"cloudFiles.format": "json"}, {"cloudFiles.format": "text", "cloudFiles.nonsense": "1"}):
        try:
            spark.readStream.format("cloudFiles").options(**options).schema("value STRING").load(home).schema  # noqa: B018
        except Exception as error:
            refusals.append(str(error).splitlines()[0])
    rows = [tuple(row) for row in spark.table("main.tiny.t").orderBy("id").collect()]
    lines = [
        [row.value, row.file.rpartition("/landing/")[2]] for row in spark.table("main.tiny.lines").collect()
    ]
    before = spark.sql("SELECT count(*) FROM main.tiny.t VERSION AS OF 1").collect()[0][0]
    print(json.dumps({"rows": rows, "lines": sorted(lines), "before": before, "refusals": refusals}))
