# ===- lit.cfg.py - Unit tests under lit ----------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #

import os
import sys

import lit.formats
from lit.llvm import llvm_config

sys.path.insert(0, os.path.join(config.sherry_src_root, "test"))
import machine  # noqa: E402

config.name = "Sherry-Unit"
config.test_source_root = config.test_exec_root = config.sherry_unit_dir
config.test_format = lit.formats.GoogleTest(".", "Tests")

llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
machine.set_environment(config, lit_config, config.sherry_tools_dir)
if int(lit_config.params.get("all", 0)):
    config.environment["SHERRY_TEST_ALL"] = "1"
