#!/usr/bin/env python3
# ===- check_templates.py - Compares rendered templates -------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Compares what sherry-render-template writes with other texts, byte by byte.

  check_templates.py RENDER snippets.json        the texts that the file has
  check_templates.py RENDER --jinja snippets.json TEMPLATES
      those of the Python library Jinja2, with the settings of Hugging Face
      transformers: of the snippets, and of each template (*.jinja) for each of
      the chats of make_chats.py

A text that is null stands for an error; which one is not compared. A template
has to write at least half of the chats.
"""
import datetime
import json
import pathlib
import subprocess
import sys

import make_chats

CHATS = 200
SEED = 1


def render_all(program, templates, variables, cases):
    """What the program under test writes; None for an error. A case is the
    places of a template and of its variables."""
    request = {"templates": templates, "variables": variables, "cases": cases}
    done = subprocess.run(
        [program],
        input=json.dumps(request).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(cases)
    return results


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


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
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = datetime.datetime(2026, 7, 4).strftime
    return environment


def render_all_by_jinja(templates, variables, cases):
    environment = make_environment()

    def parse(template):
        try:
            return environment.from_string(template)
        except Exception:  # of many kinds, some not Jinja's own
            return None

    def render(form, values):
        try:
            return form.render(**values)
        except Exception:
            return None

    forms = [parse(template) for template in templates]
    return [render(forms[i], variables[j]) for i, j in cases]


def compare(templates, variables, cases, found, expected):
    """How many cases differ; the first of them are printed."""
    wrong = 0
    for (i, j), ours, theirs in zip(cases, found, expected):
        if ours.get("text") == theirs:
            continue
        wrong += 1
        if wrong <= 20:
            print(f"{templates[i][:300]}\n  of {json.dumps(variables[j])[:2000]}:")
            print(f"  found    {ours!r:.2000}\n  expected {theirs!r:.2000}")
    return wrong


def check_snippets(program, path, by_jinja):
    """Whether all are as the file, or the library, has them."""
    snippets = json.loads(pathlib.Path(path).read_text("utf-8"))
    templates = [text for text, _ in snippets["snippets"]]
    variables = [snippets["variables"]]
    cases = [(i, 0) for i in range(len(templates))]
    if by_jinja:
        expected = render_all_by_jinja(templates, variables, cases)
    else:
        expected = [text for _, text in snippets["snippets"]]
    found = render_all(program, templates, variables, cases)
    wrong = compare(templates, variables, cases, found, expected)
    print(f"{len(cases)} snippets, {wrong} wrong")
    return wrong == 0


def check_chats(program, folder):
    """Whether each template writes the chats as the library does, and enough
    of them."""
    paths = sorted(pathlib.Path(folder).glob("*.jinja"))
    templates = [path.read_text("utf-8") for path in paths]
    variables = make_chats.make_chats(CHATS, SEED)
    cases = [(i, j) for i in range(len(templates)) for j in range(CHATS)]
    expected = render_all_by_jinja(templates, variables, cases)
    found = render_all(program, templates, variables, cases)
    passes = bool(paths)
    for i, path in enumerate(paths):
        part = slice(i * CHATS, (i + 1) * CHATS)
        written = sum("text" in result for result in found[part])
        wrong = compare(templates, variables, cases[part], found[part], expected[part])
        print(f"{path.name}: {written} of {CHATS} chats written, {wrong} wrong")
        passes = passes and wrong == 0 and 2 * written >= CHATS
    return passes


def main():
    program, *files = sys.argv[1:]
    by_jinja = files[0] == "--jinja"
    passes = check_snippets(program, files[1 if by_jinja else 0], by_jinja)
    if by_jinja:
        passes = check_chats(program, files[2]) and passes
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main()
