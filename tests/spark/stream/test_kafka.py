"""A stream to Kafka: a real broker takes it, and lets nobody in who does not know its secret.

One broker and one lake for all tests: each has a source, and so a topic, of its own.
"""

import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from catalog.tables import SOURCES
from jobs import kafka
from jobs.bronze import uploads
from jobs.errors import JobError
from jobs.stream.arguments import Options
from jobs.stream.batches import Batch, Checkpoint, rows_of
from tests.support.kafka.broker import Kafka, running

NIGHT = date(2024, 3, 5)
STREAM = Options("live_sensors", 50, 1, 4, "kafka", 100)
KEY = "kept/to=ourselves+"
EVENT_HUBS = f"Endpoint=sb://lake.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey={KEY}="


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(tmp_path_factory.mktemp("kafka")) as found:
        yield found


@pytest.fixture
def lake(module_lake):
    return module_lake


@pytest.fixture
def connected(cluster: Kafka, monkeypatch) -> Kafka:
    monkeypatch.setenv(kafka.VARIABLE, cluster.connection_string)
    return cluster


@pytest.fixture
def stream(run):
    """Run the stage with some options other than those of STREAM; give its one result."""

    def send(**options):
        (result,) = run("stream", night=NIGHT, options=replace(STREAM, **options))
        return result

    return send


@pytest.fixture
def messages(spark, cluster):
    """All messages of a topic, as keys and values."""

    def of(topic: str) -> list:
        reader = spark.read.format("kafka").options(**kafka.parse(cluster.connection_string).options)
        found = reader.option("subscribe", topic).option("startingOffsets", "earliest").load()
        return found.selectExpr("cast(key AS STRING) AS key", "cast(value AS STRING) AS value").collect()

    return of


def test_each_row_is_a_message_under_its_key_and_a_crash_sends_it_again_the_same(
    connected, stream, messages, spark, lake
):
    result = stream()
    assert (result.table, result.rows, result.detail["batches"]) == ("kafka.live_sensors", 200, 4)
    rows = rows_of(spark, "live_sensors", NIGHT, Batch(0, 4, 50), 42)
    as_text = {row.reading_id: row for row in rows.collect()}
    sent = messages("live_sensors")
    assert {int(message.key) for message in sent} == as_text.keys() and len(sent) == 200
    for message in sent:
        value, row = json.loads(message.value), as_text[int(message.key)]
        assert value["reading"] == row.reading and value["device_type"] == row.device_type
        assert value["timestamp"] == f"{row.timestamp:%Y-%m-%d %H:%M:%S}.000"
    # A crash after the broker had taken a batch, and before the checkpoint heard of it.
    file = lake("stream").home / f"checkpoints/stream/live_sensors/kafka/{NIGHT}.json"
    heard = Checkpoint.read(file, 42)
    heard.position = 3
    heard.plan(Batch(3, 4, 50))
    assert stream(duration=1).detail["second_of_night"] == 5
    counted = Counter((message.key, message.value) for message in messages("live_sensors"))
    assert Counter(counted.values()) == {1: 200, 2: 50}


def test_an_event_with_its_payload_is_one_message(connected, stream, messages):
    assert stream(source="iot_events", rows_per_second=100, duration=1).rows == 100
    sent = {message.key: json.loads(message.value) for message in messages("iot_events")}
    assert len(sent) == 100 and all(event["event_id"] == key for key, event in sent.items())
    # A field that is null, as in maintenance, is left out.
    assert {name for event in sent.values() for name in event} == set(SOURCES["iot_events"].fields)
    assert all(isinstance(event["json_column"], dict) for event in sent.values())


@pytest.fixture
def produce(spark, cluster):
    """Send texts to a topic, as somebody else would."""

    def texts(topic: str, *values: str | None) -> None:
        sent = [(None if value is None else value.encode(errors="surrogateescape"),) for value in values]
        writer = spark.createDataFrame(sent, "value BINARY").write.format("kafka")
        writer.options(**kafka.parse(cluster.connection_string).options).option("topic", topic).save()

    return texts


@pytest.fixture
def receive(run):
    """Run the stage; give the number of lines that it landed."""

    def lines(source: str) -> int:
        (result,) = run("receive", night=NIGHT, source=source)
        return result.rows

    return lines


def test_messages_are_landed_once_and_reach_silver_or_quarantine(
    connected, produce, receive, run, lake, accounts, table, monkeypatch
):
    monkeypatch.setattr(uploads, "QUIET", 0)
    site = {"region": "north", "latitude": 1.5, "longitude": 2.5}
    sites = [{"location_id": number, "name": f"Site {number}", **site} for number in range(12)]
    pretty = [json.dumps(each, indent=1) for each in sites[:3]]
    array, pretty_array = json.dumps(sites[3:5]), json.dumps(sites[5:7], indent=2)
    lines = "\r\n".join([*map(json.dumps, sites[7:9]), '{"location_id": 99, "na', ""])
    sequence = f"{json.dumps(sites[9])} {json.dumps(sites[10])}"
    produce("locations", *pretty, array, pretty_array, lines, sequence, "malformed\nfor good", "[]", None, "")
    latin = json.dumps({"location_id": 98, "name": "B?ro", **site}).replace("?", "\udcfc")
    produce("locations", latin)
    assert receive("locations") == 11 + 3
    assert receive("locations") == 0
    produce("locations", json.dumps(sites[11]))
    assert receive("locations") == 1
    for stage in ("bronze", "silver"):
        run(stage, tables=frozenset({"locations"}))
    (account,) = [each for each in accounts("locations").values() if each["landed"]]
    assert account["night"] > NIGHT
    assert account["is_balanced"] and (account["landed"], account["silver"]) == (15, 12)
    assert {row.location_id for row in table("silver.locations").collect()} == {*range(12)}
    came = F.get_json_object("raw", "$._malformed")
    kept = table("ops.quarantine").where("source = 'locations'").select(came.alias("line"))
    assert {row.line for row in kept.collect()} == {
        *('{"location_id": 99, "na', "malformed for good", latin.replace("\udcfc", "\ufffd"))
    }


def test_a_run_that_was_killed_between_its_drafts_and_the_landing_zone_is_made_good_by_the_next(
    connected, produce, receive, lake
):
    produce("devices", '{"device_id": 1}', '{"device_id": 2}', '{"device_id": 3}')
    assert receive("devices") == 3
    folder = lake("receive").landing / "devices"
    drafts = lake("receive").home / "checkpoints/receive/devices/drafts"
    landed = {file.name: file.read_text() for file in folder.glob("*.jsonl")}
    first, *_ = sorted(landed)
    (folder / first).rename(drafts / first.removeprefix("devices-received-").replace(".jsonl", ".txt"))
    # One was landed in full, and had only to appear.
    last = max(landed)
    if last != first:
        (folder / last).rename(folder / f".{last}")
    # What is left of a batch that failed is no message: the batch was written anew.
    (drafts / "part-00000-of-a-failed-batch-c000.txt").write_text('{"device_id": 9}')
    again = landed[first] + landed[last] * (last != first)
    assert receive("devices") == len(again.splitlines())
    assert {file.name: file.read_text() for file in folder.glob("*.jsonl")} == landed


def test_a_topic_that_lost_what_was_not_received_is_said_and_how_to_begin_anew(
    connected, produce, receive, lake
):
    """The topic ends before what was saved as received, as one does that was deleted and made anew."""
    produce("events", *(f'{{"event_id": {number}}}' for number in range(5)))
    assert receive("events") == 5
    folder = lake("receive").home / "checkpoints/receive/events"
    (offsets,) = (folder / "offsets/offsets").glob("[0-9]*")
    *head, ends = offsets.read_text().splitlines()
    further = {"events": {number: end + 5 for number, end in json.loads(ends)["events"].items()}}
    for checksum in offsets.parent.glob(f".{offsets.name}*.crc"):
        checksum.unlink()
    offsets.write_text("\n".join([*head, json.dumps(further)]))
    with pytest.raises(JobError, match="has deleted messages that no run received") as refused:
        receive("events")
    assert str(refused.value).endswith(f"remove the folder {folder}")
    shutil.rmtree(folder)
    assert receive("events") == 5


def test_a_topic_that_is_not_there_is_said_in_one_line(connected, receive):
    with pytest.raises(JobError, match="did not give topic telemetry: ") as refused:
        receive("telemetry")
    assert "\n" not in str(refused.value)


def test_another_secret_is_refused_and_neither_stands_in_what_is_said_or_logged(
    connected, stream, monkeypatch, connect_server
):
    wrong = connected.connection_string.replace("SharedAccessKey=", "SharedAccessKey=not-")
    monkeypatch.setenv(kafka.VARIABLE, wrong)
    with pytest.raises(JobError, match=r"did not take a batch: .*[Aa]uthentication failed") as refused:
        stream(source="transactions")
    assert "\n" not in str(refused.value) and "not-" not in str(refused.value)
    logs = connected.log.read_text() + Path(connect_server["LAKEHOUSE_HOME"], "server.log").read_text()
    assert "SharedAccessKey" not in logs
