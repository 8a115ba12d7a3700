"""The jobs contain nothing that Databricks' serverless compute refuses.

Source: "Serverless compute limitations" and "Spark properties you can set" in Databricks' documentation.
"""

import ast
import re
from collections.abc import Collection, Iterator

import pytest
from pyspark.errors import AnalysisException

from jobs import compiling
from jobs.cli.parser import parse
from jobs.delta.lake import Lake
from tests.support.project import PROJECT

FILES = sorted(
    [
        *(PROJECT / "jobs").rglob("*.py"),
        *(PROJECT / "expectations").rglob("*.py"),
        # What starts it is for Spark here alone.
        *(PROJECT / "pipelines").glob("[!_]*.py"),
    ]
)

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
        "registerJavaFunction",
        "registerJavaUDAF",
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
# Refused, and done without: see the test below.
TOLERATED = {"spark.databricks.delta.commitInfo.userMetadata"}
# Never set there, and by this file alone: see the test below.
ELSEWHERE = {"jobs/compiling.py": frozenset(compiling.FOR_FEW_ROWS)}
# No setting of the session: an option that one write is given.
OF_A_WRITE = {"spark.sql.variant.inferShreddingSchema"}


def _streams(tree: ast.Module) -> dict[str, str]:
    """The code of everything that was assigned to a name, for chains that go on on another line."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for name in node.targets:
                found[ast.unparse(name)] = found.get(ast.unparse(name), "") + ast.unparse(node.value)
    return found


def _starts_a_stream_that_never_ends(call: ast.Call, bound: dict[str, str]) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in {"start", "toTable"}:
        return False
    chain = ast.unparse(call.func.value)
    names = {node.id for node in ast.walk(call.func.value) if isinstance(node, ast.Name)}
    chain += "".join(bound.get(name, "") for name in names)
    return "writeStream" in chain and "availableNow=True" not in chain


def breaches(source: str, elsewhere: Collection[str] = ()) -> Iterator[str]:
    """What serverless would refuse in a piece of Python, in words."""
    tree = ast.parse(source)
    bound = _streams(tree)
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
            set_in_sql = re.match(r"\s*SET\s+(spark\.[\w.]+)", node.value, re.IGNORECASE)
            key = set_in_sql[1] if set_in_sql else node.value
            if re.fullmatch(r"spark\.[\w.]+", key) and key not in SETTABLE | TOLERATED | OF_A_WRITE | {
                *elsewhere
            }:
                yield f"line {node.lineno}: {key} cannot be set"
        if isinstance(node, ast.Call) and _starts_a_stream_that_never_ends(node, bound):
            yield f"line {node.lineno}: a stream without trigger(availableNow=True)"


def test_serverless_runs_this_file():
    """Each of them: whatever breaks the rule is listed with its file and line."""
    texts = {str(file.relative_to(PROJECT)): file.read_text() for file in FILES}
    found = {file: list(breaches(text, ELSEWHERE.get(file, ()))) for file, text in texts.items()}
    assert len(found) > 60, "all files are looked at"
    assert {file: lines for file, lines in found.items() if lines} == {}


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
        "frame.writeStream.format('delta').start('x')",
        "frame.writeStream.toTable('x')",
        "w = frame.writeStream.format('delta')\nw = w.option('a', 'b')\nw.start()",
        "spark.sql('SET spark.sql.adaptive.enabled = false')",
        "spark.udf.registerJavaFunction('f', 'C')",
    ],
)
def test_what_serverless_refuses_is_found(line):
    assert len(list(breaches(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "frame.writeStream.trigger(availableNow=True).start()",
        "w = frame.writeStream.trigger(availableNow=True)\nw.option('a', 'b').toTable('x')",
        "spark.sql('SET spark.sql.ansi.enabled = true')",
        "thread.start()",
    ],
)
def test_what_serverless_runs_is_not_found(line):
    assert list(breaches(line)) == []


def test_a_setting_that_is_refused_stops_no_job():
    class Refusing:
        conf = property(lambda self: self)
        asked: list[str] = []

        def set(self, key, value):
            self.asked.append(key)
            raise AnalysisException(f"[CONFIG_NOT_AVAILABLE] Configuration {key} is not available.")

    settings = parse(["silver", "--night=2024-03-05", "--home=lake"])
    Lake(Refusing(), settings).sign_commits()
    assert set(Refusing.asked) == TOLERATED


def test_settings_of_other_servers_are_not_even_asked_for(monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.4")
    settings = parse(["bronze", "--night=2024-03-05", "--home=lake"])
    assert not compiling.pays_to_interpret(settings)
    with compiling.interpreted(Lake(object(), settings), are_few=True):
        pass
