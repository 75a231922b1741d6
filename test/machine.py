# ===- machine.py - The environment of all tests --------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What the two lit.cfg.py share.
#
# ===----------------------------------------------------------------------=== #
import os
import subprocess

# Features that a level of x86-64 adds, as far as models can need them.
LEVELS = {
    "x86-64-v2": {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"},
    "x86-64-v3": {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def features_of(level):
    """All features of a CPU of `level`."""
    result = set()
    for name, features in LEVELS.items():
        result |= features
        if name == level:
            return result
    raise KeyError(level)


def probe_features(tools_dir, environment=None):
    """The features of this CPU that compiler and runtime use."""
    return set(
        subprocess.run(
            [os.path.join(tools_dir, "sherry-cpu-features")],
            check=True,
            stdout=subprocess.PIPE,
            universal_newlines=True,
            env=environment,
        ).stdout.split()
    )


def set_environment(config, lit_config, tools_dir):
    """Sets the environment of the tests; returns the features of their CPU."""
    for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR",
                 "SHERRY_WITHOUT_CPU_FEATURES"):
        if name in os.environ:
            config.environment[name] = os.environ[name]
    # Threads that spin for each other take seconds where lit keeps all cores busy.
    config.environment["OMP_WAIT_POLICY"] = "passive"
    # Teams larger than the machine are tested too.
    config.environment["OMP_DYNAMIC"] = "false"

    have = probe_features(tools_dir)
    hidden = os.environ.get("SHERRY_WITHOUT_CPU_FEATURES", "").split(",")
    level = lit_config.params.get("cpu")
    if level is None:
        return have
    if level not in LEVELS:
        lit_config.fatal(f"cpu={level}: must be one of {', '.join(LEVELS)}")
    wanted = features_of(level)
    if missing := wanted - have:
        lit_config.fatal(f"cpu={level}: this CPU lacks {', '.join(sorted(missing))}")
    config.environment["SHERRY_WITHOUT_CPU_FEATURES"] = ",".join(
        sorted((have - wanted) | set(filter(None, hidden)))
    )
    return wanted
