# ===- __init__.py - Sherry's models in Python ---------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Compiles and runs ternary language models.

    import sherry
    sherry.compile("examples/shakespeare", "shakespeare.so")
    model = sherry.Model("shakespeare.so")
    print(model.generate("First Citizen:", max_tokens=100, seed=1))

The runtime is libsherry.so (package sherry-runtime), or the file that
SHERRY_LIBRARY names.
"""
from ._compile import compile
from ._context import Context
from ._generate import Sampler
from ._library import VERSION as __version__
from ._library import Error
from ._model import Model
from ._score import Score

__all__ = ["Context", "Error", "Model", "Sampler", "Score", "compile", "__version__"]
