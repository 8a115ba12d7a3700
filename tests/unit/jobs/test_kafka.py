"""Where Kafka is, and the secret that lets in: what is made of a connection string, without Spark."""

from datetime import date

import pytest

from jobs import kafka
from jobs.delta.lake import Lake
from jobs.errors import JobError, UsageError
from jobs.settings import Settings
from jobs.stream import stage
from jobs.stream.arguments import Options
from tests.support.project import free_port

KEY = "kept/to=ourselves+"
EVENT_HUBS = f"Endpoint=sb://lake.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey={KEY}="


def test_a_broker_that_is_away_is_said_at_once(monkeypatch, tmp_path):
    port = free_port()
    streamed = Options("live_sensors", 10, 5, 20, "kafka", 100)
    settings = Settings(
        "stream", date(2024, 3, 5), "test", tmp_path, "spark_catalog", "", frozenset(), options=streamed
    )
    monkeypatch.setenv(kafka.VARIABLE, EVENT_HUBS.replace("lake.servicebus.windows.net", f"127.0.0.1:{port}"))
    with pytest.raises(JobError, match=f"cannot reach Kafka at 127.0.0.1:{port}"):
        stage.run(Lake(None, settings))  # before Spark is asked for anything


def test_event_hubs_is_reached_with_tls_and_its_connection_string_as_the_password():
    options = kafka.parse(EVENT_HUBS).options
    assert options["kafka.bootstrap.servers"] == "lake.servicebus.windows.net:9093"
    assert options["kafka.security.protocol"] == "SASL_SSL"
    assert f'username="$ConnectionString" password="{EVENT_HUBS}";' in options["kafka.sasl.jaas.config"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lakehouse_kafka"),
        (EVENT_HUBS.replace("SharedAccessKey=", "Key="), "has no SharedAccessKey"),
        ("localhost:9092", "has no Endpoint"),
        (EVENT_HUBS.replace("sb://", "https://"), "no address like sb://"),
        (EVENT_HUBS.replace(".net/", ".net:70000/"), "no address like sb://"),
    ],
)
def test_a_connection_string_that_is_none_is_refused_without_repeating_it(text, says):
    with pytest.raises(UsageError, match=says) as refused:
        kafka.parse(text)
    assert KEY not in str(refused.value) and "\n" not in str(refused.value)


def test_what_holds_the_secret_does_not_show_it():
    assert KEY not in repr(kafka.parse(EVENT_HUBS))
