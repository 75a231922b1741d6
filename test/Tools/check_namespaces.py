#!/usr/bin/env python3
# ===- check_namespaces.py - A model on two hosts -------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_namespaces.py FOLDER TOOLS MPI...
#
# Two network namespaces that a cable joins stand for two hosts; ranks reach each
# other by TCP alone. Exits with 1 and a reason if something is wrong.
#
# ===----------------------------------------------------------------------=== #
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

from check_mpi import CONFIG, ENVIRONMENT, LIMIT, PROMPT, compile_model, require

DEVICE = "v0"
HOSTS = ("10.9.0.1", "10.9.0.2")
# Runs a command on a host, as mpirun calls ssh: [OPTION...] HOST COMMAND...
SSH = """#!/bin/bash
while [[ $1 == -* ]]; do shift; done
case $1 in {hosts[0]}) name={names[0]} ;; *) name={names[1]} ;; esac
shift
exec ip netns exec $name sh -c "$*"
"""


def ip(*arguments):
    return subprocess.run(
        ["ip", *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@contextlib.contextmanager
def two_hosts():
    """The names of two namespaces."""
    names = [f"sherry-{os.getpid()}-{i}" for i in range(2)]
    try:
        for name in names:
            ip("netns", "add", name)
        a, b = names
        ip("link", "add", DEVICE, "netns", a, "type", "veth", "peer", "name", DEVICE, "netns", b)
        for name, host in zip(names, HOSTS):
            ip("-n", name, "addr", "add", f"{host}/24", "dev", DEVICE)
            ip("-n", name, "link", "set", DEVICE, "up")
            ip("-n", name, "link", "set", "lo", "up")
        end = time.monotonic() + LIMIT
        for name in names:
            while "state UP" not in ip("-n", name, "link", "show", DEVICE):
                require(time.monotonic() < end, "the cable does not come up")
                time.sleep(0.05)
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


def list_options(mpi, ssh):
    """Of mpirun: two hosts, TCP and nothing else."""
    hosts = ",".join(HOSTS)
    if mpi == "openmpi":
        return [
            *("--mca", "plm_rsh_agent", ssh, "--mca", "btl", "tcp,self"),
            *("--mca", "btl_tcp_if_include", DEVICE, "--mca", "oob_tcp_if_include", DEVICE),
            *("-x", "OMP_NUM_THREADS", "-H", hosts),
        ]
    return [
        *("-genv", "MPIR_CVAR_NOLOCAL", "1", "-genv", "UCX_TLS", "tcp"),
        *("-genv", "UCX_NET_DEVICES", DEVICE, "-launcher", "ssh", "-launcher-exec", ssh),
        *("-iface", DEVICE, "-hosts", hosts),
    ]


def run_within_limit(command):
    try:
        return subprocess.run(
            command,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired as expired:
        require(False, "hangs:", *command, expired.stdout, expired.stderr)


def count_received(name):
    path = f"/sys/class/net/{DEVICE}/statistics/rx_bytes"
    return int(ip("netns", "exec", name, "cat", path))


def main():
    folder, tools = map(pathlib.Path, sys.argv[1:3])
    (folder / "config.json").write_text(json.dumps(CONFIG))
    compile_model(folder, tools, 1, "-o", folder / "whole.so")
    compile_model(folder, tools, 1, "-o", folder / "cut.so", "--ranks=2")
    tool = str(tools / "sherry-run")
    arguments = ["--tokens", PROMPT, "--print-tokens", "-n", "20", "--temp", "0", "-q", "-t", "1"]
    whole = subprocess.run(
        [tool, folder / "whole.so", *arguments, "--logits", folder / "whole.npy"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    for mpi in sys.argv[3:]:
        with two_hosts() as names:
            ssh = folder / "ssh"
            ssh.write_text(SSH.format(hosts=HOSTS, names=names))
            ssh.chmod(0o755)
            done = run_within_limit(
                ["ip", "netns", "exec", names[0], f"mpirun.{mpi}", "-np", "2"]
                + [*map(str, list_options(mpi, ssh)), tool, str(folder / "cut.so")]
                + [*arguments, "--logits", str(folder / f"{mpi}.npy")],
            )
            received = count_received(names[1])
        require(done.returncode == 0, mpi, "exit code", done.returncode, done.stderr)
        require(done.stdout == whole, mpi, "answers", done.stdout, "instead of", whole)
        require(
            (folder / f"{mpi}.npy").read_bytes() == (folder / "whole.npy").read_bytes(),
            *(mpi, "has other logits"),
        )
        # 60 tokens of more than 9 kB each went over the cable.
        require(received > 500_000, mpi, "sent only", received, "bytes over the cable")


if __name__ == "__main__":
    main()
