"""A real Kafka broker of one node, without ZooKeeper (KRaft), that lets in whom Event Hubs would."""

import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

from tests.support.project import wait_for_port

HERE = Path(__file__).parent
SECONDS = 60  # to start or to stop
# Kafka's own example of an id. A random one may begin with "-", which its tool takes for an option.
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
PROPERTIES = """
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_PLAINTEXT://127.0.0.1:{port}
inter.broker.listener.name=SASL_PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config={login}
offsets.topic.replication.factor=1
num.partitions=2
log.dirs={logs}
"""
LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="$ConnectionString" password="{0}" user_$ConnectionString="{0}";'
)


@dataclass(frozen=True)
class Kafka:
    """A broker that runs."""

    connection_string: str
    log: Path


def free_ports() -> tuple[int, int]:
    """Two ports of localhost that nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def running(folder: Path) -> Iterator[Kafka]:
    """Start a broker with its data in a folder; stop it at the end."""
    port, controller = free_ports()
    text = (
        f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=tests;"
        f"SharedAccessKey={secrets.token_urlsafe(32)};UseDevelopmentEmulator=true"
    )
    properties, log = folder / "server.properties", folder / "broker.log"
    properties.touch(mode=0o600)
    properties.write_text(
        PROPERTIES.format(
            port=port, controller=controller, login=LOGIN.format(text), logs=folder / "messages"
        )
    )
    with log.open("w") as output:
        subprocess.run(
            [*java("kafka.tools.StorageTool"), "format", "-t", CLUSTER, "-c", properties],
            check=True,
            stdout=output,
            stderr=output,
        )
        broker = subprocess.Popen(
            [*java("kafka.Kafka"), properties], stdout=output, stderr=output, start_new_session=True
        )
        try:
            wait_for_port(port, broker, log, SECONDS)
            yield Kafka(text, log)
        finally:
            os.killpg(broker.pid, signal.SIGTERM)
            broker.wait(SECONDS)


def java(main: str) -> list[str]:
    """Run a class of Kafka's."""
    home = os.environ.get("JAVA_HOME")
    program = Path(home, "bin/java") if home else "java"
    # Spark's resolver leaves out Scala's library, since Spark brings it along.
    scala = next((Path(pyspark.__file__).parent / "jars").glob("scala-library-*.jar"))
    return [str(program), "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{HERE / 'jars'}/*:{scala}", main]
