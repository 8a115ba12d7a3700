#!/usr/bin/env bash
# paho-mqtt 2.2.0, aiomqtt 2.5.1, mqtt-pattern 2.1.1, mqtt-match 3.0.0, mqtt-wildcard 3.0.9 (Node.js 20)
#
# A program that subscribes to several filters asks a library which of them a message belongs to, as MQTT itself does
# not say. By the standard (MQTT 5.0, 4.7.2) a filter that begins with a wildcard matches no topic that begins with $,
# so a broker keeps its own messages from "#"; but to aiomqtt and all three packages for Node.js they are part of it,
# and once the program has subscribed to $SYS/# or $aws/# as well, the archive of "#" has the broker's counters among
# its readings. Only paho knows the rule. A shared subscription (4.8.2), by which several workers divide the messages,
# is known to aiomqtt alone: to the others no message belongs to it, so that paho never calls the function which
# `message_callback_add` has for it (eclipse-paho/paho.mqtt.python issue 472, open). And to mqtt-pattern + is no level
# that is empty (4.7.1.3). Topics and filters with neither are alike in all, so a test with such shows nothing.
#
# Seen (filter, topic; whether they match by MQTT 5.0; by paho, aiomqtt, mqtt-pattern, mqtt-match, mqtt-wildcard):
#   #             $SYS/broker/load    no    no    yes   yes   yes   yes
#   +/broker/#    $SYS/broker/load    no    no    yes   yes   yes   yes
#   $SYS/#        $SYS/broker/load    yes   yes   yes   yes   yes   yes
#   $share/w/a/+  a/b                 yes   no    yes   no    no    no
#   $share/w/#    $SYS/broker/load    no    no    yes   no    no    no
#   a/+/b         a//b                yes   yes   yes   no    yes   yes
#   +/+           /b                  yes   yes   yes   no    yes   yes
#   a/#           a                   yes   yes   yes   yes   yes   yes
#   a/+           a                   no    no    no    no    no    no
#   a/+           a/b                 yes   yes   yes   yes   yes   yes
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet paho-mqtt==2.2.0 aiomqtt==2.5.1
cd "$folder"
npm install --silent --no-audit --no-fund mqtt-pattern@2.1.1 mqtt-match@3.0.0 mqtt-wildcard@3.0.9 > log 2>&1 ||
  { tail -20 log >&2; exit 1; }
cat > cases.json <<'JSON'
[["#", "$SYS/broker/load", false], ["+/broker/#", "$SYS/broker/load", false], ["$SYS/#", "$SYS/broker/load", true],
 ["$share/w/a/+", "a/b", true], ["$share/w/#", "$SYS/broker/load", false], ["a/+/b", "a//b", true],
 ["+/+", "/b", true], ["a/#", "a", true], ["a/+", "a", false], ["a/+", "a/b", true]]
JSON
cat > node.js <<'JS'
const pattern = require("mqtt-pattern");
const match = require("mqtt-match");
const wildcard = require("mqtt-wildcard");
const found = require("./cases.json").map(([filter, topic]) => [
  pattern.matches(filter, topic),
  match(filter, topic),
  wildcard(topic, filter) !== null,
]);
console.log(JSON.stringify(found));
JS
cat > python.py <<'PYTHON'
import json
import sys
from pathlib import Path

from aiomqtt import Topic
from paho.mqtt.client import topic_matches_sub
from paho.mqtt.matcher import MQTTMatcher

cases = json.loads(Path("cases.json").read_text())
for (wanted, topic, right), by_node in zip(cases, json.load(sys.stdin), strict=True):
    callbacks = MQTTMatcher()
    callbacks[wanted] = True
    by_paho = topic_matches_sub(wanted, topic)
    assert by_paho == any(callbacks.iter_match(topic)), "paho's callbacks are called otherwise"
    found = [right, by_paho, Topic(topic).matches(wanted), *by_node]
    words = ["yes" if each else "no" for each in found]
    print(f"{wanted:13} {topic:19} {' '.join(f'{each:5}' for each in words)}".rstrip())
PYTHON
node node.js > by-node 2> log || { tail -20 log >&2; exit 1; }
"$folder/venv/bin/python" python.py < by-node > seen 2> log || { tail -20 log >&2; exit 1; }
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
