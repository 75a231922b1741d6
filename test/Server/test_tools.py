# ===- test_tools.py - Functions that a chat may call ---------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import json
import os
import unittest

import serving

CHATS = "/v1/chat/completions"
TEMPLATES = os.path.join(os.path.dirname(__file__), "..", "Templates", "Inputs", "chat")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "of a place",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "maxLength": 10},
                "unit": {"enum": ["C", "F"]},
            },
            "required": ["place", "unit"],
        },
    },
}
NOW = {"type": "function", "function": {"name": "now"}}
QUESTION = [{"role": "user", "content": "How is the weather?"}]


def check_call(call, names):
    assert call["type"] == "function", call
    name = call["function"]["name"]
    assert name in names, call
    arguments = json.loads(call["function"]["arguments"])
    if name == "now":
        assert arguments == {}, call
    else:
        assert list(arguments) == ["place", "unit"], call
        assert arguments["unit"] in ("C", "F"), call
        assert len(arguments["place"]) <= 10, call


def join(events):
    """The message that a stream's deltas make, and its finish_reason."""
    message = {"content": "", "tool_calls": []}
    reason = None
    for event in events:
        if event is None:
            break
        choice = event["choices"][0]
        delta = choice["delta"]
        message["content"] += delta.get("content") or ""
        for part in delta.get("tool_calls", []):
            if part["index"] == len(message["tool_calls"]):
                assert part["function"]["arguments"] == "" and part["id"], part
                message["tool_calls"].append(part)
            else:
                call = message["tool_calls"][part["index"]]
                call["function"]["arguments"] += part["function"]["arguments"]
        assert reason is None, event
        reason = choice["finish_reason"]
    return message, reason


class ToolsTest(unittest.TestCase):
    def ask(self, server, **body):
        body = {"temperature": 1, "seed": 1, "max_tokens": 400, **body}
        status, reply = server.post(CHATS, {"messages": QUESTION, **body})
        self.assertEqual(status, 200, reply)
        return reply["choices"][0]

    def test_calls_meet_their_schema(self):
        for name in ("qwen2.5.jinja", "llama-3.1.jinja"):
            with serving.Server(template=os.path.join(TEMPLATES, name)) as server:
                for choice, names in (
                    ("required", ("get_weather", "now")),
                    ({"type": "function", "function": {"name": "now"}}, ("now",)),
                    (
                        {"type": "function", "function": {"name": "get_weather"}},
                        ("get_weather",),
                    ),
                ):
                    body = {
                        "tools": [WEATHER, NOW],
                        "tool_choice": choice,
                        "parallel_tool_calls": False,
                    }
                    found = self.ask(server, **body)
                    self.assertEqual(found["finish_reason"], "tool_calls", found)
                    (call,) = found["message"]["tool_calls"]
                    self.assertIsNone(found["message"]["content"])
                    check_call(call, names)
                    events = server.stream(
                        CHATS,
                        {
                            "messages": QUESTION, "temperature": 1, "seed": 1,
                            "max_tokens": 400, **body,
                        },
                    )  # fmt: skip
                    message, reason = join(events)
                    self.assertEqual(reason, "tool_calls")
                    self.assertEqual(
                        message["tool_calls"][0]["function"], call["function"]
                    )

    def test_a_call_that_has_begun_is_one_that_is_asked_for(self):
        with serving.Server(template=os.path.join(TEMPLATES, "qwen2.5.jinja")) as server:
            # The model knows no calls; its answer is made to begin as one.
            body = {
                "messages": QUESTION
                + [{"role": "assistant", "content": "Well. <tool_call"}],
                "continue_final_message": True,
                "add_generation_prompt": False,
                "tools": [NOW],
            }
            status, ids = server.post("/tokenize", {"content": ">"})
            first = ids["tokens"][0]
            found = self.ask(server, **body, logit_bias={str(first): 100}, max_tokens=1)
            self.assertEqual(found["message"]["content"], ">")
            # As text that the answer itself begins.
            status, ids = server.post("/tokenize", {"content": "{"})
        llama = os.path.join(TEMPLATES, "llama-3.1.jinja")
        with serving.Server(template=llama) as server:
            bias = {str(ids["tokens"][0]): 100}
            found = self.ask(server, tools=[NOW, WEATHER], logit_bias=bias)
            check_call(found["message"]["tool_calls"][0], ("now", "get_weather"))

    def test_arguments_are_objects_whatever_the_schema_leaves_open(self):
        with serving.Server(template=os.path.join(TEMPLATES, "qwen2.5.jinja")) as server:
            for parameters in ({}, {"properties": {"a": {"enum": ["}", "\\u007d{\"]"]}}}):
                tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
                found = self.ask(server, tools=[tool], tool_choice="required")
                for call in found["message"].get("tool_calls", []):
                    arguments = call["function"]["arguments"]
                    if found["finish_reason"] == "tool_calls":
                        self.assertIsInstance(json.loads(arguments), dict)

    def test_a_call_that_is_cut_off_is_none(self):
        with serving.Server(template=os.path.join(TEMPLATES, "qwen2.5.jinja")) as server:
            tool = {
                "type": "function",
                "function": {
                    "name": "f",
                    "parameters": {"properties": {"a": {"enum": ["hello world"]}}},
                },
            }
            tool["function"]["parameters"]["required"] = ["a"]
            body = {"tools": [tool], "tool_choice": "required"}
            found = self.ask(server, **body, stop=["lo w"])
            self.assertEqual(found["finish_reason"], "stop")
            found = self.ask(server, **body, parallel_tool_calls=False)
            self.assertEqual(found["finish_reason"], "tool_calls")
            self.assertEqual(len(found["message"]["tool_calls"]), 1)

    def test_without_a_call_the_answer_is_text(self):
        with serving.Server(template=os.path.join(TEMPLATES, "qwen2.5.jinja")) as server:
            plain = self.ask(server, max_tokens=20)
            none = self.ask(server, tools=[NOW], tool_choice="none", max_tokens=20)
            self.assertEqual(plain, none)
            told = self.ask(server, tools=[NOW], max_tokens=20)
            self.assertNotIn("tool_calls", told["message"])
            self.assertEqual(told["finish_reason"], "length")

    def test_a_talk_with_calls_is_written_as_the_template_says(self):
        with serving.Server(template=os.path.join(TEMPLATES, "qwen2.5.jinja")) as server:
            call = {
                "id": "call_1",
                "type": "function",
                "function": {"name": "now", "arguments": '{"a": 1}'},
            }
            status, reply = server.post(
                "/apply-template",
                {
                    "messages": QUESTION
                    + [
                        {"role": "assistant", "content": None, "tool_calls": [call]},
                        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
                    ],
                    "tools": [NOW],
                },
            )
            self.assertIn('{"name": "now", "arguments": {"a": 1}}', reply["prompt"])
            self.assertIn("<tool_response>\nnoon\n</tool_response>", reply["prompt"])

    def test_wrong_tools_are_refused(self):
        with serving.Server(template=os.path.join(TEMPLATES, "qwen2.5.jinja")) as server:
            strict = {"name": "f", "strict": True, "parameters": {"not": {}}}
            text = {"name": "f", "parameters": {"type": "string"}}
            large = {"name": "f", "description": "x" * 70000}
            for body, param in (
                ({"tools": 1}, "tools"),
                ({"tools": [1]}, "tools"),
                ({"tools": [{"type": "function"}]}, "tools"),
                ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools"),
                ({"tools": [NOW, NOW]}, "tools"),
                ({"tools": [{"type": "function", "function": strict}]}, "tools"),
                ({"tools": [{"type": "function", "function": text}]}, "tools"),
                ({"tools": [{"type": "function", "function": large}]}, "tools"),
                ({"tools": [NOW], "tool_choice": "never"}, "tool_choice"),
                (
                    {"tools": [NOW], "tool_choice": {"function": {"name": "x"}}},
                    "tool_choice",
                ),
                ({"tool_choice": "required"}, "tool_choice"),
                (
                    {"tools": [NOW], "response_format": {"type": "json_object"}},
                    "response_format",
                ),
            ):
                status, reply = server.post(CHATS, {"messages": QUESTION, **body})
                self.assertEqual(status, 400, reply)
                self.assertEqual(reply["error"]["param"], param)
            loose = {"name": "f", "parameters": {"not": {}}}
            self.ask(server, tools=[{"type": "function", "function": loose}], max_tokens=1)
        with serving.Server() as server:  # a template without tools
            status, reply = server.post(CHATS, {"messages": QUESTION, "tools": [NOW]})
            self.assertEqual((status, reply["error"]["param"]), (400, "tools"))


serving.main()
