"""The one Spark session of a job, whoever provides it; a retry takes over that of the attempt before it."""

import logging
import os
import socket
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.errors import JobError
from jobs.settings import Settings

# PySpark prints what it raises to stderr as well, as JSON; users get one line, and what is unexpected a traceback.
for _name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
    logging.getLogger(_name).disabled = True

# On a Spark Connect server. A session that is let go is closed by whichever thread collects garbage; one of gRPC's
# own would wait for itself then, and the process with it. So none is ever let go.
_opened: list[SparkSession] = []


def connect(settings: Settings) -> SparkSession:
    """Return the job's session, after ending what an earlier attempt of the same task left running.

    With SPARK_REMOTE, a session on that Spark Connect server; its id is derived from run and step, so a retry gets
    its predecessor's session. On Databricks, the session of the compute that runs the job; there the orchestrator
    ends an earlier attempt.

    Raises JobError when there is neither, or the server cannot be reached.
    """
    if on_databricks():
        return _configured(SparkSession.builder.getOrCreate())
    remote = os.environ.get("SPARK_REMOTE")
    if not remote:
        raise JobError(
            "SPARK_REMOTE is not set, so there is no Spark to work on; `python3 -m embedded job …` sets it, "
            "or give the URL of a Spark Connect server, sc://…"
        )
    return _configured(_take_over(remote, settings))


def is_reachable() -> bool:
    """Whether the Spark of the job's session still answers."""
    try:
        if not on_databricks():
            knock(os.environ.get("SPARK_REMOTE", ""))
    except JobError:
        return False
    return True


def close() -> None:
    """Close the sessions on a Spark Connect server, which would keep them in memory for an hour."""
    for session in _opened:
        session.stop()


def _configured(session: SparkSession) -> SparkSession:
    for key, value in {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}.items():
        session.conf.set(key, value)
    return session


def on_databricks() -> bool:
    """Whether this process runs on Databricks' compute, which alone sets this variable."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


def workspace() -> str:
    """Return the host of the Databricks workspace whose compute runs this process; empty elsewhere.

    Only the environment says it, if somebody has set that: serverless compute gives no setting of Spark's.
    """
    host = os.environ.get("DATABRICKS_HOST") or "workspace"
    return host.removeprefix("https://").rstrip("/") if on_databricks() else ""


def _session_ids(settings: Settings) -> Iterator[str]:
    # A session that has ended cannot be opened again under its id, and nothing runs in it any more.
    for generation in range(100):
        yield str(uuid.uuid5(uuid.NAMESPACE_URL, f"{settings.run_id}/{settings.step}/{generation}"))


def _take_over(remote: str, settings: Settings) -> SparkSession:
    # Not public, and needed only here: the Spark of Databricks may have it elsewhere.
    from pyspark.sql.connect.client.retries import DefaultPolicy

    knock(remote)
    separator = "" if remote.endswith(";") else ";" if "/;" in remote else "/;"
    for session_id in _session_ids(settings):
        try:
            session: SparkSession = SparkSession.builder.remote(
                f"{remote}{separator}session_id={session_id}"
            ).create()
            _opened.append(session)
            # Spark's own policy hides a lost server for ten minutes; the orchestrator retries better.
            session.client.set_retry_policies([DefaultPolicy(max_retries=10, max_backoff=5_000)])  # type: ignore[operator]
            session.interruptAll()
            for query in session.streams.active:
                query.stop()
            return session
        except PySparkException as error:
            text = str(error)
            if "SESSION_CLOSED" in text or "SESSION_NOT_FOUND" in text or "SESSION_CHANGED" in text:
                # Other threads would take it for the one to ask.
                session.release_session_on_close = False  # type: ignore[attr-defined]
                session.stop()
                continue
            raise JobError(_unreachable(remote, text)) from None
        except Exception as error:  # grpc raises its own kinds before Spark has a say
            raise JobError(_unreachable(remote, str(error))) from None
    raise JobError(f"a hundred sessions of run {settings.run_id} have ended; run it under another --run-id")


def knock(remote: str) -> None:
    """Raise JobError at once when no server listens, instead of after Spark's ten minutes of retries."""
    try:
        address = urlsplit(remote)
        socket.create_connection((address.hostname or "", address.port or 15002), timeout=10).close()
    except (OSError, ValueError) as error:  # ValueError: an address that is none
        raise JobError(_unreachable(remote, str(error))) from None


def _unreachable(remote: str, text: str) -> str:
    address = remote.split("/;")[0]
    if "nvalid authentication token" in text or "UNAUTHENTICATED" in text:
        return f"the Spark Connect server at {address} refused the token; check the connection's password"
    cause = next(
        (line.strip() for line in text.splitlines() if "details" in line), text.splitlines()[0][:200]
    )
    return f"cannot reach the Spark Connect server at {address} ({cause}); is it running?"
