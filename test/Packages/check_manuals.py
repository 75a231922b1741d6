# ===- check_manuals.py - Manual pages and completions know all options --=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_manuals.py SHARE TOOL...
#
# SHARE is the folder share of an installation.
#
# ===----------------------------------------------------------------------=== #
import os
import re
import shutil
import subprocess
import sys

share, tools = os.path.abspath(sys.argv[1]), sys.argv[2:]


def read(*names):
    with open(os.path.join(share, *names), encoding="utf-8") as file:
        return file.read()


def list_options(tool):
    """All options that its help has in the first column."""
    text = subprocess.check_output([tool, "--help"], encoding="utf-8")
    specs = re.findall(r"^ {2,4}(-[^ =\n]+)", text, re.M)
    names = {re.sub(r"[{\[].*", "", name) for spec in specs for name in spec.split(",")}
    assert "--help" in names and len(names) > 1, names
    return names


def complete_in_bash(tool, path, *words):
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        f'_{tool.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    command = ["bash", "-c", script, "bash", path, tool, *words]
    return set(subprocess.check_output(command, encoding="utf-8").split())


def main():
    for path in tools:
        tool = os.path.basename(path)
        options = list_options(path)
        page = read("man", "man1", f"{tool}.1").replace("\\-", "-")
        missing = [name for name in options if f"\\fB{name}\\fR" not in page]
        assert not missing, f"the page of {tool} lacks {missing}"
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION"):
            assert f".SH {section}\n" in page, section

        bash = os.path.join(share, "bash-completion", "completions", tool)
        assert complete_in_bash(tool, bash, "-") == options, tool
        zsh = os.path.join(share, "zsh", "site-functions", f"_{tool}")
        fish = os.path.join(share, "fish", "vendor_completions.d", f"{tool}.fish")
        for shell, script in (("zsh", zsh), ("fish", fish)):
            text = read(script)
            lacking = [name for name in options if name.lstrip("-") not in text]
            assert not lacking, f"{script} lacks {lacking}"
            if shutil.which(shell):
                subprocess.run([shell, "-n", script], check=True)
        if shutil.which("man"):
            source = os.path.join(share, "man", "man1", f"{tool}.1")
            command = ["man", "--warnings", "-E", "UTF-8", "-l", source]
            done = subprocess.run(command, capture_output=True, encoding="utf-8")
            assert done.returncode == 0 and "error" not in done.stderr, done.stderr

    compiler = next(path for path in tools if path.endswith("sherry-compile"))
    script = os.path.join(share, "bash-completion", "completions", "sherry-compile")
    for words in (["--kv", "=", ""], ["--kv", "="], ["--kv", ""]):
        assert complete_in_bash("sherry-compile", script, *words) == {"f32", "f16", "i8"}
    assert complete_in_bash("sherry-compile", script, "--gran") == {"--granularity"}
    assert os.path.exists(compiler)


main()
