#!/usr/bin/env python3
# ===- check_two_chats.py - Compares an answer with that of a chat alone ---=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""check_two_chats.py OUT EVENTS: what two-chats printed of its first chat has
the tokens, in order, that `sherry-run --chat --json` printed."""
import json
import pathlib
import sys


def main():
    out = pathlib.Path(sys.argv[1]).read_text("utf-8")
    tokens = 0
    for line in pathlib.Path(sys.argv[2]).read_text("utf-8").splitlines():
        event = json.loads(line)
        end = event["event"] == "end"
        wanted = f"first: {event['text']}\n" if end else f"first + {event['text']}\n"
        place = out.find(wanted)
        assert place >= 0, f"{wanted!r} is not in {out!r}"
        out = out[place + len(wanted) :]
        tokens += not end
    assert tokens > 4, tokens


if __name__ == "__main__":
    main()
