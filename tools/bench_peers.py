"""Papo beside PyTorch, CTranslate2, ONNX Runtime and candle: builds them, times all in turns, writes docs/benchmarks.md. Linux.

    python tools/bench_peers.py build FOLDER [MODEL…]                  once; 20 GB, most of an hour on two cores
    python tools/bench_peers.py run FOLDER PAPO [--rounds 3] [--models …] [--workloads …] [--engines …]
    python tools/bench_peers.py report FOLDER [--out docs/benchmarks.md]

Needs Python 3.11 or later, cargo, and for `build` the package registries. `run` prints how long it will take, keeps each measurement in
FOLDER/records.jsonl, and goes on where it was broken off. Read next: `peers/catalogue.py`.
"""

import argparse
import sys
from pathlib import Path

from peers import machine
from peers.catalogue import ENGINES, MODELS, WORKLOADS

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)

    def step(name, about):
        added = steps.add_parser(name, help=about, description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        added.add_argument("folder", type=Path)
        return added

    build = step("build", "build the rivals and make the checkpoints")
    build.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)}; all if none is named")
    run = step("run", "time all engines in turns")
    run.add_argument("papo", help="the program")
    run.add_argument("--rounds", type=int, default=3)
    run.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    run.add_argument("--workloads", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    run.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    run.add_argument("--threads", type=int, default=machine.cores(), help="for every engine")
    run.add_argument("--wait", type=float, default=20, help="seconds at most that a measurement waits for a quiet machine")
    run.add_argument("--tries", type=int, default=2, help="times a measurement is taken that others disturb")
    run.add_argument("--keep", type=float, default=0.75, help="after the first round, rivals below this share of the fastest of their kind are left out")
    run.add_argument("--fresh", action="store_true", help="set records that are there aside and begin anew")
    report = step("report", "write the page from the records")
    report.add_argument("--out", type=Path, default=ROOT / "docs/benchmarks.md")
    parsed = parser.parse_args()
    parsed.folder = parsed.folder.resolve()
    if parsed.step == "build" and not set(parsed.models) <= set(MODELS):
        parser.error(f"models are {', '.join(MODELS)}")
    return parsed


def main():
    options = arguments()
    if options.step == "build":
        from peers.build import build

        build(options.folder, options.models or MODELS)
    elif options.step == "run":
        from peers.rounds import Run

        sys.exit(Run(options.folder, str(Path(options.papo).resolve()), options).all())
    else:
        from peers.page import write

        write(options.folder / "records.jsonl", options.out)


if __name__ == "__main__":
    main()
