"""The jobs contain nothing that Databricks' serverless compute refuses.

Source: "Serverless compute limitations" and "Spark properties you can set" in Databricks' documentation.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "jobs").rglob("*.py"), *(ROOT / "expectations").rglob("*.py")])

# Spark Connect has none of these, or serverless does not support them.
REFUSED_NAMES = {
    *(
        "sparkContext",
        "_sc",
        "_jsc",
        "_jdf",
        "_jvm",
        "_jsparkSession",
        "rdd",
        "toDF_rdd",
        "SparkContext",
        "SQLContext",
    ),
    *("cache", "persist", "unpersist", "checkpoint", "localCheckpoint", "cacheTable", "createGlobalTempView"),
    *(
        "createOrReplaceGlobalTempView",
        "foreachBatch",
        "addJar",
        "addFile",
        "hadoopConfiguration",
        "HiveContext",
    ),
}
REFUSED_SQL = (
    r"\b(CACHE\s+TABLE|GLOBAL\s+TEMP|ADD\s+JAR|CREATE\s+FUNCTION|USING\s+HIVE|STORED\s+AS|MSCK|LOAD\s+DATA)\b"
)
REFUSED_PATHS = r"(dbfs:/|/dbfs/|s3a?://|abfss?://|file:/)"
SETTABLE = {
    "spark.sql.ansi.enabled",
    "spark.sql.session.timeZone",
    "spark.sql.shuffle.partitions",
    "spark.sql.legacy.timeParserPolicy",
    "spark.sql.files.maxPartitionBytes",
    "spark.databricks.execution.timeout",
}


def breaches(source: str) -> Iterator[str]:
    """What serverless would refuse in a piece of Python, in words."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in REFUSED_NAMES:
            yield f"line {node.lineno}: .{node.attr}"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in node.names:
                if name.name in REFUSED_NAMES:
                    yield f"line {node.lineno}: import {name.name}"
        if isinstance(node, ast.keyword) and node.arg in {"processingTime", "continuous"}:
            yield f"line {node.value.lineno}: trigger({node.arg}=…)"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            if re.search(REFUSED_SQL, node.value, re.IGNORECASE) or re.search(REFUSED_PATHS, node.value):
                yield f"line {node.lineno}: {node.value[:60]!r}"
            if re.fullmatch(r"spark\.[\w.]+", node.value) and node.value not in SETTABLE:
                yield f"line {node.lineno}: {node.value} cannot be set"


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])
def test_serverless_runs_this_file(file):
    assert list(breaches(file.read_text())) == []


@pytest.mark.parametrize(
    "line",
    [
        "spark.sparkContext.parallelize([1])",
        "frame.rdd.map(len)",
        "frame.cache()",
        "frame.writeStream.trigger(processingTime='10 seconds')",
        "frame.createOrReplaceGlobalTempView('x')",
        "spark.sql('CACHE TABLE x')",
        "spark.read.text('dbfs:/lake')",
        "spark.conf.set('spark.sql.adaptive.enabled', 'false')",
        "from pyspark import SparkContext",
    ],
)
def test_what_serverless_refuses_is_found(line):
    assert len(list(breaches(line))) == 1


def test_all_files_are_looked_at():
    assert len(FILES) > 60
