"""What the reference's tokenizers make of 20,000 lines: one hash per block of 100 lines, for each real tokenizer.

    python tools/make_tokenizer_goldens.py [NAME…] [--data ../shared/data] [--show NAME LINE]

Writes `fixtures/tokenizers/odd_lines.jsonl` and `fixtures/goldens/tokenizers/NAME.json`. The tokenizer files and most of the lines
are not part of the project: they are read from the data folder (`--data`, or `PAPO_DATA`). `--show` prints what the reference makes of
one line, for when a block differs. Read next: the rule in `README.md`, and `goldens/odd_lines.py`.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")

import transformers
from goldens.odd_lines import odd_lines

ROOT = Path(__file__).resolve().parent.parent
BLOCK = 100

# The first so many lines of each file; lines end at "\n" and at nothing else, and keep a "\r".
FILES = [
    ("text/machado-de-assis/romance/domCasmurro.txt", 3000),
    ("text/machado-de-assis/poesia/falenas.txt", 1000),
    ("text/ud-portuguese-bosque/train.txt", 3000),
    ("text/wikitext-2-raw/wiki.valid.raw", 2000),
    ("text/tinyshakespeare/input.txt", 2000),
    ("text/sherlock/sherlock.txt", 2000),
    ("text/names/names.txt", 500),
    ("dialogue/rasa-smalltalk-en/pairs.tsv", 1500),
    ("dialogue/personality-chat-ms/humorous.tsv", 100),
    ("dialogue/chatterbot-corpus/portuguese.jsonl", 200),
    ("dialogue/self-dialogue/dialogues.jsonl", 600),
    ("dialogue/synthetic-persona-chat/valid.jsonl", 100),
    ("translation/multi30k-en-pt/train.en-pt.tsv", 2000),
]


def from_folder(folder, data):
    return transformers.AutoTokenizer.from_pretrained(data / "tokenizers" / folder)


def from_spiece(source, data):
    """T5's tokenizer from a SentencePiece model and nothing else in the folder."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(data / "tokenizers" / source, Path(folder, "spiece.model"))
        Path(folder, "config.json").write_text('{"model_type": "t5"}')
        return transformers.AutoTokenizer.from_pretrained(folder)


def from_bpe(source, name, data, **options):
    """A byte-level BPE class `name` from `vocab.json` and `merges.txt`."""
    files = (str(data / "tokenizers" / source / part) for part in ("vocab.json", "merges.txt"))
    return getattr(transformers, name)(*files, **options)


class AsTarget:
    """A tokenizer that takes every text for one in the language that is translated to."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.decode = tokenizer.decode
        self.convert_ids_to_tokens = tokenizer.convert_ids_to_tokens
        self.class_name = type(tokenizer).__name__

    def __call__(self, text, **options):
        return self.tokenizer(text_target=text, **options)


TOKENIZERS = {
    "t5": ("tokenizers/t5, whole folder", lambda data: from_folder("t5", data)),
    "t5-spiece-only": ("tokenizers/t5/spiece.model alone", lambda data: from_spiece("t5/spiece.model", data)),
    "ptt5-portuguese": ("tokenizers/ptt5-portuguese/spm_32000_pt.model as spiece.model, alone", lambda data: from_spiece("ptt5-portuguese/spm_32000_pt.model", data)),
    "bart": ("tokenizers/bart, whole folder", lambda data: from_folder("bart", data)),
    "bart-vocab-merges": ("tokenizers/bart/{vocab.json,merges.txt} alone", lambda data: from_bpe("bart", "BartTokenizerFast", data)),
    "blenderbot-400M-distill": (
        "tokenizers/blenderbot-400M-distill with add_prefix_space, as AutoTokenizer makes it (BlenderbotTokenizerFast)",
        lambda data: from_bpe("blenderbot-400M-distill", "BlenderbotTokenizerFast", data, add_prefix_space=True),
    ),
    "blenderbot-400M-distill-slow": (
        "tokenizers/blenderbot-400M-distill with add_prefix_space, the Python class (BlenderbotTokenizer)",
        lambda data: from_bpe("blenderbot-400M-distill", "BlenderbotTokenizer", data, add_prefix_space=True),
    ),
    "blenderbot_small-90M": ("tokenizers/blenderbot_small-90M", lambda data: from_bpe("blenderbot_small-90M", "BlenderbotSmallTokenizer", data)),
    "marian-en-pt": ("tokenizers/marian-en-pt, whole folder", lambda data: from_folder("marian-en-pt", data)),
    "marian-en-pt-target": ("tokenizers/marian-en-pt, whole folder, lines as text_target", lambda data: AsTarget(from_folder("marian-en-pt", data))),
    "pegasus": ("tokenizers/pegasus, whole folder", lambda data: from_folder("pegasus", data)),
}  # fmt: skip


class Fnv:
    """FNV-1a, 64 bits."""

    def __init__(self):
        self.state = 0xCBF29CE484222325

    def feed(self, data):
        state = self.state
        for byte in data:
            state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        self.state = state

    def hex(self):
        return f"{self.state:016x}"


def read_lines(data):
    """All lines in their order: the odd ones, then those of FILES."""
    lines = list(odd_lines())
    for name, count in FILES:
        whole = (data / name).read_bytes().split(b"\n")[:count]
        assert len(whole) == count, f"{name} has fewer than {count} lines"
        lines += [line.decode() for line in whole]
    return lines


def golden(tokenizer, source, lines):
    """The file's content for one tokenizer."""
    id_hashes, text_hashes, tokens = [], [], 0
    for start in range(0, len(lines), BLOCK):
        ids_of_block, texts_of_block = Fnv(), Fnv()
        for line in lines[start : start + BLOCK]:
            ids = tokenizer(line, verbose=False).input_ids
            tokens += len(ids)
            ids_of_block.feed(b"".join(i.to_bytes(4, "little") for i in ids) + b"\xff\xff\xff\xff")
            texts_of_block.feed(tokenizer.decode(ids, skip_special_tokens=True).encode() + b"\xff")
        id_hashes.append(ids_of_block.hex())
        text_hashes.append(texts_of_block.hex())
    return {
        "tokenizer": source,
        "class": getattr(tokenizer, "class_name", type(tokenizer).__name__),
        "transformers": transformers.__version__,
        "block": BLOCK,
        "odd_lines": len(odd_lines()),
        "files": [{"path": name, "lines": count} for name, count in FILES],
        "tokens": tokens,
        "ids": id_hashes,
        "decoded": text_hashes,
    }


def write_odd_lines(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in odd_lines()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PAPO_DATA", ROOT.parent / "shared" / "data")))
    parser.add_argument("--show", nargs=2, metavar=("NAME", "LINE"))
    arguments = parser.parse_intermixed_args()
    lines = read_lines(arguments.data)
    if arguments.show:
        tokenizer = TOKENIZERS[arguments.show[0]][1](arguments.data)
        ids = tokenizer(lines[int(arguments.show[1])]).input_ids
        text = tokenizer.decode(ids, skip_special_tokens=True)
        return print(json.dumps({"text": lines[int(arguments.show[1])], "ids": ids, "tokens": tokenizer.convert_ids_to_tokens(ids), "decoded": text}))
    write_odd_lines(ROOT / "fixtures" / "tokenizers" / "odd_lines.jsonl")
    folder = ROOT / "fixtures" / "goldens" / "tokenizers"
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or TOKENIZERS:
        source, make = TOKENIZERS[name]
        result = golden(make(arguments.data), source, lines)
        (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
        print(f"{name}: {len(lines)} lines, {result['tokens']} tokens", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
