#!/usr/bin/env python3
# ===- check_templates.py - Compares rendered templates -------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Compares what sherry-render-template writes with other texts, byte by byte.

  check_templates.py RENDER snippets.json        the texts that the file has
  check_templates.py RENDER --jinja snippets.json TEMPLATES chats.json
      those of the Python library Jinja2, with the settings of Hugging Face
      transformers: of the snippets, and of every template for every chat

A text that is null stands for an error; which one is not compared.
"""
import datetime
import functools
import json
import pathlib
import subprocess
import sys


def render_all(program, cases):
    """What the program under test writes; None for an error."""
    lines = "".join(
        json.dumps({"template": template, "variables": variables}) + "\n"
        for template, variables in cases
    )
    done = subprocess.run(
        [program], input=lines.encode(), stdout=subprocess.PIPE, check=True
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(cases)
    return [result.get("text") for result in results]


def make_environment():
    """As transformers.utils.chat_template_utils makes it."""
    import jinja2
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            call = self.call_method("_write")
            return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

        def _write(self, caller):
            return caller()

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Generation, jinja2.ext.loopcontrols],
    )
    environment.filters["tojson"] = (
        lambda value, ensure_ascii=False, indent=None: json.dumps(
            value, ensure_ascii=ensure_ascii, indent=indent
        )
    )
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = datetime.datetime(2026, 7, 4).strftime
    return environment


def render_by_jinja(parse, template, variables):
    try:
        return parse(template).render(**variables)
    except Exception:  # of many kinds, some not Jinja's own
        return None


def main():
    program, *files = sys.argv[1:]
    by_jinja = files[0] == "--jinja"
    snippets = json.loads(pathlib.Path(files[1 if by_jinja else 0]).read_text("utf-8"))
    names = [text for text, _ in snippets["snippets"]]
    cases = [(text, snippets["variables"]) for text in names]
    if by_jinja:
        chats = json.loads(pathlib.Path(files[3]).read_text("utf-8"))
        for path in sorted(pathlib.Path(files[2]).glob("*.jinja")):
            text = path.read_text("utf-8")
            for i, chat in enumerate(chats["chats"]):
                for variables in chats["variables"]:
                    names.append(f"{path.name}, chat {i}, {variables}")
                    cases.append((text, {"messages": chat, **variables}))
        parse = functools.lru_cache(make_environment().from_string)
        expected = [render_by_jinja(parse, *case) for case in cases]
    else:
        expected = [text for _, text in snippets["snippets"]]
    found = render_all(program, cases)
    wrong = 0
    for name, ours, theirs in zip(names, found, expected):
        if ours != theirs:
            wrong += 1
            if wrong <= 20:
                print(f"{name}:\n  found    {ours!r}\n  expected {theirs!r}")
    written = sum(text is not None for text in found)
    print(f"{len(cases)} texts, {written} without error, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
