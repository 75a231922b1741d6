# ===- _compile.py - The compiler, called as a program -------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Optional, Union

from ._library import Error


def compile(
    model: Union[str, os.PathLike],
    output: Optional[Union[str, os.PathLike]] = None,
    **options: Union[str, int, bool],
) -> pathlib.Path:
    """Compiles a Hugging Face folder or a GGUF file; returns the path of the result.

    output: default: the model's name with .so, in the working folder.
    options: those of sherry-compile, with _ in place of -: head="q6_K",
        target_cpu="x86-64-v3", quantize=True.

    The program is $SHERRY_COMPILE, or sherry-compile in the PATH. Raises Error with
    its messages if it fails.
    """
    tool = os.environ.get("SHERRY_COMPILE") or shutil.which("sherry-compile")
    if not tool:
        raise Error(
            "there is no sherry-compile in the PATH; install the package "
            "sherry-compiler, or set SHERRY_COMPILE to its path"
        )
    source = pathlib.Path(model)
    name = re.sub(r"\.gguf$", "", os.path.basename(os.path.abspath(source)))
    target = pathlib.Path(output or f"{name}.so")
    command = [tool, os.fspath(source), "-o", os.fspath(target)]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            command.append(flag)
        elif value is not False:
            command.append(f"{flag}={value}")
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
    )
    if result.returncode:
        raise Error(result.stderr.strip() or f"{tool} ended with {result.returncode}")
    sys.stderr.write(result.stderr)  # notes and warnings
    return target
