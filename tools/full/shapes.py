"""The four true shapes: configs, generation settings and files as the hub has them, with random weights.

The weights are drawn so that the output is varied and ends now and then: the rows of a few hundred tokens and of the end token are
larger than the others, and the last norm's gains have random signs. Read next: `expected.py`.
"""

import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BlenderbotConfig,
    BlenderbotForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

# Logits spread by this much.
SPREAD = 3.0
# How much larger the rows of favoured tokens and of the end token are.
FAVOURED, END = 1.5, 2.6
# Cross-attention is the same at every step; without this its tokens would win always.
HELD_BACK = 0.15


def _flan(d_model, d_ff, layers, heads):
    return dict(
        architectures=["T5ForConditionalGeneration"], d_ff=d_ff, d_kv=64, d_model=d_model, decoder_start_token_id=0, dropout_rate=0.1, eos_token_id=1,
        feed_forward_proj="gated-gelu", initializer_factor=1.0, is_encoder_decoder=True, layer_norm_epsilon=1e-06, model_type="t5", n_positions=512,
        num_decoder_layers=layers, num_heads=heads, num_layers=layers, output_past=True, pad_token_id=0, relative_attention_max_distance=128,
        relative_attention_num_buckets=32, tie_word_embeddings=False, torch_dtype="float32", use_cache=True, vocab_size=32128,
        task_specific_params={"summarization": {"early_stopping": True, "length_penalty": 2.0, "max_length": 200, "min_length": 30, "num_beams": 4}},
    )  # fmt: skip


CONFIGS = {
    "flan-t5-small": _flan(512, 1024, 8, 6),
    "flan-t5-base": _flan(768, 2048, 12, 12),
    "bart-base": dict(
        architectures=["BartModel"], activation_function="gelu", add_final_layer_norm=False, bos_token_id=0, d_model=768, decoder_attention_heads=12,
        decoder_ffn_dim=3072, decoder_layers=6, decoder_start_token_id=2, early_stopping=True, encoder_attention_heads=12, encoder_ffn_dim=3072,
        encoder_layers=6, eos_token_id=2, forced_eos_token_id=2, forced_bos_token_id=0, init_std=0.02, is_encoder_decoder=True,
        max_position_embeddings=1024, model_type="bart", no_repeat_ngram_size=3, normalize_before=False, normalize_embedding=True, num_beams=4,
        num_hidden_layers=6, pad_token_id=1, scale_embedding=False, torch_dtype="float32", use_cache=True, vocab_size=50265,
        task_specific_params={"summarization": {"length_penalty": 1.0, "max_length": 128, "min_length": 12, "num_beams": 4}},
    ),
    "blenderbot-400M-distill": dict(
        architectures=["BlenderbotForConditionalGeneration"], activation_function="gelu", add_bias_logits=False, add_final_layer_norm=True, bos_token_id=1,
        d_model=1280, decoder_attention_heads=32, decoder_ffn_dim=5120, decoder_layers=12, decoder_start_token_id=1, encoder_attention_heads=32,
        encoder_ffn_dim=5120, encoder_layers=2, encoder_no_repeat_ngram_size=3, eos_token_id=2, forced_eos_token_id=2, init_std=0.02,
        is_encoder_decoder=True, layernorm_variant="prelayernorm", length_penalty=0.65, max_length=60, max_position_embeddings=128, min_length=20,
        model_type="blenderbot", no_repeat_ngram_size=3, normalize_before=True, normalize_embedding=False, num_beams=10, num_hidden_layers=2,
        pad_token_id=0, scale_embedding=True, static_position_embeddings=False, unk_token_id=3, use_cache=True, vocab_size=8008,
    ),
}  # fmt: skip

GENERATION = {
    "flan-t5-small": dict(_from_model_config=True, decoder_start_token_id=0, eos_token_id=1, pad_token_id=0),
    "flan-t5-base": dict(_from_model_config=True, decoder_start_token_id=0, eos_token_id=1, pad_token_id=0),
    "bart-base": dict(
        _from_model_config=True, bos_token_id=0, decoder_start_token_id=2, early_stopping=True, eos_token_id=2, forced_bos_token_id=0,
        forced_eos_token_id=2, no_repeat_ngram_size=3, num_beams=4, pad_token_id=1,
    ),
    "blenderbot-400M-distill": dict(
        _from_model_config=True, bos_token_id=1, decoder_start_token_id=1, encoder_no_repeat_ngram_size=3, eos_token_id=2, forced_eos_token_id=2,
        length_penalty=0.65, max_length=60, min_length=20, no_repeat_ngram_size=3, num_beams=10, pad_token_id=0,
    ),
}  # fmt: skip

TOKENIZER_FILES = {
    "flan-t5-small": ("t5", ["spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]),
    "flan-t5-base": ("t5", ["spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]),
    "bart-base": ("bart", ["vocab.json", "merges.txt", "tokenizer.json"]),
    "blenderbot-400M-distill": ("blenderbot-400M-distill", ["vocab.json", "merges.txt"]),
}

_SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>"}
_MASK = {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}
# The three small files that the hub has beside Blenderbot's vocabulary and merges.
BLENDERBOT_FILES = {
    "added_tokens.json": {"<mask>": 8008},
    "special_tokens_map.json": {**_SPECIAL, "mask_token": _MASK},
    "tokenizer_config.json": {"errors": "replace", "add_prefix_space": True, "model_max_length": 128, "tokenizer_class": "BlenderbotTokenizer", **_SPECIAL, "mask_token": _MASK},
}  # fmt: skip

CLASSES = {
    "t5": (T5Config, T5ForConditionalGeneration),
    "bart": (BartConfig, BartForConditionalGeneration),
    "blenderbot": (BlenderbotConfig, BlenderbotForConditionalGeneration),
}


def model_class(name):
    """The reference's class for the shape `name`."""
    return CLASSES[CONFIGS[name]["model_type"]][1]


@torch.no_grad()
def _randomize(model, seed):
    config = model.config
    torch.manual_seed(seed)
    is_t5 = config.model_type == "t5"
    scale = math.sqrt(config.d_model) if getattr(config, "scale_embedding", False) else 1.0
    embedding = 0.6 / scale
    last = {"t5": "decoder.final_layer_norm.weight", "blenderbot": "decoder.layer_norm.weight"}.get(
        config.model_type, f"decoder.layers.{getattr(config, 'decoder_layers', 0) - 1}.final_layer_norm.weight"
    )
    for name, parameter in model.named_parameters():
        if "norm" in name and name.endswith("weight"):
            parameter.normal_(1.0, 0.1)
            if name.endswith(last):
                parameter *= torch.sign(torch.randn_like(parameter))
                if not is_t5:
                    parameter *= SPREAD / (embedding * math.sqrt(config.d_model))
        elif name.endswith("bias"):
            parameter.normal_(0.0, 0.1)
        elif name.endswith("shared.weight"):
            parameter.normal_(0.0, embedding)
        elif "embed_positions" in name or "relative_attention_bias" in name:
            parameter.normal_()
        elif name == "lm_head.weight":
            parameter.normal_(0.0, SPREAD / math.sqrt(config.d_model))
        else:
            held_back = "EncDecAttention.o" in name or "encoder_attn.out_proj" in name
            gain = 0.2 if is_t5 and (".q." in name or ".k." in name) else HELD_BACK if held_back else 1.5
            # Post-norm layers as strong as the others' would forget what they were given, six layers deep.
            gain = 0.7 if config.model_type == "bart" and ("fc" in name or "out_proj" in name) and not held_back else gain
            gain = 3.0 if "q_proj" in name or "k_proj" in name else gain
            parameter.normal_(0.0, gain / math.sqrt(parameter.shape[1]))
    if not is_t5:
        _centre(model, last)
    head = model.get_output_embeddings().weight
    head[torch.randperm(config.vocab_size)[: config.vocab_size // 25]] *= FAVOURED
    head[config.eos_token_id] *= END


def _centre(model, last):
    """Takes out of the last norm's output what is the same at every step, which would make a few tokens win always."""
    config = model.config
    sources = torch.randint(10, config.vocab_size, (4, 12))
    targets = torch.randint(10, config.vocab_size, (4, 24))
    norm = model.get_submodule("model." + last.removesuffix(".weight"))
    outputs = model.model(input_ids=sources, decoder_input_ids=targets).last_hidden_state.flatten(0, 1)
    mean = outputs.mean(0)
    wanted = SPREAD / (model.get_output_embeddings().weight.std() * math.sqrt(config.d_model))
    factor = wanted / (outputs - mean).std()
    norm.bias.copy_((norm.bias - mean) * factor)
    norm.weight.mul_(factor)


def _save_weights(model, name, folder):
    if name == "blenderbot-400M-distill":
        # Every tied tensor is in the pickle, over one storage, and the bias is f16 as well.
        torch.save(model.half().state_dict(), folder / "pytorch_model.bin")
        return
    prefix = "model." if name == "bart-base" else ""
    tied = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
    state = {key.removeprefix(prefix): tensor for key, tensor in model.state_dict().items() if key.startswith(prefix) and not key.endswith(tied)}
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, folder / "model.safetensors", {"format": "pt"})


def write(name, folder, data, seed=0):
    """Writes the model folder of the shape `name`; tokenizer files come from `data`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    fields = CONFIGS[name]
    config_class, network_class = CLASSES[fields["model_type"]]
    model = network_class(config_class(**{k: v for k, v in fields.items() if k not in GENERATION_FIELDS})).eval()
    _randomize(model, seed)
    _save_weights(model, name, folder)
    (folder / "config.json").write_text(json.dumps(fields, indent=2) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(GENERATION[name], indent=2) + "\n")
    source, files = TOKENIZER_FILES[name]
    for file in files:
        shutil.copyfile(Path(data) / "tokenizers" / source / file, folder / file)
    if name.startswith("blenderbot"):
        for file, content in BLENDERBOT_FILES.items():
            (folder / file).write_text(json.dumps(content) + "\n")


# What old configs say about generation, which the network's config need not know.
GENERATION_FIELDS = {
    "early_stopping", "forced_bos_token_id", "forced_eos_token_id", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "num_beams", "length_penalty",
    "max_length", "min_length", "architectures", "torch_dtype", "task_specific_params",
}  # fmt: skip
