"""Writes `fixtures/checkpoints` and `fixtures/goldens`: tiny random checkpoints and what the reference makes of them.

    python tools/make_goldens.py [NAME…] [--out FOLDER] [--cases N] [--processors]

Without names every checkpoint of `goldens/catalogue.py` is made, and `processors.jsonl`. Deterministic for pinned versions
(`requirements.txt`). Read next: `goldens/catalogue.py`.
"""

import argparse
import copy
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")

import torch
import transformers

from goldens import cases, catalogue, families, processors, taps, tokenizer_lines
from goldens.stability import Reference

WANTED = "4.57.6"
SIZE_LIMIT = 200_000


def log(text):
    print(text, file=sys.stderr, flush=True)


def write_checkpoint(checkpoint, folder):
    """Draws the weights and writes the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in checkpoint.tokenizer().items():
        (folder / name).write_bytes(content)
    model = families.draw(checkpoint.model_type, checkpoint.config, checkpoint.pieces, checkpoint.seed, log=lambda t: log(f"  {t}"))
    model = model.to(getattr(torch, checkpoint.dtype))
    checkpoint.write(model, folder)
    config = {"model_type": checkpoint.model_type, "is_encoder_decoder": True, **checkpoint.config, **checkpoint.in_config}
    config = {name: config[name] for name in config if name not in checkpoint.unwritten}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if checkpoint.generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(checkpoint.generation, indent=2) + "\n")
    size = sum(f.stat().st_size for f in folder.iterdir())
    assert size < SIZE_LIMIT, f"{folder} takes {size} bytes, more than {SIZE_LIMIT}"
    log(f"  {size} bytes")
    return model


def load(checkpoint, folder, drawn):
    """Loads the folder as the reference does, in f32, and checks that no tensor got lost on the way."""
    model_class = families.CLASSES[checkpoint.model_type][1]
    # What transformers 5 writes is to be read as the network that was saved, which 4.57 does not do by itself.
    config = families.CLASSES[checkpoint.model_type][0](**checkpoint.config) if "scale_decoder_outputs" in checkpoint.in_config else None
    model = model_class.from_pretrained(folder, config=config, torch_dtype=torch.float32, attn_implementation="eager").eval()
    model.generation_config.use_cache = families.caches(model.config)
    loaded = model.state_dict()
    for name, tensor in drawn.state_dict().items():
        if name != "final_logits_bias" or "BartModel" not in checkpoint.in_config["architectures"]:
            assert torch.equal(loaded[name], tensor.float()), f"{checkpoint.name}: {name} is not what was drawn"
    return model


def make(checkpoint, out, limit):
    """Makes one checkpoint and its goldens."""
    log(checkpoint.name)
    folder, goldens = out / "checkpoints" / checkpoint.name, out / "goldens" / checkpoint.name
    shutil.rmtree(goldens, ignore_errors=True)
    goldens.mkdir(parents=True)
    drawn = write_checkpoint(checkpoint, folder)
    model = load(checkpoint, folder, drawn)
    reference = Reference(model)
    generator = torch.Generator().manual_seed(5)
    source = families.random_source(model.config, generator, least=11, most=11, pieces=checkpoint.pieces)
    row = reference.generate([source], {**cases.plain(model), "max_new_tokens": 8, "min_new_tokens": 8})[0][0]
    taps.write(model, source, row, goldens / "taps.safetensors")
    kept, ended, rows = [], 0, 0
    for option_set in cases.OPTION_SETS[:limit]:
        if checkpoint.is_family or option_set.name in cases.LAYOUT_CASES:
            case = cases.find(reference, copy.deepcopy(option_set), checkpoint.pieces, log=log)
            if case:
                kept.append(case)
                rows += len(case["sequences"])
                ended += cases.ended(case, model)
    (goldens / "generate.jsonl").write_text("".join(map(cases.line, kept)))
    tokens = {token for case in kept for row in case["sequences"] for token in row}
    log(f"  {len(kept)} cases, {rows} rows, {ended} of them ended by themselves, {len(tokens)} different tokens")
    if checkpoint.tokenizer_lines:
        tokenizer_lines.write(folder, goldens / "tokenizer.jsonl")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "fixtures")
    parser.add_argument("--cases", type=int, default=None, help="only the first N option sets")
    parser.add_argument("--processors", action="store_true", help="only processors.jsonl")
    arguments = parser.parse_args()
    assert transformers.__version__ == WANTED, f"transformers {transformers.__version__} is installed; the reference is {WANTED}"
    torch.set_num_threads(1)
    known = {checkpoint.name: checkpoint for checkpoint in catalogue.CHECKPOINTS}
    unknown = set(arguments.names) - set(known)
    assert not unknown, f"no such checkpoint: {sorted(unknown)}; there are {list(known)}"
    if not arguments.processors:
        for name in arguments.names or known:
            make(known[name], arguments.out, arguments.cases)
    if arguments.processors or not arguments.names:
        processors.write(arguments.out / "goldens" / "processors.jsonl")


if __name__ == "__main__":
    main()
