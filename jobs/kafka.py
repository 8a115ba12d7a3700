"""Kafka, or Azure Event Hubs, which has the same protocol: its address, and sending to it.

Both are named by a connection string as Event Hubs gives it out:
https://learn.microsoft.com/azure/event-hubs/azure-event-hubs-apache-kafka-overview
"""

import os
import re
import socket
from dataclasses import dataclass, field

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.errors import JobError, UsageError
from jobs.session import on_databricks

VARIABLE = "LAKEHOUSE_KAFKA"
SCOPE, KEY = "lakehouse", "kafka"  # of a secret on Databricks
EXAMPLE = "Endpoint=sb://HOST/;SharedAccessKeyName=NAME;SharedAccessKey=KEY"
PORT, PORT_OF_EMULATOR = 9093, 9092
LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
PATIENCE = 30  # seconds for a broker to answer


@dataclass(frozen=True)
class Broker:
    """The address and credentials of a cluster."""

    host: str
    port: int
    secret: str = field(repr=False)  # the connection string itself is the password
    has_tls: bool = True

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    @property
    def options(self) -> dict[str, str]:
        """Options of Spark's Kafka source and sink."""
        quoted = self.secret.replace("\\", "\\\\").replace('"', '\\"')
        # Databricks has Kafka's classes under another name.
        module = f"kafkashaded.{LOGIN_MODULE}" if on_databricks() else LOGIN_MODULE
        return {
            "kafka.bootstrap.servers": self.address,
            "kafka.security.protocol": "SASL_SSL" if self.has_tls else "SASL_PLAINTEXT",
            "kafka.sasl.mechanism": "PLAIN",
            "kafka.sasl.jaas.config": f'{module} required username="$ConnectionString" password="{quoted}";',
            "kafka.max.block.ms": str(PATIENCE * 1000),
        }


def broker() -> Broker:
    """Return the cluster of LAKEHOUSE_KAFKA or, on Databricks, of the secret `kafka` in the scope `lakehouse`.

    Raises UsageError without a usable connection string, JobError when nothing listens at its address.
    """
    found = parse(os.environ.get(VARIABLE) or _secret_of_databricks())
    try:
        socket.create_connection((found.host, found.port), timeout=PATIENCE).close()
    except OSError as error:
        raise JobError(f"cannot reach Kafka at {found.host}:{found.port} ({error}); is it running?") from None
    return found


def _secret_of_databricks() -> str:
    if not on_databricks():
        return ""
    from databricks.sdk.runtime import dbutils

    try:
        return str(dbutils.secrets.get(SCOPE, KEY))
    except Exception:  # of several libraries, depending on the compute: there is no such secret
        return ""


def parse(text: str) -> Broker:
    """Parse a connection string; a port may follow the host. Raises UsageError whose text has no secret."""
    if not text:
        raise UsageError(
            f"nothing says where Kafka is: put {EXAMPLE} into the password of the Airflow connection "
            f"lakehouse_kafka, the environment's {VARIABLE} or, on Databricks, the secret {KEY} of scope {SCOPE}"
        )
    parts = dict(part.split("=", 1) for part in text.strip().strip(";").split(";") if "=" in part)
    missing = [name for name in ("Endpoint", "SharedAccessKeyName", "SharedAccessKey") if not parts.get(name)]
    if missing:
        raise UsageError(f"{VARIABLE} has no {missing[0]}; it is written as {EXAMPLE}")
    address = re.fullmatch(r"sb://([A-Za-z0-9._-]+)(?::([0-9]{1,5}))?/?", parts["Endpoint"])
    if not address or int(address[2] or 1) not in range(1, 65536):
        raise UsageError(f"the Endpoint of {VARIABLE} is no address like sb://HOST/ or sb://HOST:PORT/")
    # Microsoft's own word for a broker on this machine, without certificates.
    is_emulator = parts.get("UseDevelopmentEmulator", "").lower() == "true"
    port = int(address[2] or (PORT_OF_EMULATOR if is_emulator else PORT))
    return Broker(address[1], port, text.strip(), has_tls=not is_emulator)


def send(rows: DataFrame, source: Source, broker: Broker) -> None:
    """Send rows as JSON to the topic named like their source, each under its key.

    Raises JobError when the cluster does not accept them; some may have arrived.
    """
    # The same text as in the files of the landing zone.
    value = F.to_json(F.struct(*source.fields), {"timestampFormat": "yyyy-MM-dd HH:mm:ss.SSS"})
    messages = rows.select(
        F.concat_ws(",", *[F.col(name).cast("string") for name in source.key]).alias("key"),
        value.alias("value"),
    )
    try:
        messages.write.format("kafka").options(**broker.options).option("topic", source.name).save()
    except PySparkException as error:
        raise refusal("did not take a batch", broker, error) from None


def refusal(what: str, broker: Broker, error: PySparkException | None = None) -> JobError:
    """Return an error of one line: what the cluster did not do, and why."""
    said = f"Kafka at {broker.host}:{broker.port} {what}"
    if error is None:
        return JobError(said)
    causes = re.findall(r"org\.apache\.kafka\.[\w.]*\.(\w+Exception: [^\n]+)", str(error))
    return JobError(f"{said}: {(causes[-1] if causes else str(error).splitlines()[0])[:300]}")
