"""Every tiny checkpoint: its family, its `config.json`, its tokenizer, its layout and how many cases it gets.

The names are those of the folders under `fixtures/`. A *family* checkpoint carries the many generation cases; a *layout*
variant only has to show that its files are read right, so it gets the taps and a few cases. Read next: `families.py` for the
weights, `layouts.py` for the files, `cases.py` for the generation cases.
"""

from dataclasses import dataclass, field
from typing import Callable

from . import layouts, tiny_tokenizers


@dataclass
class Checkpoint:
    """One folder of `fixtures/checkpoints`."""

    name: str
    model_type: str
    config: dict
    tokenizer: Callable[[], dict]
    write: Callable  # (model, folder) -> None: the weights in their layout
    generation: dict | None = None  # generation_config.json; None: not written
    in_config: dict = field(default_factory=dict)  # extra fields of config.json as written, unseen by the network
    pieces: int | None = None  # ids at or above it are padding or extra ids
    is_family: bool = False
    seed: int = 1
    dtype: str = "float32"
    unwritten: tuple = ()  # fields left out of config.json because they have the family's default
    tokenizer_lines: bool = False  # whether the odd lines are recorded for its tokenizer


BART = dict(
    vocab_size=330, d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=2, encoder_ffn_dim=48,
    decoder_ffn_dim=40, max_position_embeddings=64, activation_function="gelu", pad_token_id=1, bos_token_id=0, eos_token_id=2,
    decoder_start_token_id=2, forced_eos_token_id=None,
)  # fmt: skip
BART_GENERATION = dict(
    bos_token_id=0, decoder_start_token_id=2, early_stopping=True, eos_token_id=2, forced_bos_token_id=0, forced_eos_token_id=2,
    no_repeat_ngram_size=3, num_beams=4, pad_token_id=1,
)  # fmt: skip
BLENDERBOT = dict(
    vocab_size=321, d_model=40, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
    decoder_ffn_dim=48, max_position_embeddings=128, activation_function="gelu", scale_embedding=True, pad_token_id=0, bos_token_id=1,
    eos_token_id=2, decoder_start_token_id=1, forced_eos_token_id=None,
)  # fmt: skip
BLENDERBOT_GENERATION = dict(
    bos_token_id=1, decoder_start_token_id=1, encoder_no_repeat_ngram_size=3, eos_token_id=2, forced_eos_token_id=2, length_penalty=0.65,
    max_length=60, min_length=20, no_repeat_ngram_size=3, num_beams=10, pad_token_id=0,
)  # fmt: skip
T5 = dict(
    vocab_size=280, d_model=32, d_kv=8, d_ff=40, num_layers=2, num_decoder_layers=2, num_heads=4, relative_attention_num_buckets=32,
    relative_attention_max_distance=20, feed_forward_proj="relu", tie_word_embeddings=True, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
)  # fmt: skip
FLAN = dict(
    T5, vocab_size=288, num_heads=3, d_ff=28, num_layers=2, num_decoder_layers=1, feed_forward_proj="gated-gelu", tie_word_embeddings=False
)
T5_GENERATION = dict(decoder_start_token_id=0, eos_token_id=1, pad_token_id=0)
MARIAN = dict(
    vocab_size=201, decoder_vocab_size=201, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
    encoder_ffn_dim=32, decoder_ffn_dim=36, max_position_embeddings=64, activation_function="swish", scale_embedding=True, pad_token_id=200,
    eos_token_id=0, bos_token_id=0, decoder_start_token_id=200, forced_eos_token_id=None, share_encoder_decoder_embeddings=True,
)  # fmt: skip
MARIAN_GENERATION = dict(
    bad_words_ids=[[200]], bos_token_id=0, decoder_start_token_id=200, eos_token_id=0, forced_eos_token_id=0, max_length=60, num_beams=4,
    pad_token_id=200, renormalize_logits=True,
)  # fmt: skip


def bart_tokenizer():
    return tiny_tokenizers.bart(BART["vocab_size"])


def blenderbot_tokenizer():
    return tiny_tokenizers.blenderbot(BLENDERBOT["vocab_size"] - 1)


def t5_tokenizer(*, charsmap, with_json):
    return lambda: tiny_tokenizers.t5(180, charsmap=charsmap, with_json=with_json)


def marian_tokenizer():
    return tiny_tokenizers.marian(200)


CHECKPOINTS = [
    Checkpoint(
        "bart-bare", "bart", BART, bart_tokenizer, layouts.bare_safetensors, BART_GENERATION, is_family=True, tokenizer_lines=True,
        in_config={"architectures": ["BartModel"]},
    ),
    Checkpoint(
        "bart-full", "bart", BART, bart_tokenizer, layouts.safetensors, None, seed=11,
        in_config={
            "architectures": ["BartForConditionalGeneration"], "num_beams": 3, "early_stopping": True, "length_penalty": 2.0, "max_length": 30,
            "min_length": 6, "no_repeat_ngram_size": 3, "forced_bos_token_id": 0, "forced_eos_token_id": 2,
            "task_specific_params": {"summarization": {"num_beams": 2, "max_length": 9, "length_penalty": -1.0, "min_length": 0}},
        },
    ),
    Checkpoint(
        "bart-views-bin", "bart", BART, bart_tokenizer, layouts.zip_bin_with_views, BART_GENERATION, seed=21,
        in_config={"architectures": ["BartForConditionalGeneration"]},
    ),
    Checkpoint(
        "blenderbot-bin", "blenderbot", BLENDERBOT, blenderbot_tokenizer, layouts.zip_bin, BLENDERBOT_GENERATION, is_family=True, tokenizer_lines=True, dtype="float16",
        in_config={"architectures": ["BlenderbotForConditionalGeneration"], "torch_dtype": "float16"},
    ),
    Checkpoint(
        "blenderbot-legacy-bin", "blenderbot", dict(BLENDERBOT, decoder_layers=1, encoder_ffn_dim=48, decoder_ffn_dim=40, max_position_embeddings=64), blenderbot_tokenizer,
        layouts.legacy_bin, BLENDERBOT_GENERATION, seed=31, in_config={"architectures": ["BlenderbotForConditionalGeneration"]},
    ),
    Checkpoint(
        "t5-v1_0", "t5", T5, t5_tokenizer(charsmap=True, with_json=False), layouts.safetensors, T5_GENERATION, is_family=True, tokenizer_lines=True, pieces=180,
        unwritten=("feed_forward_proj", "tie_word_embeddings"),
        in_config={"architectures": ["T5ForConditionalGeneration"], "task_specific_params": {"translation_en_to_de": {"num_beams": 4, "max_length": 300}}},
    ),
    Checkpoint(
        "t5-flan", "t5", FLAN, t5_tokenizer(charsmap=True, with_json=True), layouts.safetensors, T5_GENERATION, is_family=True, tokenizer_lines=True, pieces=180,
        in_config={"architectures": ["T5ForConditionalGeneration"]},
    ),
    Checkpoint(
        "mt5", "mt5", dict(FLAN, num_layers=1, num_decoder_layers=2, d_ff=32), t5_tokenizer(charsmap=False, with_json=False), layouts.safetensors, None,
        pieces=180, seed=41, tokenizer_lines=True, in_config={"architectures": ["MT5ForConditionalGeneration"]},
    ),
    Checkpoint(
        "t5-bf16", "t5", FLAN, t5_tokenizer(charsmap=True, with_json=True), layouts.safetensors, T5_GENERATION, pieces=180, seed=51,
        dtype="bfloat16", in_config={"architectures": ["T5ForConditionalGeneration"], "torch_dtype": "bfloat16"},
    ),
    Checkpoint(
        "t5-v5config", "t5", FLAN, t5_tokenizer(charsmap=True, with_json=True), layouts.safetensors, T5_GENERATION, pieces=180, seed=61,
        in_config={
            "architectures": ["T5ForConditionalGeneration"], "scale_decoder_outputs": False, "tie_word_embeddings": True, "dtype": "float32",
            "is_decoder": False, "transformers_version": "5.23.0",
        },
    ),
    Checkpoint(
        "t5-sharded", "t5", FLAN, t5_tokenizer(charsmap=True, with_json=True), layouts.sharded_safetensors, T5_GENERATION, pieces=180, seed=71,
        in_config={"architectures": ["T5ForConditionalGeneration"]},
    ),
    Checkpoint(
        "t5-sharded-bin", "t5", FLAN, t5_tokenizer(charsmap=True, with_json=True), layouts.sharded_bin, T5_GENERATION, pieces=180, seed=81, dtype="bfloat16",
        in_config={"architectures": ["T5ForConditionalGeneration"]},
    ),
    Checkpoint(
        "t5-tied-copies", "t5", dict(T5, num_decoder_layers=1, d_ff=32, vocab_size=282), t5_tokenizer(charsmap=True, with_json=False), layouts.tied_copies, T5_GENERATION,
        pieces=180, seed=91, in_config={"architectures": ["T5ForConditionalGeneration"]}, dtype="float16",
    ),
    Checkpoint(
        "marian", "marian", MARIAN, marian_tokenizer, layouts.safetensors, MARIAN_GENERATION, seed=39, is_family=True, tokenizer_lines=True,
        in_config={"architectures": ["MarianMTModel"], "static_position_embeddings": True, "normalize_embedding": False},
    ),
    Checkpoint(
        "marian-positions-bin", "marian", MARIAN, marian_tokenizer, layouts.zip_bin_with_positions, None, seed=102, dtype="float16",
        in_config={
            "architectures": ["MarianMTModel"], "bad_words_ids": [[200]], "num_beams": 3, "max_length": 40, "forced_eos_token_id": 0,
            "static_position_embeddings": True,
        },
    ),
]  # fmt: skip
