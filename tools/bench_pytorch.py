"""PyTorch's and Papo's tokens per second side by side: f32, greedy, batch 1, 20 tokens in, 64 new, end token suppressed.

    python tools/bench_pytorch.py FOLDER PAPO [NAME…] [--rounds 5] [--threads 2]

FOLDER holds the checkpoints of `full_size.py make`. Rounds are interleaved (PyTorch, Papo, PyTorch, Papo, …), so that what else the
machine does falls on both; medians and their ratio are printed, and how much of the cores others used meanwhile. Read next: `full_size.py`.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

INPUT, NEW = 20, 64


def busy():
    """Seconds that all cores together have worked since the machine started."""
    fields = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


class PyTorch:
    """The reference, loaded once."""

    def __init__(self, name, folder, threads):
        import torch
        from full import shapes

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.model = shapes.model_class(name).from_pretrained(folder, torch_dtype=torch.float32).eval()
        self.ids = torch.tensor([[100 + (i * 7919) % 7000 for i in range(INPUT)]])
        self.mask = torch.ones_like(self.ids)
        self.tokens_per_s(new=6)

    def tokens_per_s(self, new=NEW):
        """New tokens by seconds of one `generate`, the encoder included."""
        start = time.perf_counter()
        out = self.model.generate(
            self.ids, attention_mask=self.mask, do_sample=False, num_beams=1, min_new_tokens=new, max_new_tokens=new, min_length=0,
            no_repeat_ngram_size=0, encoder_no_repeat_ngram_size=0, forced_bos_token_id=None, forced_eos_token_id=None, early_stopping=False,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        assert out.shape[1] == new + 1
        return new / seconds


def papo(binary, folder, threads):
    """Papo's own figure: the median of its runs."""
    flags = ["--input-tokens", INPUT, "--new-tokens", NEW, "--batch", 1, "--beams", 1, "--threads", threads, "--dtype", "f32", "--json"]
    done = subprocess.run([binary, "bench", str(folder), *map(str, flags)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["tokens_per_s"]


def foreign(measure):
    """(result, cores that others used while `measure` ran)."""
    before, own, start = busy(), os.times(), time.perf_counter()
    result = measure()
    now, seconds = os.times(), time.perf_counter() - start
    mine = sum(now[:4]) - sum(own[:4])
    return result, max(0.0, (busy() - before - mine) / seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("papo")
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_intermixed_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    names = arguments.names or ["flan-t5-small", "flan-t5-base", "bart-base", "blenderbot-400M-distill"]
    print("| model | PyTorch tokens/s | Papo tokens/s | ratio of medians | others' cores, most |\n| --- | --- | --- | --- | --- |")
    for name in names:
        folder = arguments.folder / name
        reference = PyTorch(name, folder, arguments.threads)
        theirs, ours, others = [], [], []
        for _ in range(arguments.rounds):
            for results, measure in ((theirs, reference.tokens_per_s), (ours, lambda: papo(arguments.papo, folder, arguments.threads))):
                value, used = foreign(measure)
                results.append(value)
                others.append(used)
        del reference
        left, right = statistics.median(theirs), statistics.median(ours)
        print(f"| {name} | {left:.1f} | {right:.1f} | {right / left:.2f} | {max(others):.2f} |", flush=True)


if __name__ == "__main__":
    main()
