"""Writes what the reference's tokenizer of a checkpoint folder makes of the odd lines. Read next: `text.py`."""

import json

from transformers import AutoTokenizer

from .text import ODD_LINES


def write(folder, path):
    """One JSON line per odd line: ids with special tokens, and both ways of decoding them."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with path.open("w") as out:
        for text in ODD_LINES:
            ids = tokenizer(text).input_ids
            decoded = {"decoded": tokenizer.decode(ids), "decoded_skip": tokenizer.decode(ids, skip_special_tokens=True)}
            out.write(json.dumps({"text": text, "ids": ids, **decoded}) + "\n")
