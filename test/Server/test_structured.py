# ===- test_structured.py - Answers of a given form -----------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import json
import time
import unittest

import serving

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "kind": {"enum": ["king", "fool"]},
    },
    "required": ["name", "age", "kind"],
    "additionalProperties": False,
}
LIST = {
    "type": "array",
    "items": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    "maxItems": 5,
}


def is_person(value):
    return (
        list(value) == ["name", "age", "kind"]
        and isinstance(value["name"], str)
        and len(value["name"]) <= 12
        and isinstance(value["age"], int)
        and 0 <= value["age"] <= 150
        and value["kind"] in ("king", "fool")
    )


def is_list(value):
    return len(value) <= 5 and all(x in (True, False, None) for x in value)


def by_schema(schema):
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


class StructuredTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = serving.Server("--slots", "8")
        cls.addClassCleanup(cls.server.close)

    def ask(self, form, seed=0, **rest):
        # Blanks are possible, and likely for a model that knows no JSON.
        body = {"temperature": 1, "max_tokens": 250, "seed": seed, **rest}
        return self.server.complete(prompt="A king is", response_format=form, **body)

    def check(self, form, is_valid):
        replies = serving.together(
            [lambda seed=seed: self.ask(form, seed) for seed in range(10)]
        )
        ended = 0
        for reply in replies:
            choice = reply["choices"][0]
            if choice["finish_reason"] == "stop":
                ended += 1
                value = json.loads(choice["text"])
                self.assertTrue(is_valid(value), choice["text"])
        self.assertGreater(ended, 0)
        # Alone as together.
        for seed in (0, 7):
            self.assertEqual(
                self.ask(form, seed)["choices"], replies[seed]["choices"]
            )

    def test_answers_meet_their_schema(self):
        self.check(by_schema(PERSON), is_person)
        self.check(by_schema(LIST), is_list)

    def test_an_object_is_an_object(self):
        self.check({"type": "json_object"}, lambda value: isinstance(value, dict))

    def test_streams_and_chats_meet_their_schema(self):
        body = {
            "messages": [{"role": "user", "content": "Who?"}],
            "response_format": by_schema(PERSON),
            "max_tokens": 300,
            "temperature": 1,
        }
        for seed in range(20):
            events = self.server.stream("/v1/chat/completions", {**body, "seed": seed})
            chunks = [e["choices"][0] for e in events if e]
            text = "".join(c["delta"].get("content", "") for c in chunks)
            if chunks[-1]["finish_reason"] == "stop":
                self.assertTrue(is_person(json.loads(text)), text)
                return
        self.fail("no answer has ended")

    # firecrawl 4512: one makes a schema that worked a wrong one.
    def test_a_description_changes_nothing(self):
        told = {**PERSON, "description": "a person", "title": "Person"}
        self.assertEqual(
            self.ask(by_schema(told), 5)["choices"],
            self.ask(by_schema(PERSON), 5)["choices"],
        )

    # llama.cpp 26600, 19008, 25283, 22606; vLLM 17313, 19270, 17248, 30346: they
    # end the process, or the engine of all requests.
    def test_schemas_that_do_harm_are_refused(self):
        deep = {}
        for _ in range(40):
            deep = {"items": deep}
        for schema in (
            {"not": {}},
            {"type": "string", "pattern": "(" * 60000},
            {"type": "string", "pattern": "a{10000}{10000}"},
            {"type": "string", "pattern": "*"},
            {"$ref": "#"},
            {"$ref": "http://example.org"},
            {"anyOf": [{"type": "string"}] * 1000},
            {"type": "object", "properties": {f"p{i}": {} for i in range(20000)}},
            {"type": "strange"},
            {"enum": []},
        ):
            begin = time.monotonic()
            status, reply = self.server.post(
                "/v1/completions",
                {"prompt": "x", "response_format": by_schema(schema)},
            )
            self.assertEqual(status, 400, reply)
            self.assertEqual(reply["error"]["param"], "response_format")
            self.assertLess(time.monotonic() - begin, serving.PATIENCE)
        for form in (1, {}, {"type": "x"}, {"type": "json_schema"}):
            status, reply = self.server.post(
                "/v1/completions", {"prompt": "x", "response_format": form}
            )
            self.assertEqual((status, reply["error"]["param"]), (400, "response_format"))
        self.ask(by_schema(deep), max_tokens=4)


serving.main()
