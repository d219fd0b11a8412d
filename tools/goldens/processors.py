"""Writes `processors.jsonl`: what each logits processor and warper of the reference does to one row of logits.

The list of processors is built by the reference's own `_get_logits_processor` from a generation config, so its order and its
conditions are tested as well. Sampling has no token goldens; this is what holds its warpers. Read next: `make_goldens.py`.
"""

import json
import math

import torch
from transformers import GenerationConfig, LogitsProcessorList

from . import catalogue, families

VOCABULARY = 24
END = 2
IDS = dict(eos_token_id=END, pad_token_id=1, decoder_start_token_id=0)

# name, options; every one gets several draws of logits, sequence and source.
SETTINGS = [
    ("temperature", dict(do_sample=True, temperature=0.7)),
    ("temperature-hot", dict(do_sample=True, temperature=1.9)),
    ("top-k", dict(do_sample=True, top_k=5)),
    ("top-k-1", dict(do_sample=True, top_k=1)),
    ("top-k-off", dict(do_sample=True, top_k=0)),
    ("top-k-beyond", dict(do_sample=True, top_k=400)),
    ("top-p", dict(do_sample=True, top_k=0, top_p=0.8)),
    ("top-p-small", dict(do_sample=True, top_k=0, top_p=0.05)),
    ("top-p-beams", dict(do_sample=True, top_k=0, top_p=0.05, num_beams=3)),
    ("min-p", dict(do_sample=True, top_k=0, min_p=0.1)),
    ("min-p-large", dict(do_sample=True, top_k=0, min_p=0.9)),
    ("typical-p", dict(do_sample=True, top_k=0, typical_p=0.6)),
    ("typical-p-small", dict(do_sample=True, top_k=0, typical_p=0.2)),
    ("epsilon-cutoff", dict(do_sample=True, top_k=0, epsilon_cutoff=0.02)),
    ("epsilon-cutoff-large", dict(do_sample=True, top_k=0, epsilon_cutoff=0.9)),
    ("eta-cutoff", dict(do_sample=True, top_k=0, eta_cutoff=0.02)),
    ("eta-cutoff-large", dict(do_sample=True, top_k=0, eta_cutoff=0.5)),
    ("warpers", dict(do_sample=True, temperature=0.8, top_k=12, top_p=0.9, min_p=0.01, typical_p=0.95, epsilon_cutoff=0.001, eta_cutoff=0.001)),
    ("warpers-beams", dict(do_sample=True, num_beams=4, temperature=1.3, top_k=1, top_p=0.5, typical_p=0.3)),
    ("warpers-off-when-greedy", dict(do_sample=False, temperature=0.5, top_k=2, top_p=0.3)),
    ("repetition-penalty", dict(repetition_penalty=1.7)),
    ("repetition-penalty-below-1", dict(repetition_penalty=0.6)),
    ("encoder-repetition-penalty", dict(encoder_repetition_penalty=1.4)),
    ("encoder-repetition-penalty-below-1", dict(encoder_repetition_penalty=0.5)),
    ("no-repeat-ngram-1", dict(no_repeat_ngram_size=1)),
    ("no-repeat-ngram-2", dict(no_repeat_ngram_size=2)),
    ("no-repeat-ngram-3", dict(no_repeat_ngram_size=3)),
    ("no-repeat-ngram-longer-than-sequence", dict(no_repeat_ngram_size=30)),
    ("encoder-no-repeat-ngram-1", dict(encoder_no_repeat_ngram_size=1)),
    ("encoder-no-repeat-ngram-2", dict(encoder_no_repeat_ngram_size=2)),
    ("encoder-no-repeat-ngram-3", dict(encoder_no_repeat_ngram_size=3)),
    ("bad-words", dict(bad_words_ids=[[7], [4, 5], [5, 4], [9, 4, 5], [END]])),
    ("sequence-bias", dict(sequence_bias=[[[6], 2.5], [[4, 5], -3.0], [[5, 4], 1.25], [[5, 5], -1.5], [[4, 4], 0.75]])),
    ("min-length", dict(min_length=9)),
    ("min-length-two-ends", dict(min_length=30, eos_token_id=[END, 11])),
    ("min-new-tokens", dict(min_new_tokens=8)),
    ("forced-bos", dict(forced_bos_token_id=6)),
    ("forced-eos", dict(forced_eos_token_id=END, max_length=8)),
    ("forced-eos-list", dict(forced_eos_token_id=[END, 5], max_length=8)),
    ("remove-invalid", dict(remove_invalid_values=True)),
    ("decay", dict(exponential_decay_length_penalty=[3, 1.2])),
    ("decay-two-ends", dict(exponential_decay_length_penalty=[1, 1.05], eos_token_id=[END, 12])),
    ("suppress", dict(suppress_tokens=[3, 8, 23])),
    ("begin-suppress", dict(begin_suppress_tokens=[5, 6])),
    ("begin-suppress-after-forced-bos", dict(begin_suppress_tokens=[5, 6], forced_bos_token_id=7)),
    ("renormalize", dict(renormalize_logits=True, suppress_tokens=[4])),
    ("renormalize-sampling", dict(do_sample=True, renormalize_logits=True, temperature=0.6, top_k=6)),
    (
        "all-together",
        dict(
            sequence_bias=[[[6], 2.5]], encoder_repetition_penalty=1.2, repetition_penalty=1.3, no_repeat_ngram_size=2,
            encoder_no_repeat_ngram_size=2, bad_words_ids=[[7]], min_length=5, suppress_tokens=[3], temperature=0.9, top_k=10, top_p=0.95,
            do_sample=True, renormalize_logits=True,
        ),
    ),
]  # fmt: skip

# Lengths of the sequence so far, the decoder start counted: 1 is the first step, 7 is max_length − 1 of the forced-eos cases.
LENGTHS = (1, 2, 7, 12)


def _numbers(row):
    return [value if math.isfinite(value) else ("-inf" if value < 0 else "inf") for value in row.tolist()]


def write(path):
    """Writes every setting at several lengths. Logits are spread by 2, some are −∞ in the last draw."""
    model = families.build("bart", dict(catalogue.BART, vocab_size=VOCABULARY))
    generator = torch.Generator().manual_seed(3)
    count = 0
    with path.open("w") as out:
        for name, options in SETTINGS:
            for length in LENGTHS:
                # Few different ids, so that n-grams repeat.
                sequence = [0] + torch.randint(4, 7, (length - 1,), generator=generator).tolist()
                source = torch.randint(4, 8, (9,), generator=generator).tolist() + [END]
                logits = torch.randn(1, VOCABULARY, generator=generator) * 2
                if length == 12:
                    logits[0, [3, 20]] = -math.inf
                if name == "remove-invalid":
                    logits[0, 9] = math.inf
                config = {**IDS, **options}
                generation = GenerationConfig(**config)
                model._prepare_special_tokens(generation, kwargs_has_attention_mask=True, device="cpu")
                chain = model._get_logits_processor(
                    generation_config=generation, input_ids_seq_length=1, encoder_input_ids=torch.tensor([source]), prefix_allowed_tokens_fn=None,
                    logits_processor=LogitsProcessorList(), device="cpu", model_kwargs={},
                )  # fmt: skip
                result = chain(torch.tensor([sequence]), logits.clone())
                case = {"name": f"{name}-{length}", "config": config, "encoder_input_ids": source, "sequence": sequence}
                out.write(json.dumps({**case, "input": _numbers(logits[0]), "output": _numbers(result[0])}) + "\n")
                count += 1
    return count
