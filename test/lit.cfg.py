# ===- lit.cfg.py - Tests that run the tools under lit --------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Features: cpu-<LLVM feature> for what this CPU can run, shared-dir, clang-22,
# clean-debian, curl, gnuplot, manuals, mkdocs, mpi, network-namespaces,
# python-jinja2, python-jsonschema, python-numpy, mlir-plugin, server, asan, training, node, chromium (with what
# drives it), openai-client, all.
# Parameters: all=1 adds what takes long; cpu=LEVEL, such as x86-64-v3, hides
# what this CPU has beyond that level; verify-roundtrip=1 prints and parses the
# IR again in every run of sherry-opt.
#
# ===----------------------------------------------------------------------=== #

import importlib.util
import os
import shutil
import subprocess
import sys

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

sys.path.insert(0, os.path.join(config.sherry_src_root, "test"))
import machine  # noqa: E402

config.name = "Sherry"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Benchmark", "Reference", "Corpus", "node_modules"]
config.test_source_root = os.path.join(config.sherry_src_root, "test")
config.test_exec_root = os.path.join(config.sherry_obj_root, "test")

tools_dir = os.path.join(config.sherry_obj_root, "bin")
llvm_config.use_default_substitutions()
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("PATH", tools_dir, append_path=True)
for name in machine.set_environment(config, lit_config, tools_dir):
    config.available_features.add("cpu-" + name)

runs_all = int(lit_config.params.get("all", 0))
if runs_all:
    config.available_features.add("all")
roundtrip = int(lit_config.params.get("verify-roundtrip", 0))
llvm_config.add_tool_substitutions(
    [
        "example-opt",
        "sherry-bench",
        "sherry-check-batch",
        "sherry-check-ranks",
        "sherry-compile",
        "sherry-cpu-features",
        "sherry-lsp-server",
        ToolSubst(
            "sherry-opt", extra_args=["--verify-roundtrip"] if roundtrip else []
        ),
        "sherry-reference",
        "sherry-run",
        "sherry-quantize",
        "sherry-tokenize",
        "sherry-train-tokenizer",
    ],
    [tools_dir],
)
config.substitutions += [
    # sherry-compile, for tests of what is done with a model.
    (
        "%compile-once",
        f"{sys.executable} {config.test_source_root}/compile_once.py "
        f"{config.test_exec_root}/models {tools_dir}/sherry-compile",
    ),
    ("%reference-dir", os.path.join(config.test_source_root, "Reference")),
    ("%examples", os.path.join(config.sherry_src_root, "examples")),
    ("%source-dir", config.sherry_src_root),
    ("%tools", tools_dir),
    ("%build", config.sherry_obj_root),
    ("%inputs", os.path.join(config.test_source_root, "Integration", "Inputs")),
    ("%shared", config.sherry_shared_dir),
    ("%cmake", config.cmake),
    ("%cc", config.cc),
    ("%cxx", config.cxx),
    ("%fuzz-runs", "20000" if runs_all else "3000"),
    # What a program that links this build's runtime must be linked with.
    (
        "%link-flags",
        "-fsanitize=" + config.sherry_sanitizers
        if config.sherry_sanitizers
        else "",
    ),
    # Where find_package(SherryRuntime) finds the runtime of this build.
    ("%runtime-package", os.path.join(config.sherry_obj_root, "runtime")),
]

if config.sherry_build_training.upper() not in ("", "0", "OFF", "FALSE", "NO"):
    config.available_features.add("training")
    llvm_config.add_tool_substitutions(["sherry-train"], [tools_dir])
mlir_opt = shutil.which("mlir-opt", path=config.llvm_tools_dir)
if config.sherry_plugin and mlir_opt:
    config.available_features.add("mlir-plugin")
    config.substitutions.append(("%mlir-plugin", config.sherry_plugin))
mpis = []
for mpi in ("openmpi", "mpich"):
    plugin = os.path.join(config.sherry_obj_root, "lib/sherry", f"sherry-{mpi}.so")
    if not shutil.which(f"mpirun.{mpi}"):
        lit_config.warning(f"ranks are NOT tested with {mpi}: there is no mpirun.{mpi}")
    elif not os.path.exists(plugin):
        lit_config.warning(f"ranks are NOT tested with {mpi}: there is no {plugin}")
    else:
        mpis.append(mpi)
config.substitutions.append(("%mpis", " ".join(mpis)))
if mpis:
    config.available_features.add("mpi")
    # Two hosts on one machine; containers may not make them.
    name = f"sherry-{os.getpid()}"
    if shutil.which("ip") and not subprocess.call(
        ["ip", "netns", "add", name], stderr=subprocess.DEVNULL
    ):
        subprocess.call(["ip", "netns", "del", name])
        config.available_features.add("network-namespaces")
    else:
        lit_config.note("ranks on two hosts are NOT tested: no network namespaces here")
if os.path.exists(os.path.join(tools_dir, "sherry-serve")):
    config.available_features.add("server")
# Where another Debian can be made, as root and from Debian's own sources.
debian_sources = "/etc/apt/sources.list.d/debian.sources"
if os.geteuid() == 0 and shutil.which("mmdebstrap") and os.path.exists(debian_sources):
    config.available_features.add("clean-debian")
if os.path.isdir(os.path.join(config.sherry_obj_root, "packaging", "share")):
    config.available_features.add("manuals")
if importlib.util.find_spec("numpy"):
    config.available_features.add("python-numpy")
    # What the Python package calls.
    config.environment["SHERRY_COMPILE"] = os.path.join(tools_dir, "sherry-compile")
    config.environment["SHERRY_LIBRARY"] = os.path.join(
        config.sherry_obj_root, "runtime", "libsherry.so"
    )
if importlib.util.find_spec("jinja2"):
    config.available_features.add("python-jinja2")
if importlib.util.find_spec("jsonschema"):
    config.available_features.add("python-jsonschema")
if shutil.which("curl"):
    config.available_features.add("curl")
if shutil.which("mkdocs"):
    config.available_features.add("mkdocs")
if shutil.which("gnuplot"):
    config.available_features.add("gnuplot")
if shutil.which("node"):
    config.available_features.add("node")
    server_tests = os.path.join(config.test_source_root, "Server")
    driver = os.path.join(server_tests, "page", "node_modules", "playwright-core")
    if shutil.which("chromium") and os.path.isdir(driver):
        config.available_features.add("chromium")
    if os.path.isdir(os.path.join(server_tests, "client", "node_modules", "openai")):
        config.available_features.add("openai-client")
if shutil.which("clang++-22"):
    config.available_features.add("clang-22")
if "address" in config.sherry_sanitizers.split(","):
    config.available_features.add("asan")
if os.path.isdir(config.sherry_shared_dir):
    config.available_features.add("shared-dir")
else:
    lit_config.warning(
        "no folder with reference data (SHERRY_SHARED_DIR): the tests that need "
        "it do not run"
    )
