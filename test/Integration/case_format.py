# ===- case_format.py - One lit test for each case of a script ------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A folder whose lit.local.cfg names this format has the cases that the scripts
# list (support.Case) as its tests: SCRIPT/CASE.
#
# ===----------------------------------------------------------------------=== #
import importlib
import pathlib
import shutil
import subprocess
import sys

import lit.Test
from lit.formats import TestFormat
from support import list_unused

HERE = pathlib.Path(__file__).resolve().parent


class CaseFormat(TestFormat):
    def __init__(self, scripts):
        self.scripts = scripts

    def getTestsInDirectory(self, testSuite, path_in_suite, litConfig, localConfig):
        modules = {script: importlib.import_module(script) for script in self.scripts}
        cases = {script: list(module.list_cases()) for script, module in modules.items()}
        if unused := list_unused(case for found in cases.values() for case in found):
            litConfig.error(
                "Inputs/logits.json has logits of no case; whoever renames a case renames "
                f"them, too: {'; '.join(unused)}"
            )
        for script, found in cases.items():
            for case in found:
                path = (*path_in_suite, script.replace("_", "-"), case.name)
                test = lit.Test.Test(testSuite, path, localConfig)
                test.requires = list(case.requires)
                yield test

    def execute(self, test, litConfig):
        if missing := test.getMissingRequiredFeatures():
            return lit.Test.Result(
                lit.Test.UNSUPPORTED,
                "Test requires the following unavailable features: " + ", ".join(missing),
            )
        script, case = test.path_in_suite[-2:]
        folder = pathlib.Path(test.getExecPath())
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        process = subprocess.run(
            [sys.executable, HERE / f"{script.replace('-', '_')}.py", case, folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=test.config.environment,
        )
        code = lit.Test.FAIL if process.returncode else lit.Test.PASS
        return lit.Test.Result(code, process.stdout.decode(errors="replace"))
