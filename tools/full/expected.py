"""Forty prompts for each shape, what the reference answers, and whether that answer hangs on rounding.

Results are written as they come, one JSON line a prompt, so that a run may be broken off and taken up again. Read next: `check.py`.
"""

import copy
import json
from pathlib import Path

import torch
from goldens.text import SENTENCES
from transformers import AutoTokenizer

from . import shapes

NOISE = 1e-4
ODD = ["", "hi 😀😀 how are you? 🇧🇷", "  two  spaces\tand a tab ", "A B C </s> D", "ALL CAPS AND 1234567890 NUMBERS!!!", "Olá! Você já leu «Dom Casmurro»? – Não…"]


def prompts(data):
    """40 texts: short English and Portuguese, odd ones, and long ones (up to about 300 words)."""
    data = Path(data)
    questions = [line.split("\t")[0] for line in (data / "dialogue/rasa-smalltalk-en/pairs.tsv").read_text().split("\n")[:1000:100]]
    portuguese = [json.loads(line)["turns"][0] for line in (data / "dialogue/chatterbot-corpus/portuguese.jsonl").read_text().split("\n")[:240:40]]
    novel = (data / "text/machado-de-assis/romance/domCasmurro.txt").read_text().split("\n")
    long_portuguese = [" ".join(novel[start : start + lines]) for start, lines in ((100, 5), (300, 10), (600, 20), (900, 30))]
    chapters = (data / "text/wikitext-2-raw/wiki.valid.raw").read_text().split("\n")
    long_english = sorted((line.strip() for line in chapters[:400] if len(line) > 300), key=len)[::15][:4]
    texts = questions + portuguese + SENTENCES[:5] + SENTENCES[10:15] + ODD + long_portuguese + long_english
    assert len(texts) == 40, len(texts)
    return texts


def settings(name, index):
    """What the call overrides: nothing for the models that bring their settings, greedy and beams for Flan-T5."""
    if not name.startswith("flan"):
        return {}
    return {"max_new_tokens": 40, "num_beams": 4} if index % 3 == 2 else {"max_new_tokens": 40}


def encode(tokenizer, name, text):
    """The ids that the model is given: Blenderbot keeps the last 128."""
    ids = tokenizer(text, verbose=False).input_ids
    return ids[-128:] if name.startswith("blenderbot") else ids


class Reference:
    """The reference, loaded from the folder in f32; `precise` in f64, `noise_seed` disturbs the logits."""

    def __init__(self, name, folder, precise=False, noise_seed=None):
        self.model = shapes.model_class(name).from_pretrained(folder, torch_dtype=torch.float64 if precise else torch.float32).eval()
        if noise_seed is not None:
            generator = torch.Generator().manual_seed(noise_seed)

            def disturb(_module, _args, out):
                return out + (torch.rand(out.shape, generator=generator) * 2 - 1).to(out.dtype) * NOISE

            self.model.get_output_embeddings().register_forward_hook(disturb)
        self.ends = self.model.generation_config.eos_token_id

    @torch.no_grad()
    def answer(self, ids, options):
        """(the returned row without padding, its score or None)."""
        sources = torch.tensor([ids])
        out = self.model.generate(
            sources, attention_mask=torch.ones_like(sources), return_dict_in_generate=True, output_scores=True, **copy.deepcopy(options)
        )
        row = out.sequences[0].tolist()
        if self.ends in row[1:]:
            row = row[: row.index(self.ends, 1) + 1]
        scores = getattr(out, "sequences_scores", None)
        return row, None if scores is None else scores[0].item()


def record(name, folder, data, path, log):
    """Writes the plain answers to `path`, skipping the prompts that are there already."""
    done = len(path.read_text().splitlines()) if path.exists() else 0
    tokenizer, reference = AutoTokenizer.from_pretrained(folder), Reference(name, folder)
    with path.open("a") as out:
        for index, text in list(enumerate(prompts(data)))[done:]:
            ids, options = encode(tokenizer, name, text), settings(name, index)
            row, score = reference.answer(ids, options)
            out.write(json.dumps({"text": text, "input_ids": ids, "generation_config": options, "sequence": row, "score": score}) + "\n")
            out.flush()
            log(f"{name} {index + 1}: {len(ids)} ids in, {len(row)} out, {len(set(row))} different")


def test_stability(name, folder, path, kind, log):
    """Answers again under `kind` ("noise" or "float64") and writes, per prompt, whether the tokens are the same."""
    result = path.with_suffix(f".{kind}.jsonl")
    done = len(result.read_text().splitlines()) if result.exists() else 0
    reference = Reference(name, folder, precise=kind == "float64", noise_seed=1 if kind == "noise" else None)
    with result.open("a") as out:
        for case in [json.loads(line) for line in path.read_text().splitlines()][done:]:
            row, score = reference.answer(case["input_ids"], case["generation_config"])
            out.write(json.dumps({"same": row == case["sequence"], "score": score}) + "\n")
            out.flush()
    log(f"{name}: stability under {kind} written")
