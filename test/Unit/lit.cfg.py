# ===- lit.cfg.py - Unit tests under lit ----------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #

import lit.formats
from lit.llvm import llvm_config

config.name = "Sherry-Unit"
config.test_source_root = config.test_exec_root = config.sherry_unit_dir
config.test_format = lit.formats.GoogleTest(".", "Tests")

llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
# Threads that spin for each other take seconds where lit keeps all cores busy.
llvm_config.with_environment("OMP_WAIT_POLICY", "passive")
# Teams larger than the machine are tested too.
llvm_config.with_environment("OMP_DYNAMIC", "false")
llvm_config.with_system_environment(
    ["ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR"])
