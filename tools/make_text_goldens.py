"""What the reference's `generate` makes of texts, where a text is more than its ids: a literal padding token, and stop strings.

    python tools/make_text_goldens.py

Writes `fixtures/goldens/texts.jsonl`, a case a line: `checkpoint`, `text`, `generation_config`, and the `sequences` of `generate(**tokenizer(text))`.
Where `masked` is there, it is what the same ids give as `generate(ids)`, which masks the padding token. Read by
`crates/papo/tests/texts_equal_the_reference.rs`.
"""

import json
import os
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.generation.stopping_criteria import StopStringCriteria

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINTS = ["bart-full", "blenderbot-bin", "t5-flan", "t5-v1_0", "marian"]
TEXTS = ["the fox <pad> ran", "<pad> the fox", "<pad><pad>a", "we saw <pad>"]
# What the checkpoints set for themselves; a stop must not depend on it.
PLAIN = {"num_beams": 1, "min_length": 0, "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0, "max_new_tokens": 16}


def stripped(row, model, config):
    """A row without what fills it up behind its end, as `tools/README.md` has it."""
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    for place, token in enumerate(row):
        if place > 0 and token in ends:
            return row[: place + 1]
    pad = model.generation_config.pad_token_id
    while len(row) > 1 and row[-1] == pad:
        row = row[:-1]
    return row


def main():
    torch.manual_seed(0)
    with open(ROOT / "fixtures" / "goldens" / "texts.jsonl", "w") as out:
        for name in CHECKPOINTS:
            folder = ROOT / "fixtures" / "checkpoints" / name
            tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()

            def answer(inputs, config):
                given = {key: value for key, value in config.items() if key != "stop_strings"}
                # `generate(stop_strings=…, tokenizer=…)` of 4.57.6 hands the tokenizer on to the network, which does not want it.
                stops = [StopStringCriteria(tokenizer, config["stop_strings"])] if "stop_strings" in config else []
                rows = model.generate(**inputs, **given, stopping_criteria=stops)
                return [stripped(row.tolist(), model, config) for row in rows]

            def write(**case):
                out.write(json.dumps({"checkpoint": name, **case}, ensure_ascii=False) + "\n")

            for text in TEXTS:
                inputs = tokenizer(text, return_tensors="pt")
                inputs = {key: inputs[key] for key in ("input_ids", "attention_mask")}
                write(text=text, generation_config=PLAIN, sequences=answer(inputs, PLAIN), masked=answer({"input_ids": inputs["input_ids"]}, PLAIN))
            strings, places = StopStringCriteria.clean_tokenizer_vocab(tokenizer)
            spelled = dict(zip(places, strings))
            for text in ["the fox ran", "a bird and a red house"]:
                inputs = tokenizer(text, return_tensors="pt")
                inputs = {key: inputs[key] for key in ("input_ids", "attention_mask")}
                for beams in (1, 3):
                    plain = {**PLAIN, "num_beams": beams}
                    row = answer(inputs, plain)[0]
                    words = [spelled.get(token, "") for token in row]
                    whole = "".join(words[1:])
                    middle = len(words[1]) + len("".join(words[2:5]))
                    stops = {whole[middle : middle + 2], whole[middle + 1 : middle + 6], words[1], " " + words[1].strip(), words[0] + words[1], words[4].strip()}
                    for stop in sorted(stop for stop in stops if stop and "\ufffd" not in stop):
                        config = {**plain, "stop_strings": [stop]}
                        try:
                            write(text=text, generation_config=config, sequences=answer(inputs, config))
                        except ValueError:
                            pass  # no token has any of it
                    if "\ufffd" in whole[middle : middle + 2]:
                        continue
                    several = {**plain, "stop_strings": ["qqqq", whole[middle : middle + 2]]}
                    write(text=text, generation_config=several, sequences=answer(inputs, several))


if __name__ == "__main__":
    main()
