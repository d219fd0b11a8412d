"""Talks to a trained small-talk folder through the reference, as `papo chat` will through Papo.

    python tools/talk_smalltalk.py crates/papo/models/smalltalk                    a chat; an empty line forgets it, `bye` ends it
    python tools/talk_smalltalk.py crates/papo/models/smalltalk --script FILE      turns from a file; an empty line begins a new chat

`--set NAME=VALUE` overrides a generation setting (`--set num_beams=8`). The history has Blenderbot's form; see `examples.py`.
"""

import argparse
import json
import sys

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer


def reply(model, tokenizer, turns, settings):
    """Papo's next turn after `turns` (each with its leading space), as decoded: with its leading space."""
    ids = tokenizer("  ".join(turns), return_tensors="pt")["input_ids"][:, -128:]
    with torch.no_grad():
        output = model.generate(ids, **settings)
    return tokenizer.decode(output[0], skip_special_tokens=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--script")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    settings = {name: json.loads(value) for name, _, value in (s.partition("=") for s in options.set)}
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(options.folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(options.folder).eval()
    turns = []
    for line in open(options.script, encoding="utf-8") if options.script else sys.stdin:
        text = line.strip()
        if not text:
            turns = []
            print()
            continue
        turns.append(" " + text)
        turns.append(reply(model, tokenizer, turns, settings))
        print(f"You: {text}\nPapo: {turns[-1].strip()}", flush=True)
        if text.lower() == "bye" and not options.script:
            break


if __name__ == "__main__":
    main()
