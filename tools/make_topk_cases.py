"""Makes `fixtures/goldens/topk.jsonl`: the indices that `torch.topk` (CPU) gives where many numbers are equal.

    python tools/make_topk_cases.py > fixtures/goldens/topk.jsonl

Scores come from a hash, as in `largest_equals_torch.rs`, so a case is a few numbers long.
"""

import json
import random

import torch

MASK = (1 << 64) - 1


def mix(hash, word):
    z = (hash + word * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def score(seed, index, levels, impossible):
    if mix(seed + 1, index) % 100 < impossible:
        return float("nan") if mix(seed + 2, index) % 200 == 0 else float("-inf")
    return -float(mix(seed, index) % levels)


draw = random.Random(1)
for seed in range(400):
    n = draw.choice([1, 2, 3, 4, 5, 7, 17, 18, 33, 60, 64, 65, 128, 200, 500, 1280, 3000, 6000])
    k = max(1, min(n, draw.choice([1, 2, 3, 4, 6, 8, 10, 12, 18, 20, n // 3, n])))
    k = min(k, 60)
    levels = draw.choice([1, 2, 3, 10, 1000])
    impossible = draw.choice([0, 0, 10, 70, 100])
    scores = [score(seed, index, levels, impossible) for index in range(n)]
    order = torch.topk(torch.tensor(scores, dtype=torch.float32), k)[1].tolist()
    print(json.dumps({"seed": seed, "n": n, "k": k, "levels": levels, "impossible": impossible, "order": order}))
