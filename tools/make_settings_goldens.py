"""Makes `fixtures/goldens/settings.jsonl`: the generation options that the reference takes from `config.json` and
`generation_config.json`, where the one says little and the other is missing, empty or out of date.

    python tools/make_settings_goldens.py > fixtures/goldens/settings.jsonl

The first line holds the options' defaults; each other line is a case: the two files and the options in force that differ from the
defaults. No network is needed for that, so the models are made without memory (on the device `meta`).
"""

import json
import tempfile
import warnings
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM, GenerationConfig
from transformers.utils import logging

logging.set_verbosity_error()
warnings.simplefilter("ignore")

# Options of Papo; what belongs to the reference's bookkeeping, caches and other outputs is no part of a case.
OPTIONS = """max_length max_new_tokens min_length min_new_tokens early_stopping max_time stop_strings do_sample num_beams temperature top_k top_p min_p
typical_p epsilon_cutoff eta_cutoff repetition_penalty encoder_repetition_penalty length_penalty no_repeat_ngram_size
encoder_no_repeat_ngram_size bad_words_ids sequence_bias renormalize_logits forced_bos_token_id forced_eos_token_id
remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens num_return_sequences pad_token_id bos_token_id eos_token_id
decoder_start_token_id""".split()

FAMILIES = ("bart", "blenderbot", "marian", "mt5", "t5")

# What every family is asked about: fields of config.json besides `model_type`, then the other file (None: there is none).
FROM = {"_from_model_config": True, "transformers_version": "4.57.6"}
SHARED = [
    ({}, None),
    ({"decoder_start_token_id": 3}, None),
    ({"decoder_start_token_id": None}, None),
    ({"pad_token_id": None, "bos_token_id": None, "eos_token_id": None, "forced_eos_token_id": None}, None),
    ({"eos_token_id": [1, 2], "forced_eos_token_id": [1, 2]}, None),
    ({"encoder_no_repeat_ngram_size": None}, None),
    ({"encoder_no_repeat_ngram_size": 0}, None),
    ({"bos_token_id": 7, "force_bos_token_to_be_generated": True}, None),
    ({"bos_token_id": 7, "force_bos_token_to_be_generated": False}, None),
    ({"forced_bos_token_id": 5, "force_bos_token_to_be_generated": True}, None),
    ({"num_beams": 4, "max_length": 60, "min_length": 3, "length_penalty": 0.65, "early_stopping": True, "do_sample": False}, None),
    ({"num_beams": None, "max_length": None, "max_new_tokens": 64, "top_k": None}, None),
    ({"task_specific_params": {"summarization": {"num_beams": 6}}}, None),
    ({"num_beams": 4}, {}),
    ({"num_beams": 4}, {"decoder_start_token_id": 3}),
    ({"num_beams": 4}, FROM),
    ({"num_beams": 4}, {**FROM, "num_beams": 2, "decoder_start_token_id": 3}),
    ({"num_beams": 4}, {**FROM, "_from_model_config": False, "num_beams": 2}),
    ({}, {**FROM, "num_beams": 2, "decoder_start_token_id": 3}),
    ({"num_beams": 1, "max_length": 20}, {**FROM, "num_beams": 2}),
    ({"num_beams": None}, {**FROM, "num_beams": 2}),
    ({"max_new_tokens": 9}, {**FROM, "num_beams": 2}),
    ({"max_new_tokens": 9, "no_repeat_ngram_size": 2}, {**FROM, "num_beams": 2}),
    ({"decoder_start_token_id": 6, "eos_token_id": 8}, {**FROM, "num_beams": 2}),
    ({"encoder_no_repeat_ngram_size": 0}, {**FROM, "num_beams": 2}),
    ({"encoder_no_repeat_ngram_size": 3}, {**FROM, "num_beams": 2}),
    ({"forced_eos_token_id": 2}, {**FROM, "num_beams": 2}),
    ({"forced_eos_token_id": 0}, {**FROM, "num_beams": 2}),
    ({"forced_eos_token_id": None}, {**FROM, "num_beams": 2}),
    ({"force_bos_token_to_be_generated": True}, {**FROM, "num_beams": 2}),
    ({"length_penalty": 1, "min_length": 0.0}, {**FROM, "num_beams": 2}),
    ({"output_scores": True}, {**FROM, "num_beams": 2}),
    ({"num_beam_groups": 1, "diversity_penalty": 0.0}, {**FROM, "num_beams": 2}),
    ({"max_length": 12.0, "pad_token_id": 3.0}, None),
]  # fmt: skip


def options(config):
    own = config.to_dict()
    return {name: own[name] for name in OPTIONS}


def case(model_type, fields, own):
    config = {"model_type": model_type, "vocab_size": 64, **fields}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(config))
        read = AutoConfig.from_pretrained(folder)
        with torch.device("meta"):
            # As small as may be; that says nothing about options.
            read.vocab_size, read.d_model = 64, 64
            if model_type in ("bart", "blenderbot", "marian"):
                read.encoder_layers = read.decoder_layers = 1
            else:
                read.num_layers = read.num_decoder_layers = 1
            pad = read.pad_token_id
            read.pad_token_id = 0
            model = AutoModelForSeq2SeqLM.from_config(read)
        model.config.pad_token_id = pad
        # As `from_pretrained` does.
        model.generation_config = GenerationConfig.from_model_config(model.config)
        if own is not None:
            Path(folder, "generation_config.json").write_text(json.dumps(own))
            model.generation_config = GenerationConfig.from_pretrained(folder)
        prepared, _ = model._prepare_generation_config(None)
    default = options(GenerationConfig())
    return {
        "config": config,
        "generation_config": own,
        "options": {name: value for name, value in options(prepared).items() if value != default[name]},
    }


print(json.dumps({"defaults": options(GenerationConfig())}))
for family in FAMILIES:
    for fields, own in SHARED:
        print(json.dumps(case(family, fields, own)))
