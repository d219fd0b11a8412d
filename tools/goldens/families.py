"""Tiny random networks of each family, drawn so that what they generate is varied.

Random weights of the usual size make a network repeat one token for ever. Three things cure that: strong linear layers
and biases, a final norm whose gains have random signs (so that a tied head does not simply echo the last token), and a
favoured third of the vocabulary (so that repeated n-grams, and those of the source, do come up). `draw` tries seeds until
greedy output is varied and some of it ends by itself. Read next: `catalogue.py`, which says which checkpoint is which.
"""

import math

import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BlenderbotConfig,
    BlenderbotForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    MT5Config,
    MT5ForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

CLASSES = {
    "bart": (BartConfig, BartForConditionalGeneration),
    "blenderbot": (BlenderbotConfig, BlenderbotForConditionalGeneration),
    "marian": (MarianConfig, MarianMTModel),
    "t5": (T5Config, T5ForConditionalGeneration),
    "mt5": (MT5Config, MT5ForConditionalGeneration),
}


def build(model_type, fields):
    """An untrained network in f32, in evaluation mode, from the fields of its `config.json`."""
    config_class, model_class = CLASSES[model_type]
    config = config_class(**fields)
    config._attn_implementation = "eager"
    model = model_class(config).eval()
    # The reference sizes its cache by the encoder's depth and fails where T5's decoder is deeper.
    model.generation_config.use_cache = caches(config)
    return model


def caches(config):
    """Whether the reference can generate with its cache."""
    return getattr(config, "num_decoder_layers", 0) <= getattr(config, "num_layers", 0)


def special_ids(config):
    """Ids that a source text never holds in its middle."""
    named = (config.pad_token_id, config.eos_token_id, config.bos_token_id, config.decoder_start_token_id)
    return {i for i in named if i is not None} | {0, 1, 2, 3}


@torch.no_grad()
def randomize(model, seed, end_bias, pieces=None):
    """Fills `model` with weights of seed `seed`; `end_bias` moves the logit of the end token."""
    config = model.config
    generator = torch.Generator().manual_seed(seed)
    is_t5 = config.model_type in ("t5", "mt5")
    # Where positions are scaled or fixed, token embeddings must not drown them.
    embedding = {"t5": 0.7, "mt5": 0.7, "bart": 0.6, "marian": 0.3}.get(config.model_type, 0.15)
    for name, parameter in model.named_parameters():
        normal = torch.randn(parameter.shape, generator=generator)
        if name.endswith("shared.weight"):
            parameter.copy_(normal * embedding)
        elif "embed_positions" in name:
            # Marian's sines are computed, not learned.
            if config.model_type != "marian":
                parameter.copy_(normal)
        elif name == "lm_head.weight":
            parameter.copy_(normal * 0.6)
        elif "relative_attention_bias" in name:
            parameter.copy_(normal * 2.0)
        elif name.endswith(_last_norm(config)):
            signs = torch.sign(torch.randn(parameter.shape, generator=generator))
            parameter.copy_((1 + 0.2 * normal) * signs * _last_gain(config))
        elif "norm" in name and name.endswith("weight"):
            parameter.copy_(1 + 0.2 * normal)
        elif name.endswith("bias"):
            parameter.copy_(normal * 0.1)
        else:
            parameter.copy_(normal * _gain(name, is_t5) / math.sqrt(parameter.shape[1]))
    favoured = torch.randperm(config.vocab_size, generator=generator)[: config.vocab_size // 3]
    favoured = favoured[favoured < (pieces or config.vocab_size)]
    if is_t5:
        head = model.get_output_embeddings().weight
        head[favoured] *= 1.5
        head[config.eos_token_id] *= 1 + end_bias / 4
    else:
        bias = model.final_logits_bias
        bias.copy_(torch.randn(bias.shape, generator=generator) * 0.5)
        bias[0, favoured] += 2.0
        bias[0, config.eos_token_id] += end_bias
        for never in {config.pad_token_id, config.decoder_start_token_id} - {config.eos_token_id}:
            bias[0, never] -= 4.0


def _gain(name, is_t5):
    """How much a linear layer stretches. Cross-attention is held back: it is the same at every step."""
    if "decoder" in name and ("EncDecAttention.o" in name or "encoder_attn.out_proj" in name):
        return 0.5
    if is_t5 and (".q." in name or ".k." in name):
        return 0.8
    if "q_proj" in name or "k_proj" in name:
        return 4.0
    return 2.0


def _last_norm(config):
    """The end of the name of the norm that feeds the head."""
    if config.model_type in ("t5", "mt5"):
        return "decoder.final_layer_norm.weight"
    if config.model_type == "blenderbot":
        return "decoder.layer_norm.weight"
    return f"decoder.layers.{config.decoder_layers - 1}.final_layer_norm.weight"


def _last_gain(config):
    """The gain that makes logits spread by about three."""
    return {"bart": 1.0, "marian": 2.0, "t5": 4.0 if config.tie_word_embeddings else 1.0, "mt5": 1.0}.get(config.model_type, 4.0)


def random_source(config, generator, least=3, most=14, pieces=None):
    """The ids of a made-up source: random pieces, then the end token."""
    allowed = [i for i in range(pieces or config.vocab_size) if i not in special_ids(config)]
    length = int(torch.randint(least, most + 1, (1,), generator=generator))
    picks = torch.randint(0, len(allowed), (length,), generator=generator)
    return [allowed[i] for i in picks] + [config.eos_token_id]


def variety(model, pieces=None, sources=12, limit=40):
    """(share of distinct tokens in a row, share of rows that end by themselves, share of distinct rows, tokens used) of greedy output."""
    config = model.config
    generator = torch.Generator().manual_seed(7)
    ended, distinct, rows = 0, 0.0, set()
    for _ in range(sources):
        ids = torch.tensor([random_source(config, generator, pieces=pieces)])
        row = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, num_beams=1, max_new_tokens=limit, max_length=None, min_length=0,
            no_repeat_ngram_size=0, encoder_no_repeat_ngram_size=0, forced_bos_token_id=None, forced_eos_token_id=None,
        )[0, 1:].tolist()  # fmt: skip
        ended += row[-1] == config.eos_token_id
        distinct += len(set(row)) / len(row)
        rows.add(tuple(row))
    return distinct / sources, ended / sources, len(rows) / sources, len(set().union(*rows))


# Greedy rows of twelve sources together use at least so many different tokens.
LEAST_TOKENS = 30


def draw(model_type, fields, pieces=None, first_seed=1, log=lambda line: None):
    """A network whose greedy output is varied and ends by itself now and then; deterministic."""
    model = build(model_type, fields)
    for seed in range(first_seed, first_seed + 400):
        for end_bias in (0.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0):
            randomize(model, seed, end_bias, pieces)
            distinct, ended, rows, used = variety(model, pieces, sources=4)
            if distinct < 0.15 or ended == 1.0:
                break
            if ended == 0.0 or distinct < 0.35:
                continue
            distinct, ended, rows, used = variety(model, pieces)
            if distinct > 0.35 and 0.15 <= ended <= 0.85 and rows > 0.9 and used >= LEAST_TOKENS:
                log(f"seed {seed}, end bias {end_bias}: {distinct:.2f} distinct tokens, {ended:.2f} ended, {rows:.2f} distinct rows, {used} tokens")
                return model
    raise RuntimeError(f"no seed gives varied output for {model_type}")
