"""Tables and schemas come into being once."""

from typing import Any

from jobs import store


class Listening:
    """The session, and a list of the statements that it was given."""

    def __init__(self, spark: Any) -> None:
        self._spark, self.statements = spark, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark, name)

    def sql(self, statement: str) -> Any:
        self.statements.append(statement)
        return self._spark.sql(statement)


def test_a_schema_that_is_there_is_not_asked_for_again(spark, lake):
    settings, first, second = lake("report"), Listening(spark), Listening(spark)
    store.ensure(first, settings, ["ops.job_runs"])
    assert [line for line in first.statements if line.startswith("CREATE SCHEMA")]
    store.ensure(second, settings, ["ops.job_runs"])
    assert second.statements == [f"SHOW TABLES IN {settings.schema('ops')}"]
