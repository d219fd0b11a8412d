"""Estimation of an n-gram model beside KenLM's lmplz: the same text, order and memory, an ARPA file from both.

    cargo build --release -p papo-ngram --examples
    target/release/examples/sample_corpus TEXT 20000000 > corpus.txt
    python tools/bench_lmplz.py LMPLZ corpus.txt [--order 5] [--memory 512] [--rounds 3]

The two take turns, so that whatever else the machine does falls on both; each round's figures are printed, then the medians. LMPLZ is
the program of https://github.com/kpu/kenlm, built with -O3. Peak memory is that of the process (Linux).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ESTIMATE = Path(__file__).resolve().parent.parent / "target/release/examples/estimate"


def measured(command):
    """Seconds by the clock, seconds of processor time and peak memory in MB of a command that has to succeed."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} failed:\n{said}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lmplz")
    parser.add_argument("text")
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--memory", type=int, default=512, help="MiB for each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--estimate", default=str(ESTIMATE), help="Papo's example of that name")
    asked = parser.parse_args()
    order, memory = str(asked.order), str(asked.memory)
    with tempfile.TemporaryDirectory(dir=Path(asked.text).resolve().parent) as folder:
        arpa = os.path.join(folder, "model.arpa")
        commands = {
            "lmplz": [asked.lmplz, "-o", order, "-S", memory + "M", "-T", folder, "--text", asked.text, "--arpa", arpa],
            "papo": [asked.estimate, order, memory, asked.text, arpa],
        }
        rounds = {name: [] for name in commands}
        for _ in range(asked.rounds):
            for name, command in commands.items():
                rounds[name].append(measured(command))
                os.remove(arpa)
                print(name, "{:6.1f} s, processors {:6.1f} s, peak {:5.0f} MB".format(*rounds[name][-1]), flush=True)
    medians = {name: statistics.median(round[0] for round in figures) for name, figures in rounds.items()}
    print("medians: lmplz {lmplz:.1f} s, papo {papo:.1f} s".format(**medians), end=", ")
    print(f"lmplz takes {medians['lmplz'] / medians['papo']:.2f} times as long")


if __name__ == "__main__":
    main()
