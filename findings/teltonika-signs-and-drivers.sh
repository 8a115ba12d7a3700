#!/usr/bin/env bash
# complete-teltonika-parser 0.3.4, teltonika-parser 0.0.15 (Node.js 20)
#
# A tracker of a truck (Teltonika, codec 8) sends numbers by their width, and which of them have a sign is in the table
# of its parameters alone. complete-teltonika-parser reads all without one, teltonika-parser all of two and four bytes
# with one. So a cold store at -5.5 °C, which is -55 tenths, is at 429496724.1 °C in the one, and in the other every
# second cell of the mobile network and area of it has a negative number, and joins no table of cells. A number of eight
# bytes, such as a driver's key or the SIM card's, is a number up to 2^53 in the one and a text beyond, so a column of
# keys has both; the other takes it for a double, 1.3e-231 for a driver, which is 0 in any column with a number of
# places. Positions, also in the south and west, speed, battery and ignition are right in both, so a test on a summer's
# day shows nothing, and nothing is said. So take sign and width from Teltonika's table: `BigInt.asIntN(32, BigInt(value))`
# gives the one's numbers their sign, `value & 0xffff` takes it from the other's, and keys are best read from the packet.
#
# Seen (in the packet; as read by complete-teltonika-parser, by teltonika-parser):
#   temperature, 0.1 °C, signed    215                   215                     215
#   temperature, 0.1 °C, signed    -55                   4294967241              -55
#   acceleration, mG, signed       -19                   65517                   -19
#   cell of the network, unsigned  24601                 24601                   24601
#   cell of the network, unsigned  50000                 50000                   -15536
#   driver's key, unsigned         439041101             439041101               2.16915125e-315
#   driver's key, unsigned         1152921617001368833   "1152921617001368833"   1.2882619037504982e-231
#   SIM card, unsigned             8937001234567890123   "8937001234567890123"   2.7538470966025197e+289
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund complete-teltonika-parser@0.3.4 teltonika-parser@0.0.15 > log 2>&1 ||
  { tail -20 log >&2; exit 1; }
cat > node.js <<'JS'
const { ProtocolParser } = require("complete-teltonika-parser");
const Parser = require("teltonika-parser");

// What a parameter is, its number in Teltonika's table, its width in bytes and its value.
const CASES = [
  ["temperature, 0.1 °C, signed", 72, 4, 215n],
  ["temperature, 0.1 °C, signed", 72, 4, -55n],
  ["acceleration, mG, signed", 17, 2, -19n],
  ["cell of the network, unsigned", 205, 2, 24601n],
  ["cell of the network, unsigned", 205, 2, 50000n],
  ["driver's key, unsigned", 78, 8, 0x1a2b3c4dn],
  ["driver's key, unsigned", 78, 8, 0x1000001a2b3c4d01n],
  ["SIM card, unsigned", 11, 8, 8937001234567890123n],
];

function crc16(bytes) {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xa001 : sum >>> 1;
  }
  return sum;
}

// A packet of codec 8 with one record, in New York, that has one parameter.
function packet(id, width, value) {
  const bytes = [];
  const add = (number, size) => {
    const digits = BigInt.asUintN(8 * size, BigInt(number)).toString(16).padStart(2 * size, "0");
    bytes.push(...Buffer.from(digits, "hex"));
  };
  [[8, 1], [1, 1], [1709632800000, 8], [0, 1]].forEach(([number, size]) => add(number, size));
  [[-740059280, 4], [407127530, 4], [10, 2], [90, 2], [9, 1], [50, 2]].forEach(([number, size]) => add(number, size));
  [[0, 1], [1, 1]].forEach(([number, size]) => add(number, size));
  for (const size of [1, 2, 4, 8]) {
    add(size === width ? 1 : 0, 1);
    if (size === width) [[id, 1], [value, size]].forEach(([number, each]) => add(number, each));
  }
  add(1, 1);
  const data = Buffer.from(bytes);
  const frame = Buffer.alloc(data.length + 12);
  frame.writeUInt32BE(data.length, 4);
  data.copy(frame, 8);
  frame.writeUInt32BE(crc16(data), data.length + 8);
  return frame;
}

for (const [what, id, width, value] of CASES) {
  const frame = packet(id, width, value);
  const one = new ProtocolParser(frame.toString("hex")).Content.AVL_Datas[0].IOelement.Elements[id];
  const other = new Parser(frame).getAvl().records[0].ioElements[0].value;
  console.log(`${what.padEnd(31)}${String(value).padEnd(22)}${JSON.stringify(one).padEnd(24)}${JSON.stringify(other)}`);
}
JS
node node.js > seen 2> log || { tail -20 log >&2; exit 1; }
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
