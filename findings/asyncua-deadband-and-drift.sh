#!/usr/bin/env bash
# asyncua 2.1.0
#
# A subscriber to a noisy sensor asks its OPC UA server for a deadband: report what is more than half a degree away from
# what was reported last. A server made with asyncua compares with the value before instead, reported or not. So a
# temperature that climbs by 0.4 at each write is never reported, however far it climbs, and the subscriber has 20 while
# the sensor has 30; steps of 0.6 are all reported, so a test with a jump shows nothing. With a deadband a sensor's
# fault is not reported either, as its value stays, or is none, nor that the fault has gone. By OPC UA (part 4, 7.22.2)
# the deadband counts from the last value in the subscriber's queue, and is ignored if the status changes. The writer is
# told that all is well, the subscriber nothing, and only of a fault without a value the server's log has a TypeError. A
# deadband in percent reports everything, with a warning in that log. So subscribe without a deadband and thin out on
# arrival.
#
# Seen (what is written after 20; deadband; what the subscriber is told):
#   20.4, 20.8 and so on to 30.0   none        25 values, the last is 30.0
#   20.4, 20.8 and so on to 30.0   0.5         none
#   20.6, 21.2 and so on to 30.2   0.5         17 values, the last is 30.2
#   20.4, 20.8 and so on to 30.0   10 percent  25 values, the last is 30.0
#   20.0, which is uncertain       none        20.0 UncertainSensorNotAccurate
#   20.0, which is uncertain       0.5         none
#   none, as the sensor failed     none        None BadSensorFailure
#   none, as the sensor failed     0.5         none
#   20.0 after the failure         none        None BadSensorFailure, 20.0 Good
#   20.0 after the failure         0.5         none
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet asyncua==2.1.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import asyncio
import socket

from asyncua import Client, Server, ua

UNCERTAIN = ua.DataValue(ua.Variant(20.0), StatusCode=ua.StatusCode(ua.StatusCodes.UncertainSensorNotAccurate))
FAILED = ua.DataValue(ua.Variant(20.0), StatusCode=ua.StatusCode(ua.StatusCodes.BadSensorFailure))
SMALL = [round(20 + 0.4 * step, 1) for step in range(1, 26)]
LARGE = [round(20 + 0.6 * step, 1) for step in range(1, 18)]
ABSOLUTE, PERCENT = 1, 2


class Handler:
    def __init__(self) -> None:
        self.told: list[str] = []

    def datachange_notification(self, node, value, data) -> None:
        self.told.append(f"{value} {data.monitored_item.Value.StatusCode.name}")


async def told(server: Server, client: Client, values: list, deadband: tuple[float, int] | None) -> str:
    """What a new subscriber to a new variable is told of the values that are written to it."""
    variable = await server.nodes.objects.add_variable(2, "temperature", 20.0)
    handler = Handler()
    subscription = await client.create_subscription(20, handler)
    node = client.get_node(variable.nodeid)
    if deadband:
        await subscription.deadband_monitor(node, *deadband)
    else:
        await subscription.subscribe_data_change(node)
    await asyncio.sleep(0.5)
    assert handler.told == ["20.0 Good"]
    for value in values:
        await variable.write_value(value)
    await asyncio.sleep(1)
    await subscription.delete()
    news = handler.told[1:]
    if len(news) > 2:
        return f"{len(news)} values, the last is {news[-1].removesuffix(' Good')}"
    return ", ".join(news) or "none"


async def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"opc.tcp://127.0.0.1:{free.getsockname()[1]}"
    server = Server()
    await server.init()
    server.set_endpoint(url)
    await server.register_namespace("urn:sensors")
    async with server, Client(url) as client:
        for what, values, deadband in (
            ("20.4, 20.8 and so on to 30.0", SMALL, None),
            ("20.4, 20.8 and so on to 30.0", SMALL, (0.5, ABSOLUTE)),
            ("20.6, 21.2 and so on to 30.2", LARGE, (0.5, ABSOLUTE)),
            ("20.4, 20.8 and so on to 30.0", SMALL, (10, PERCENT)),
            ("20.0, which is uncertain", [UNCERTAIN], None),
            ("20.0, which is uncertain", [UNCERTAIN], (0.5, ABSOLUTE)),
            ("none, as the sensor failed", [FAILED], None),
            ("none, as the sensor failed", [FAILED], (0.5, ABSOLUTE)),
            ("20.0 after the failure", [FAILED, 20.0], None),
            ("20.0 after the failure", [FAILED, 20.0], (0.5, ABSOLUTE)),
        ):
            band = "none" if deadband is None else "0.5" if deadband[1] == ABSOLUTE else "10 percent"
            print(f"{what:30} {band:11} {await told(server, client, values, deadband)}")


asyncio.run(main())
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
