# ===- registry.py - The part of lm_eval.api.registry that models see ----=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
MODELS = {}


def register_model(*names):
    def register(cls):
        MODELS.update(dict.fromkeys(names, cls))
        return cls

    return register
