"""The option sets that `generate` is held to, and the search for inputs on which each is stable and makes a difference.

A case is drawn anew (sources, and tokens named in the options) until the answer is stable (see `stability.py`) and, for options
that should bite, differs from the answer without them. Read next: `make_goldens.py`.
"""

import json
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Callable

import torch

from . import families
from .stability import end_tokens

# What turns a checkpoint's own settings off, field by field; only fields that the checkpoint sets are overridden.
NEUTRAL = {
    "num_beams": 1, "early_stopping": False, "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0, "forced_bos_token_id": None,
    "forced_eos_token_id": None, "min_length": 0, "length_penalty": 1.0, "bad_words_ids": None, "renormalize_logits": False,
}  # fmt: skip


@dataclass
class Draw:
    """What an option set may look at: the sources drawn and what plain greedy search makes of them."""

    sources: list
    greedy: list  # rows, stripped
    end: int
    vocabulary: int

    def body(self, row=0):
        """The greedy row without its start and end tokens."""
        return [token for token in self.greedy[row][1:] if token != self.end]

    def often(self, count):
        """The tokens that greedy search likes most."""
        return [token for token, _ in Counter(t for r in range(len(self.greedy)) for t in self.body(r)).most_common(count)]

    def pair(self):
        """Two neighbours in the middle of the first greedy row."""
        body = self.body()
        middle = max(0, len(body) // 2 - 1)
        return body[middle : middle + 2]


@dataclass
class OptionSet:
    """A named set of options; `matters` are those that must change the answer."""

    name: str
    options: Callable[[Draw], dict]
    sources: int = 1
    matters: tuple = ()
    longest: int = 14
    own: bool = False  # start from the checkpoint's own settings instead of plain greedy search


def fixed(**options):
    return lambda _draw: options


OPTION_SETS = [
    OptionSet("greedy", fixed()),
    OptionSet("greedy-batch-4", fixed(), sources=4),
    OptionSet("beams-4", fixed(num_beams=4), matters=("num_beams",)),
    OptionSet("own-settings", fixed(), own=True),
    OptionSet("own-settings-batch-3", fixed(), sources=3, own=True),
    OptionSet("own-settings-nbest-2", fixed(num_beams=4, num_return_sequences=2, max_new_tokens=30), sources=2, own=True),
    OptionSet("greedy-60", fixed(max_new_tokens=60)),
    OptionSet("greedy-60-batch-2", fixed(max_new_tokens=60, min_new_tokens=40), sources=2),
    OptionSet("greedy-default-length", fixed(max_new_tokens=None)),
    OptionSet("greedy-long-source", fixed(), longest=50),
    OptionSet("beams-2", fixed(num_beams=2), matters=("num_beams",)),
    OptionSet("beams-3-batch-3", fixed(num_beams=3), sources=3, matters=("num_beams",)),
    OptionSet("beams-4-early", fixed(num_beams=4, early_stopping=True), sources=2),
    OptionSet("beams-4-early-matters", fixed(num_beams=4, early_stopping=True), sources=3, matters=("early_stopping",)),
    OptionSet("beams-4-never", fixed(num_beams=4, early_stopping="never", length_penalty=1.5), sources=2),
    OptionSet("beams-4-never-negative", fixed(num_beams=4, early_stopping="never", length_penalty=-0.5), sources=2),
    OptionSet("beams-10-nbest-10", fixed(num_beams=10, num_return_sequences=10, max_new_tokens=16)),
    OptionSet("beams-10", fixed(num_beams=10), sources=2, matters=("num_beams",)),
    OptionSet("beams-4-nbest-3-batch-2", fixed(num_beams=4, num_return_sequences=3), sources=2),
    OptionSet("beams-4-penalty-negative", fixed(num_beams=4, length_penalty=-1.0), sources=2, matters=("length_penalty",)),
    OptionSet("beams-4-penalty-0", fixed(num_beams=4, length_penalty=0.0), sources=2, matters=("length_penalty",)),
    OptionSet("beams-4-penalty-0.65", fixed(num_beams=4, length_penalty=0.65), sources=2),
    OptionSet("beams-4-penalty-2", fixed(num_beams=4, length_penalty=2.0), sources=2, matters=("length_penalty",)),
    OptionSet("beams-3-60-batch-2", fixed(num_beams=3, max_new_tokens=60, length_penalty=2.0), sources=2),
    OptionSet("no-repeat-1", fixed(no_repeat_ngram_size=1), matters=("no_repeat_ngram_size",)),
    OptionSet("no-repeat-2-batch-3", fixed(no_repeat_ngram_size=2), sources=3, matters=("no_repeat_ngram_size",)),
    OptionSet("no-repeat-3-beams-4", fixed(no_repeat_ngram_size=3, num_beams=4, max_new_tokens=40), matters=("no_repeat_ngram_size",)),
    OptionSet("encoder-no-repeat-1", fixed(encoder_no_repeat_ngram_size=1), matters=("encoder_no_repeat_ngram_size",)),
    OptionSet("encoder-no-repeat-2-batch-3", fixed(encoder_no_repeat_ngram_size=2), sources=3, matters=("encoder_no_repeat_ngram_size",)),
    OptionSet("encoder-no-repeat-2-beams-3", fixed(encoder_no_repeat_ngram_size=2, num_beams=3), matters=("encoder_no_repeat_ngram_size",)),
    OptionSet(
        "no-repeat-both-beams-4-batch-2", fixed(no_repeat_ngram_size=2, encoder_no_repeat_ngram_size=2, num_beams=4), sources=2,
        matters=("no_repeat_ngram_size", "encoder_no_repeat_ngram_size"),
    ),
    OptionSet("repetition-penalty", fixed(repetition_penalty=1.5), sources=2, matters=("repetition_penalty",)),
    OptionSet("repetition-penalty-beams-3", fixed(repetition_penalty=1.3, num_beams=3), matters=("repetition_penalty",)),
    OptionSet("encoder-repetition-penalty", fixed(encoder_repetition_penalty=2.5), matters=("encoder_repetition_penalty",)),
    OptionSet("encoder-repetition-penalty-beams-3", fixed(encoder_repetition_penalty=1.6, num_beams=3), matters=("encoder_repetition_penalty",)),
    OptionSet("bad-words-one", lambda d: dict(bad_words_ids=[[t] for t in d.often(3)]), sources=2, matters=("bad_words_ids",)),
    OptionSet("bad-words-pair", lambda d: dict(bad_words_ids=[d.pair(), d.body()[:2], [d.end]]), matters=("bad_words_ids",)),
    OptionSet("bad-words-beams-4", lambda d: dict(bad_words_ids=[d.pair(), d.often(1)], num_beams=4), matters=("bad_words_ids",)),
    OptionSet("sequence-bias", lambda d: dict(sequence_bias=[[d.often(1), -5.0], [d.pair(), -9.5]]), matters=("sequence_bias",)),
    OptionSet("sequence-bias-beams-3", lambda d: dict(sequence_bias=[[d.pair(), 4.0], [d.often(1), -3.0]], num_beams=3), matters=("sequence_bias",)),
    OptionSet("min-length", fixed(min_length=20), sources=2, matters=("min_length",)),
    OptionSet("min-length-beams-3", fixed(min_length=18, num_beams=3), matters=("min_length",)),
    OptionSet("min-new-tokens-beams-4", fixed(min_new_tokens=15, num_beams=4), matters=("min_new_tokens",)),
    OptionSet("max-length", fixed(max_length=9, max_new_tokens=None)),
    OptionSet("max-length-beams-3-nbest-3", fixed(max_length=12, max_new_tokens=None, num_beams=3, num_return_sequences=3), sources=2),
    OptionSet("max-new-tokens-wins", fixed(max_length=5, max_new_tokens=14)),
    OptionSet("forced-bos", lambda d: dict(forced_bos_token_id=d.pair()[0]), sources=2, matters=("forced_bos_token_id",)),
    OptionSet("forced-eos", lambda d: dict(forced_eos_token_id=d.end, max_length=9, max_new_tokens=None), sources=2, matters=("forced_eos_token_id",)),
    OptionSet(
        "forced-both-beams-4", lambda d: dict(forced_bos_token_id=d.pair()[0], forced_eos_token_id=d.end, max_length=11, max_new_tokens=None, num_beams=4),
        matters=("forced_bos_token_id", "forced_eos_token_id"),
    ),
    OptionSet("suppress", lambda d: dict(suppress_tokens=d.often(4)), sources=2, matters=("suppress_tokens",)),
    OptionSet("suppress-beams-3", lambda d: dict(suppress_tokens=d.often(2), num_beams=3), matters=("suppress_tokens",)),
    OptionSet("begin-suppress", lambda d: dict(begin_suppress_tokens=[r[1] for r in d.greedy]), sources=2, matters=("begin_suppress_tokens",)),
    OptionSet("decay", fixed(exponential_decay_length_penalty=[5, 1.15]), sources=2, matters=("exponential_decay_length_penalty",)),
    OptionSet("decay-beams-4", fixed(exponential_decay_length_penalty=[8, 1.02], num_beams=4), matters=("exponential_decay_length_penalty",)),
    OptionSet("renormalize-beams-3", lambda d: dict(renormalize_logits=True, suppress_tokens=d.often(4), num_beams=3), matters=("renormalize_logits",)),
    OptionSet("two-ends", lambda d: dict(eos_token_id=[d.end, d.pair()[0]]), sources=3, matters=("eos_token_id",)),
    OptionSet(
        "two-ends-beams-3-nbest-2", lambda d: dict(eos_token_id=[d.pair()[0], d.end], num_beams=3, num_return_sequences=2, max_new_tokens=20),
        sources=2, matters=("eos_token_id",),
    ),
    OptionSet(
        "many-at-once",
        lambda d: dict(
            num_beams=4, num_return_sequences=2, no_repeat_ngram_size=3, encoder_no_repeat_ngram_size=3, repetition_penalty=1.2,
            bad_words_ids=[d.often(1)], min_length=10, length_penalty=0.65, forced_eos_token_id=d.end, max_length=25, max_new_tokens=None,
            early_stopping=True,
        ),
        sources=3,
    ),
]  # fmt: skip

# What a layout variant gets: enough to show that every tensor is where it belongs.
LAYOUT_CASES = ("greedy", "greedy-batch-4", "beams-4", "own-settings")


def plain(model):
    """Overrides that make the checkpoint's own settings plain greedy search of 24 tokens."""
    own = model.generation_config
    options = {name: value for name, value in NEUTRAL.items() if getattr(own, name, None) not in (None, value)}
    return {**options, "max_new_tokens": 24}


def _sources(reference, option_set, generator, pieces):
    config = reference.model.config
    sources = []
    for i in range(option_set.sources):
        least = option_set.longest - 10 if option_set.longest > 14 else 3
        ids = families.random_source(config, generator, least=least, most=option_set.longest - 4 * (i % 3), pieces=pieces)
        sources.append(ids)
    # A piece of what the model says about the first source, so that n-grams of the source do come up.
    row = reference.generate(sources[:1], plain(reference.model))[0][0]
    body = [t for t in row[1:] if t not in families.special_ids(config)]
    sources[0] = body[1:6] + sources[0][-(option_set.longest - 5) :]
    return sources


def _attempt(reference, option_set, generator, pieces):
    """(case or None, whether it bites) for one draw."""
    model = reference.model
    sources = _sources(reference, option_set, generator, pieces)
    base = {} if option_set.own else plain(model)
    greedy, _ = reference.generate(sources, plain(model))
    draw = Draw(sources, greedy, model.config.eos_token_id, model.config.vocab_size)
    if len(draw.body()) < 6:
        return None, False
    options = {**base, **option_set.options(draw)}
    if options.get("max_new_tokens", 0) is None:
        del options["max_new_tokens"]
    rows, scores = expected = reference.generate(sources, options)
    if sum(map(len, rows)) < 5 * len(rows):
        return None, False
    bites = True
    for name in option_set.matters:
        fewer = {k: v for k, v in options.items() if k != name} | {k: v for k, v in base.items() if k == name}
        bites = bites and reference.generate(sources, fewer)[0] != rows
    if not reference.is_stable(sources, options, expected):
        return None, False
    case = {"name": option_set.name, "input_ids": sources, "generation_config": options, "sequences": rows, "scores": scores}
    return case, bites


def find(reference, option_set, pieces=None, attempts=16, log=lambda line: None):
    """A stable case for `option_set`, one that bites where possible; None where none is stable."""
    spare = None
    for attempt in range(attempts):
        generator = torch.Generator().manual_seed(zlib.crc32(f"{option_set.name} {attempt}".encode()))
        case, bites = _attempt(reference, option_set, generator, pieces)
        if case and bites:
            return case
        spare = spare or case
    log(f"  {option_set.name}: {'options make no difference' if spare else 'NO STABLE CASE'} in {attempts} attempts")
    return spare


def ended(case, model):
    """How many of the case's rows end by an end token."""
    ends = end_tokens(model, case["generation_config"])
    return sum(row[-1] in ends for row in case["sequences"])


def line(case):
    """The case as one line of `generate.jsonl`."""
    return json.dumps(case, ensure_ascii=False) + "\n"
