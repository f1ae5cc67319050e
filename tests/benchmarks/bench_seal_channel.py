"""The bits a second that go from a sealed run to a sealed kernel by what the two cannot but share.

Usage: python -m benchmarks.bench_seal_channel [--bits 200] [--slot-ms 50]

A real sender in the seal of a run and a real receiver in the seal of a kernel agree on a clock. In each slot
the sender works, or does not; the receiver looks how far it comes itself, or what it is given. Half of the
bits are known to the receiver and set its threshold; the other half are its guesses. The rate is the capacity
of a binary symmetric channel with the share of wrong guesses (Shannon 1948): (1 - H(p)) / slot, for p up to
one half. A busy machine makes it smaller. The last line is JSON.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from math import log2
from pathlib import Path
from statistics import mean
from typing import Any

from sandbox.hub.kernel_seal import kernel_seal
from sandbox.jobs import run_folder
from sandbox.jobs.run_seal import run_seal
from sandbox.seals import Bind, Bubblewrap, Seal, interpreter
from workspace import KERNEL_PYTHON

MIB = 1024 * 1024
PROGRAM = """
import json, os, sys, time
role, channel, start, slot, bits, cpu = json.loads(sys.argv[1])
STEP = 1 << 20
if cpu >= 0:
    os.sched_setaffinity(0, {cpu % os.cpu_count()})
if channel.startswith("memory"):
    import numpy
    field = numpy.zeros(48 * 2**20, dtype=numpy.uint8)
cold = os.open("/env/cold", os.O_RDONLY)

def until(moment):
    while (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, 0.05) if left > 0.002 else 0)

def work(end):
    done = 0
    while time.monotonic() < end:
        if channel.startswith("memory"):
            field[::64] += 1
        else:
            sum(range(300))
        done += 1
    return done

def pipe():
    ends = os.pipe()
    number = os.fstat(ends[0]).st_ino
    os.close(ends[0]); os.close(ends[1])
    return number

def page(number):
    began = time.perf_counter()
    os.pread(cold, 1, number * STEP)
    return time.perf_counter() - began

seen = []
for number, bit in enumerate(bits):
    begin = start + number * slot
    if channel == "page cache":
        if role == "send" and bit:
            page(number)
        if role == "read":
            if number == 0:
                until(start + 2)
            seen.append(-page(number))
        continue
    until(begin)
    if channel.startswith("pipe"):
        if role == "read":
            until(begin + slot * 0.85)
            after = pipe()
            seen.append(after - before if number else 0)
            before = after
        elif bit:
            for _ in range(200):
                pipe()
    elif role == "read":
        seen.append(-work(begin + slot * 0.9))
    elif bit:
        work(begin + slot)
print(json.dumps(seen))
"""
CHANNELS = {"processor": 0, "memory": -1, "pipe numbers": 0, "page cache": -1}
"""Each with the processor that both are put on; -1 leaves that to the machine."""
SAID = {
    "processor": "both on one processor: how far the receiver comes",
    "memory": "both read and write 48 MiB: how far the receiver comes",
    "pipe numbers": (
        "how many pipes, sockets and the like were made on one processor: closed, so nothing arrives"
    ),
    "page cache": (
        "whether a part of a common file has been read since the machine started: once "
        "for each part, bits a run"
    ),
}


def threshold(levels: Sequence[float], bits: Sequence[int]) -> float:
    ones, zeros = (
        [level for level, bit in zip(levels, bits, strict=True) if bit == which] for which in (1, 0)
    )
    return (mean(ones) + mean(zeros)) / 2 if ones and zeros else 0.0


def capacity(wrong: float) -> float:
    """Of a binary symmetric channel, in bits a slot."""
    p = min(max(wrong, 0.0), 0.5)
    return 1.0 if p == 0 else 1 + p * log2(p) + (1 - p) * log2(1 - p)


def start(seal: Seal, role: str, told: Sequence[Any]) -> tuple[subprocess.Popen[bytes], int]:
    reader, writer = os.pipe()
    command = (str(KERNEL_PYTHON), "-c", PROGRAM, json.dumps([role, *told]))
    process = Bubblewrap().start(replace(seal, command=command), output=writer)
    os.close(writer)
    return process, reader


def measure(channel: str, run: Seal, kernel: Seal, bits: Sequence[int], slot: float) -> dict[str, float]:
    told = [channel, time.monotonic() + 4, slot, list(bits), CHANNELS[channel]]
    sender, heard = start(run, "send", told)
    receiver, answer = start(kernel, "read", told)
    with os.fdopen(heard) as file:
        said = file.read()
    with os.fdopen(answer) as file:
        text = file.read()
    if sender.wait() or receiver.wait():
        raise SystemExit(f"{channel}: {said}{text}")
    seen = json.loads(text.splitlines()[-1])
    half = len(bits) // 2
    limit = threshold(seen[:half], bits[:half])
    wrong = mean((level > limit) != bool(bit) for level, bit in zip(seen[half:], bits[half:], strict=True))
    told_bits = capacity(wrong)
    return {
        "wrong": round(wrong, 3),
        "bits": round(told_bits if channel == "page cache" else told_bits / slot, 2),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bits", type=int, default=200)
    options.add_argument("--slot-ms", type=float, default=50)
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        folder.chmod(0o755)
        for name in ("env", "in", "sockets", "vault"):
            (folder / name).mkdir()
        (folder / "runs").mkdir(mode=0o700)
        (folder / "env" / "cold").write_bytes(os.urandom(chosen.bits * MIB))
        os.sync()
        with (folder / "env" / "cold").open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        shared = (*interpreter(KERNEL_PYTHON), Bind(str(folder / "env"), "/env"))
        place = run_folder.make(folder / "runs", "channel")
        run = run_seal(
            run="channel",
            entry="main.py",
            python=KERNEL_PYTHON,
            interpreter=shared,
            folder=place,
            memory_bytes=1024 * MIB,
            limit_seconds=600,
        )
        kernel = kernel_seal(
            person="wang",
            kernel="channel",
            python=KERNEL_PYTHON,
            interpreter=shared,
            inbox=folder / "in",
            sockets=folder / "sockets",
            vault_folder=folder / "vault",
        )
        bits = random.Random(7).choices((0, 1), k=chosen.bits)
        results = {}
        for channel in CHANNELS:
            results[channel] = measure(channel, run, kernel, bits, chosen.slot_ms / 1000)
            unit = "bits a part" if channel == "page cache" else "bits a second"
            result = results[channel]
            print(
                f"{channel:13} {result['bits']:8.2f} {unit:14} wrong {result['wrong']:.1%}  {SAID[channel]}",
                flush=True,
            )
        print(json.dumps({"slot_ms": chosen.slot_ms, "bits": chosen.bits, **results}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
