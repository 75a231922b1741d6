#!/usr/bin/env python3
# ===- manual.py - Manual pages and completions from --help ---------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: manual.py [--only=REGEX] VERSION TOOL FOLDER
#
# Runs `TOOL --help` and writes, for a tool named sherry-x, below FOLDER
#
#   man/man1/sherry-x.1
#   bash-completion/completions/sherry-x
#   zsh/site-functions/_sherry-x
#   fish/vendor_completions.d/sherry-x.fish
#
# Reads the forms of CLI11 and of LLVM's CommandLine. Of options whose names
# REGEX does not match nothing is written.
#
# ===----------------------------------------------------------------------=== #
import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
from typing import Dict, List


@dataclasses.dataclass
class Entry:
    """An option or a positional argument."""

    names: List[str]  # with their dashes; of a positional argument empty
    argument: str  # as the help text has it, without the names
    text: str = ""
    values: Dict[str, str] = dataclasses.field(default_factory=dict)

    def takes_value(self):
        return bool(self.names) and bool(self.argument) and self.argument[0] != "["


@dataclasses.dataclass
class Help:
    overview: str = ""
    usage: str = ""
    # Titles, each with entries and lines of text.
    sections: Dict[str, list] = dataclasses.field(default_factory=dict)

    def options(self):
        return [
            item
            for section in self.sections.values()
            for item in section
            if isinstance(item, Entry) and item.names
        ]


SPEC_WIDTH = 28  # of an entry of CLI11, behind its indent


def make_cli11_entry(spec, text):
    words = spec.split(" ", 1)
    rest = words[1].strip() if len(words) > 1 else ""
    rest = re.sub(r"\b(Needs|Excludes): \S+( --\S+)*", "", rest).strip()
    if not spec.startswith("-"):
        return Entry([], spec.replace(" REQUIRED", ""), text)
    names = [re.sub(r"\{.*", "", name) for name in words[0].split(",")]
    entry = Entry(names, rest.replace(" REQUIRED", ""), text)
    values = re.search(r"\{([^}]+)\}", rest) or re.match(r"(\w+(?:\|\w+)+)", rest)
    if values:
        entry.values = {value: "" for value in re.split(r"[,|]", values[1])}
    return entry


def parse_cli11(lines):
    help = Help()
    before, _, after = "\n".join(lines).partition("Usage: ")
    help.overview = " ".join(before.split())
    lines = after.split("\n")
    help.usage = lines.pop(0)
    section = help.sections.setdefault("Description", [])
    while lines:
        line = lines.pop(0)
        indent = len(line) - len(line.lstrip(" "))
        title = re.fullmatch(r"\[?(?:Option Group: )?([A-Z][\w ]*)[\]:]+", line)
        if title:
            section = help.sections.setdefault(title[1], [])
        elif indent in (2, 4) and re.match(r" +(-|[a-z]\w* [A-Z])", line):
            entry = line[indent:]
            margin = " " * (indent + SPEC_WIDTH)
            if lines and lines[0].startswith(margin):
                section.append(make_cli11_entry(entry, lines.pop(0).strip()))
            elif len(entry) > SPEC_WIDTH and entry[SPEC_WIDTH - 1] == " ":
                spec = entry[:SPEC_WIDTH].strip()
                section.append(make_cli11_entry(spec, entry[SPEC_WIDTH:].strip()))
            else:
                section.append(make_cli11_entry(entry.strip(), ""))
        elif line.strip() not in ("", "Options:"):
            if indent == 0:  # the text behind all options
                section = help.sections.setdefault("Notes", [])
            text = line.strip()
            section.append(text if text[0] != "[" else text[1:-1] + ".")
    return help


def parse_llvm(lines):
    help = Help()
    text = "\n".join(lines)
    overview = re.search(r"OVERVIEW: (.*?)\n\n", text, re.S)
    help.overview = " ".join(overview[1].split())
    help.usage = re.search(r"USAGE: (.*)", text)[1]
    section = help.sections.setdefault("Options", [])
    entry = None
    for line in lines[lines.index("OPTIONS:") + 1 :]:
        option = re.match(r" +(--?[\w-]+)(\[?[= ]<[^>]*>\]?)? +- *(.*)", line)
        value = re.match(r" +=(\S+) +- *(.*)", line)
        title = re.fullmatch(r"(\w.*):", line)
        if title:
            section = help.sections.setdefault(title[1], [])
        elif option:
            entry = Entry([option[1]], (option[2] or "").lstrip("="), option[3])
            section.append(entry)
        elif value and entry:
            entry.values[value[1]] = value[2]
    return help


def filter_options(help, pattern):
    for title, section in help.sections.items():
        help.sections[title] = [
            item
            for item in section
            if not isinstance(item, Entry)
            or not item.names
            or any(re.fullmatch(pattern, name.lstrip("-")) for name in item.names)
        ]


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text)


def write_man(help, tool, version):
    name = f"{tool} \\- {roff(help.overview[:1].lower() + help.overview[1:].rstrip('.'))}"
    usage = help.usage.split(" ", 1)
    lines = [
        f'.TH {tool.upper()} 1 "" "Sherry {version}" "User Commands"',
        ".SH NAME",
        re.split(r"(?<=\w)[.:] ", name)[0],
        ".SH SYNOPSIS",
        f".B {roff(tool)}",
        roff(usage[1] if len(usage) > 1 else ""),
        ".SH DESCRIPTION",
        roff(help.overview),
    ]
    for title, section in help.sections.items():
        if not section:
            continue
        lines.append(f".SH {title.upper()}")
        for item in section:
            if isinstance(item, str):
                lines.append(roff(item))
                continue
            names = ", ".join(f"\\fB{roff(name)}\\fR" for name in item.names)
            glue = "=" if item.argument.startswith("<") else " "
            argument = f"\\fI{roff(item.argument)}\\fR" if item.argument else ""
            lines += [".TP", names + (glue if names and argument else "") + argument]
            lines.append(roff(item.text))
            if any(item.values.values()):
                for value, text in item.values.items():
                    lines += [".RS", ".TP", f"\\fB{roff(value)}\\fR", roff(text), ".RE"]
    return "\n".join(lines) + "\n"


def write_bash(help, tool):
    function = "_" + tool.replace("-", "_")
    names = " ".join(name for entry in help.options() for name in entry.names)
    cases = ""
    for entry in help.options():
        if entry.takes_value():
            words = " ".join(entry.values)
            reply = f'COMPREPLY=($(compgen -W "{words}" -- "$cur"))' if words else ":"
            cases += f"    {' | '.join(entry.names)}) {reply}; return ;;\n"
    return f"""\
# Completions of {tool}, made from its --help.
{function}() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}
  COMPREPLY=()
  # Bash takes --option=value for three words.
  [[ $cur != = ]] || cur=
  [[ $prev != = ]] || prev=${{COMP_WORDS[COMP_CWORD - 2]}}
  case $prev in
{cases}  esac
  [[ $cur != -* ]] || COMPREPLY=($(compgen -W "{names}" -- "$cur"))
}}
complete -o default -F {function} {tool}
"""


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def write_zsh(help, tool):
    lines = [f"#compdef {tool}", f"# Completions of {tool}, made from its --help.", "_arguments \\"]
    for entry in help.options():
        text = re.sub(r"([\[\]:\\])", r"\\\1", entry.text)
        action = ""
        if entry.takes_value():
            values = f"({' '.join(entry.values)})" if entry.values else "_files"
            action = f":value:{values}"
        for name in entry.names:
            sign = "=" if action and name.startswith("--") else ""
            lines.append(f"  {quote(f'*{name}{sign}[{text}]{action}')} \\")
    return "\n".join(lines) + "\n  '*:file:_files'\n"


def write_fish(help, tool):
    lines = [f"# Completions of {tool}, made from its --help."]
    for entry in help.options():
        words = ["complete", "-c", tool]
        for name in entry.names:
            long = name.startswith("--")
            flag = "-l" if long else "-s" if len(name) == 2 else "-o"
            words += [flag, name.lstrip("-")]
        if entry.takes_value():
            words.append("-r")
        if entry.values:
            words += ["-f", "-a", quote(" ".join(entry.values))]
        words += ["-d", quote(entry.text.replace("\\", "\\\\"))]
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default=".*")
    parser.add_argument("version")
    parser.add_argument("tool")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()

    text = subprocess.check_output(
        [options.tool, "--help"], encoding="utf-8", env={**os.environ, "COLUMNS": "80"}
    )
    lines = [line.rstrip() for line in text.split("\n")]
    help = parse_llvm(lines) if "OPTIONS:" in lines else parse_cli11(lines)
    filter_options(help, options.only)
    if not help.options():
        sys.exit(f"manual.py: error: {options.tool} --help names no options")
    tool = pathlib.Path(options.tool).name
    files = {
        f"man/man1/{tool}.1": write_man(help, tool, options.version),
        f"bash-completion/completions/{tool}": write_bash(help, tool),
        f"zsh/site-functions/_{tool}": write_zsh(help, tool),
        f"fish/vendor_completions.d/{tool}.fish": write_fish(help, tool),
    }
    for name, content in files.items():
        path = options.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
