"""Checkpoints of the four true shapes outside the repository, the reference's answers, and Papo's held to them.

    python tools/full_size.py FOLDER make [NAME…]        random weights in the true layouts, real tokenizer files: FOLDER/NAME
    python tools/full_size.py FOLDER expect [NAME…]      the reference's tokens and scores for 40 prompts: FOLDER/NAME.expected.jsonl
    python tools/full_size.py FOLDER stability [NAME…] [--kinds noise float64]
    python tools/full_size.py FOLDER check PAPO [NAME…]  runs `PAPO generate FOLDER/NAME`; exit code 1 where a stable prompt differs

Read next: `full/shapes.py`, `full/expected.py`, `full/check.py`.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")

ROOT = Path(__file__).resolve().parent.parent


def log(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("step", choices=["make", "expect", "stability", "check"])
    parser.add_argument("rest", nargs="*", help="names of shapes; for check the path of papo first")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PAPO_DATA", ROOT.parent / "shared" / "data")))
    parser.add_argument("--kinds", nargs="*", default=["noise", "float64"])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_intermixed_args()
    if arguments.step == "check":
        from full import check

        papo, *names = arguments.rest
        names = names or sorted(p.name.removesuffix(".expected.jsonl") for p in arguments.folder.glob("*.expected.jsonl"))
        rows = [check.check(papo, name, arguments.folder / name, arguments.folder / f"{name}.expected.jsonl") for name in names]
        check.table(rows)
        sys.exit(1 if any(row["stable but different"] or row["wrong scores"] for row in rows) else 0)
    import torch
    from full import expected, shapes

    torch.set_num_threads(arguments.threads)
    for name in arguments.rest or shapes.CONFIGS:
        folder, path = arguments.folder / name, arguments.folder / f"{name}.expected.jsonl"
        if arguments.step == "make":
            shapes.write(name, folder, arguments.data)
            log(f"{name}: {sum(f.stat().st_size for f in folder.iterdir()) / 1e6:.0f} MB")
        elif arguments.step == "expect":
            expected.record(name, folder, arguments.data, path, log)
        else:
            for kind in arguments.kinds:
                expected.test_stability(name, folder, path, kind, log)


if __name__ == "__main__":
    main()
