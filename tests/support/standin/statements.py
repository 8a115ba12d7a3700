"""The stand-in's SQL warehouse: a process with a session on its Spark, which executes statements one by one."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.project import PROJECT


class Statements:
    """Executes statements; its process starts with the first."""

    def __init__(self, python: Path, remote: Callable[[], str]) -> None:
        self._python = python
        self._remote = remote
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, statement: dict[str, Any]) -> dict[str, Any]:
        """Execute one; give `columns` (name and type) and `rows`, or an `error`."""
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [self._python, "-m", "tests.support.standin.statements"],
                    cwd=PROJECT,
                    env=os.environ | {"SPARK_REMOTE": self._remote()},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps(statement) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process, whose session would outlive the server."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.wait(60)


def _executed(spark: Any, statement: str, parameters: list[dict[str, str]]) -> dict[str, Any]:
    from pyspark.errors import PySparkException

    # Delta 4.4.0 puts a parser before that of Spark 4.1.3 which binds no parameters: literals, in which nothing is read.
    literals = {each["name"]: _literal(each["type"], each["value"]) for each in parameters}
    try:
        frame = spark.sql(re.sub(r":(p\d+)\b", lambda marker: literals[marker[1]], statement))
        columns = [(field.name, field.dataType.simpleString().upper()) for field in frame.schema.fields]
        return {"columns": columns, "rows": [[_text(value) for value in row] for row in frame.collect()]}
    except PySparkException as error:
        return {"error": str(error)}


def _literal(kind: str, text: str) -> str:
    return f"CAST(decode(X'{text.encode().hex()}', 'UTF-8') AS {kind})"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(value, default=str) if isinstance(value, (list, dict)) else str(value)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever is printed is for the log
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    for line in sys.stdin:
        answers.write(json.dumps(_executed(spark, **json.loads(line))) + "\n")
        answers.flush()
    spark.stop()


if __name__ == "__main__":
    _serve()
