# ===- check_trace.py - A trace of sherry-bench ---------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_trace.py TRACE
#
# Of a model with 4 layers, on two threads: a prefill and 8 tokens.
#
# ===----------------------------------------------------------------------=== #
import collections
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    events = json.load(file)["traceEvents"]
names = {e["pid"]: e["args"]["name"] for e in events if e["ph"] == "M"}
titles = [name.split(", ")[1:] for name in names.values()]
assert titles == [["pp8", "2 threads"], ["tg20", "2 threads"]], names
spans = [e for e in events if e["ph"] == "X"]
assert {e["tid"] for e in spans} == {0, 1}
assert all(e["dur"] >= 0 and e["ts"] >= 0 for e in spans)
# The spans of a thread follow one another.
ends = collections.defaultdict(float)
for span in spans:
    thread = span["pid"], span["tid"]
    assert span["ts"] >= ends[thread] - 1e-3, (span, ends[thread])
    ends[thread] = span["ts"] + span["dur"]
# Each weight of each layer, once in a block and thread.
found = collections.Counter(
    (e["tid"], e["args"]["block"], e["args"]["layer"])
    for e in spans
    if e["pid"] == 1 and e["name"] == "linear gate_up"
)
expected = {(t, b, l): 1 for t in range(2) for b in range(8) for l in range(4)}
assert found == expected, found
assert any(e["name"] == "waiting" for e in spans)
