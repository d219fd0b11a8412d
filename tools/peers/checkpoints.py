"""A checkpoint in a true shape with random weights (seed 0, f32), and a tokenizer of numbered words for the converters that want one.

    v5/bin/python checkpoints.py NAME FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BartConfig, BartForConditionalGeneration, BlenderbotConfig, BlenderbotForConditionalGeneration, PreTrainedTokenizerFast, T5Config,
    T5ForConditionalGeneration,
)  # fmt: skip


def flan_t5(d_model, d_ff, layers, heads):
    return T5ForConditionalGeneration, T5Config(
        vocab_size=32128, d_model=d_model, d_kv=64, d_ff=d_ff, num_layers=layers, num_decoder_layers=layers, num_heads=heads,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip


def bart_base():
    return BartForConditionalGeneration, BartConfig(
        vocab_size=50265, d_model=768, encoder_layers=6, decoder_layers=6, encoder_attention_heads=12, decoder_attention_heads=12,
        encoder_ffn_dim=3072, decoder_ffn_dim=3072, max_position_embeddings=1024, activation_function="gelu",
        # Stands in the real file, and CTranslate2 asks for it.
        normalize_before=False,
    )  # fmt: skip


def blenderbot_400m():
    return BlenderbotForConditionalGeneration, BlenderbotConfig(
        vocab_size=8008, d_model=1280, encoder_layers=2, decoder_layers=12, encoder_attention_heads=32, decoder_attention_heads=32,
        encoder_ffn_dim=5120, decoder_ffn_dim=5120, max_position_embeddings=128, activation_function="gelu", scale_embedding=True,
        decoder_start_token_id=1, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip


SHAPES = {
    "flan-t5-small": lambda: flan_t5(512, 1024, 8, 6),
    "flan-t5-base": lambda: flan_t5(768, 2048, 12, 12),
    "bart-base": bart_base,
    "blenderbot-400M": blenderbot_400m,
}


def untie(folder, config):
    """Flan-T5's head is a matrix of its own; transformers 5 forgets that when it saves."""
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = torch.randn(config.vocab_size, config.d_model) * 0.05
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tie_word_embeddings": False}, indent=1))


def numbered_words(size, folder):
    """Token i is spelled `wi`."""
    tokenizer = Tokenizer(models.WordLevel({f"w{i}": i for i in range(size)}, unk_token="w3"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="w0", eos_token="w1", unk_token="w3", bos_token="w0").save_pretrained(folder)


def main():
    name, folder = sys.argv[1], Path(sys.argv[2])
    torch.manual_seed(0)
    model_class, config = SHAPES[name]()
    model_class(config).eval().save_pretrained(folder)
    if name.startswith("flan-t5"):
        untie(folder, config)
    numbered_words(config.vocab_size, folder)


if __name__ == "__main__":
    main()
