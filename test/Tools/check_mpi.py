#!/usr/bin/env python3
# ===- check_mpi.py - Models on processes that mpirun starts --------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_mpi.py FOLDER TOOLS MPI...
#
# MPI is openmpi or mpich. Exits with 1 and a reason if something is wrong.
#
# ===----------------------------------------------------------------------=== #
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

CONFIG = {
    "model_type": "llama",
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "vocab_size": 256,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
}
PROMPT = ",".join(str((7 * i * i + 3) % 256) for i in range(40))
# What the uncut model is compared in, and how it is served.
SAME = ("--tokens", PROMPT, "--print-tokens", "-n", 20, "--temp", 0, "-q")
SERVE = ("--port", 0, "-t", 1, "--slots", 2, "-q")
# The names of the model that is cut among so many ranks.
CUT = {2: "cut.so", 4: "cut4.so"}
# Far more than anything takes.
LIMIT = 100
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    # Containers run as root, with fewer processors than ranks.
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


def require(condition, *what):
    if not condition:
        raise SystemExit(f"{pathlib.Path(sys.argv[0]).name}: " + " ".join(map(str, what)))


class Checker:
    def __init__(self, folder, tools, mpi):
        self.folder, self.tools, self.mpi = folder, tools, mpi

    def start(self, ranks, *arguments, tool="sherry-run", **variables):
        command = [f"mpirun.{self.mpi}", "-np", str(ranks), self.tools / tool, *arguments]
        return subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**ENVIRONMENT, **variables},
            text=True,
        )

    def run(self, ranks, *arguments, tool="sherry-run", **variables):
        """Exit code, standard output and standard error."""
        process = self.start(ranks, *arguments, tool=tool, **variables)
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            require(False, self.mpi, "hangs:", *arguments)
        return process.returncode, out, err

    def check_same(self, ranks, threads, whole):
        """`whole` is what the uncut model prints, and its logits."""
        logits = self.folder / "cut.npy"
        arguments = (*SAME, "-t", threads, "--logits", logits)
        what = (self.mpi, ranks, "ranks of", threads, "threads:")
        code, out, err = self.run(ranks, self.folder / CUT[ranks], *arguments)
        require(code == 0, *what, "exit code", code, err)
        require(out == whole[0], *what, "answers", out, "instead of", whole[0])
        require(logits.read_bytes() == whole[1], *what, "other logits")

    def check_bench(self, received):
        """The bytes that are received are those of the plan."""
        code, out, err = self.run(
            *(2, self.folder / "cut.so", "-p", 20, "-n", 4, "-r", 1, "-t", 2, "-q"),
            *("--batch", "1,3", "--profile", "-o", "json", "--simulate-link", "1gbit,2ms"),
            tool="sherry-bench",
        )
        require(code == 0, self.mpi, "sherry-bench, exit code", code, err)
        model = json.loads(out)["models"][0]
        size = (self.folder / "cut.0-of-2.so").stat().st_size
        require(model["file_bytes"] == size, self.mpi, "file of", model["file_bytes"])
        _, *decodes = model["results"]
        for result in decodes:
            found = result["received_bytes_per_token"]
            require(found == received, self.mpi, "receives", found, "not", received)
            # As slow as the network.
            batch, speed = result["batch"], result["tokens_per_second"]
            require(speed < batch / (11 * 2e-3), self.mpi, batch, "decodes", speed)
            steps = {step["op"]: step for step in result["steps"]}
            # Steps pack and unpack what is exchanged, too.
            require(steps["all_gather"]["calls"] >= 11, self.mpi, "exchanges", steps)

    def check_verified(self):
        code, out, err = self.run(2, self.folder / "cut.so", "--verify")
        require((code, out) == (0, "undamaged\n"), self.mpi, "--verify:", code, out, err)
        # Rank 1 finds it, and rank 0 says nothing else.
        code, out, err = self.run(2, self.folder / "damaged.so", "--verify")
        require(
            code != 0 and "undamaged" not in out and "the file is damaged" in err,
            *(self.mpi, "--verify of a damaged part:", code, out, err),
        )

    def check_stuck(self, library):
        """An MPI that does not let the ranks go costs neither output nor exit codes."""
        rest = (self.folder / "cut.so", "-p", 0, "-n", 1, "-r", 1, "-q", "-o", "csv")
        code, out, err = self.run(2, *rest, tool="sherry-bench", LD_PRELOAD=library)
        # OpenMPI calls it an error that MPI_Finalize has not returned.
        is_right = code == 0 or self.mpi == "openmpi"
        require(is_right and "tg1" in out, self.mpi, "stuck:", code, out, err)
        code, out, err = self.run(
            2, self.folder / "damaged.so", "--verify", LD_PRELOAD=library
        )
        require(
            code != 0 and "the file is damaged" in err, self.mpi, "stuck:", code, out, err
        )

    def check_refused(self, message, ranks, *arguments):
        code, out, err = self.run(ranks, *arguments)
        require(
            code != 0 and message in err, self.mpi, "does not say", message, "but", out, err
        )

    def find_rank(self, rank, tool="sherry-run"):
        """The id of the process of that rank; none while there is none."""
        name = {"openmpi": "OMPI_COMM_WORLD_RANK", "mpich": "PMI_RANK"}[self.mpi]
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                variables = (entry / "environ").read_bytes().split(b"\0")
            except (OSError, NotADirectoryError):
                continue
            is_ours = words[0].decode() == str(self.tools / tool) and any(
                word.decode() == str(self.folder / "cut.so") for word in words
            )
            if is_ours and f"{name}={rank}".encode() in variables:
                return int(entry.name)
        return None

    def end_ranks(self):
        """Ends what a failed check may have left, also without its mpirun."""
        for tool in ("sherry-run", "sherry-bench", "sherry-serve"):
            for rank in (0, 1):
                process = self.find_rank(rank, tool)
                if process:
                    os.kill(process, signal.SIGKILL)

    def await_end(self, rank, tool):
        """mpirun may end before a rank that it has killed is gone."""
        end = time.monotonic() + LIMIT
        while self.find_rank(rank, tool) is not None:
            require(time.monotonic() < end, self.mpi, "leaves rank", rank, "of", tool)
            time.sleep(0.05)

    def await_work(self, process, tool):
        """Returns when rank 1, which sleeps while there are no calls, has made some."""
        part = str(self.folder / "cut.1-of-2.so")
        end = time.monotonic() + LIMIT
        worker = before = None
        while before is None or read_seconds(worker) < before + 0.1:
            require(process.poll() is None, self.mpi, tool, "ends before its work")
            require(time.monotonic() < end, self.mpi, tool, "does not work")
            time.sleep(0.02)
            if before is None:
                worker = self.find_rank(1, tool)
                # MPI needs time, too, but before a model is opened.
                if worker and part in pathlib.Path(f"/proc/{worker}/maps").read_text():
                    before = read_seconds(worker)

    def check_killed(self, rank, is_prefill):
        if is_prefill:
            # Half a minute of prefill, without any output.
            tool, prompts = "sherry-bench", ",".join(["2000"] * 50)
            arguments = ("-p", prompts, "-n", 0, "-r", 1, "-t", 1, "-q")
        else:
            tool = "sherry-run"
            arguments = (
                *("--tokens", PROMPT, "--print-tokens"),
                *("-n", 1000000, "--context-shift", "--ignore-eos", "-q"),
            )
        process = self.start(2, self.folder / "cut.so", *arguments, tool=tool)
        if is_prefill:
            self.await_work(process, tool)
        else:
            # When something is printed, both ranks are at work.
            process.stdout.read(8)
        victim = self.find_rank(rank, tool)
        require(victim, self.mpi, "rank", rank, "is not there")
        begin = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        phase = "prefill" if is_prefill else "decode"
        what = (self.mpi, phase, "without rank", rank)
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            require(False, *what, "hangs")
        passed = time.monotonic() - begin
        # The launcher says on either stream that a rank ended badly. It may name the other
        # one: MPI itself can abort a rank whose reads from the dead one fail.
        require(process.returncode != 0, *what, "ends well")
        message = {"openmpi": "exited on signal", "mpich": "BAD TERMINATION"}[self.mpi]
        require(message in out + err, *what, "says nothing of it:", out, err)
        require("pp2000" not in out, *what, "has ended before:", out)
        self.await_end(1 - rank, tool)
        print(f"{self.mpi}: rank {rank} killed in {phase}, over after {passed:.1f} s")

    def check_served(self, answers):
        """`answers` are those of the uncut model."""
        tool = "sherry-serve"
        process = self.start(2, self.folder / "cut.so", *SERVE, tool=tool)
        with served(process) as found:
            require(found == answers, self.mpi, "serves", found, "instead of", answers)
            process.terminate()
            try:
                process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                require(False, self.mpi, tool, "does not end on SIGTERM")
        for rank in (0, 1):
            self.await_end(rank, tool)


def read_seconds(process):
    """The time that processors have spent on a process."""
    # The name, which may have spaces, ends with the last parenthesis.
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(process):
    """What a server answers to two prompts, which it evaluates together."""
    timer = threading.Timer(LIMIT, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
        found = re.search(r"at http://(\S+):(\d+), ", line)
        if not found:
            process.terminate()
            require(False, "sherry-serve says", line, *process.communicate())
        server = http.client.HTTPConnection(found[1], int(found[2]), timeout=LIMIT)
        server.request("GET", "/health")
        reply = server.getresponse()
        reply.read()
        require(reply.status == 200, "/health of sherry-serve:", reply.status)
        body = {
            "prompt": [list(map(int, PROMPT.split(","))), [1, 2, 3]],
            "max_tokens": 20,
            "temperature": 0,
            "return_token_ids": True,
        }
        headers = {"Content-Type": "application/json"}
        server.request("POST", "/v1/completions", json.dumps(body), headers)
        reply = server.getresponse()
        text = reply.read()
        require(reply.status == 200, "sherry-serve refuses:", text)
        choices = json.loads(text)["choices"]
        server.close()
        yield [choice["token_ids"] for choice in choices]
    finally:
        timer.cancel()
        process.kill()
        process.communicate()


def run_whole(tool, model):
    """What sherry-run prints, and its logits."""
    logits = model.with_suffix(".npy")
    command = [tool, model, *SAME, "-t", 1, "--logits", logits]
    out = subprocess.run(
        list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return out, logits.read_bytes()


def serve_whole(tool, model):
    """What sherry-serve answers."""
    process = subprocess.Popen(
        list(map(str, [tool, model, *SERVE])),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    )
    with served(process) as answers:
        return answers


def compile_model(folder, tools, seed, *arguments):
    subprocess.run(
        [tools / "sherry-compile", folder, f"--random-weights={seed}", *arguments],
        check=True,
    )


def damage(source, target):
    """Copies a model, and changes a byte of its weights."""
    data = bytearray(source.read_bytes())
    # Weights are at the end, but for the checksums.
    data[-1000] ^= 1
    target.write_bytes(data)


def main():
    folder, tools = map(pathlib.Path, sys.argv[1:3])
    (folder / "config.json").write_text(json.dumps(CONFIG))
    compile_model(folder, tools, 1, "-o", folder / "whole.so")
    compile_model(folder, tools, 1, "-o", folder / "cut.so", "--ranks=2")
    compile_model(folder, tools, 1, "-o", folder / "cut4.so", "--ranks=4")
    compile_model(folder, tools, 2, "-o", folder / "other.so", "--ranks=2")
    # A part of each model, and twice the same part.
    shutil.copy(folder / "cut.0-of-2.so", folder / "mixed.0-of-2.so")
    shutil.copy(folder / "other.1-of-2.so", folder / "mixed.1-of-2.so")
    shutil.copy(folder / "cut.0-of-2.so", folder / "twice.0-of-2.so")
    shutil.copy(folder / "cut.0-of-2.so", folder / "twice.1-of-2.so")
    shutil.copy(folder / "cut.0-of-2.so", folder / "three.0-of-3.so")
    shutil.copy(folder / "cut.1-of-2.so", folder / "three.1-of-3.so")
    shutil.copy(folder / "cut.1-of-2.so", folder / "three.2-of-3.so")
    shutil.copy(folder / "cut.0-of-2.so", folder / "damaged.0-of-2.so")
    damage(folder / "cut.1-of-2.so", folder / "damaged.1-of-2.so")
    stuck = str(folder / "stuck.so")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", stuck],
        input="#include <unistd.h>\nint MPI_Finalize(void) { sleep(1000); return 0; }\n",
        check=True,
        text=True,
    )
    rest = ("--tokens", "1", "-n", 1)
    plan = json.loads(
        subprocess.run(
            [tools / "sherry-bench", "--plan", folder / "whole.so", "--machines", "2"]
            + ["--bandwidth", "10GB/s", "--link", "1gbit,25us", "-o", "json"],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    )
    received = plan["splits"][1]["received_bytes_per_token"]
    whole = run_whole(tools / "sherry-run", folder / "whole.so")
    answers = serve_whole(tools / "sherry-serve", folder / "whole.so")
    lengths = [len(tokens) for tokens in answers]
    require(lengths == [20, 20], "sherry-serve answers", answers)
    for mpi in sys.argv[3:]:
        checker = Checker(folder, tools, mpi)
        try:
            for ranks, threads in ((2, 1), (2, 2), (4, 1)):
                checker.check_same(ranks, threads, whole)
            checker.check_served(answers)
            checker.check_bench(received)
            checker.check_verified()
            checker.check_stuck(stuck)
            checker.check_refused(
                "rank 1 has a part of another model than rank 0", 2, folder / "mixed.so", *rest
            )
            checker.check_refused(
                "rank 1 has the part of rank 0", 2, folder / "twice.so", *rest
            )
            checker.check_refused(
                "is cut among 2 ranks; 3 are running", 3, folder / "three.so", *rest
            )
            checker.check_refused("cut.0-of-3.so", 3, folder / "cut.so", *rest)
            # An error of rank 0 alone.
            checker.check_refused(
                "is not in [0, 256)", 2, folder / "cut.so", "--tokens", 4000, "-n", 1
            )
            for rank in (0, 1):
                for is_prefill in (False, True):
                    checker.check_killed(rank, is_prefill)
        finally:
            checker.end_ranks()


if __name__ == "__main__":
    main()
