"""Trains the byte-level BPE and lays its files out as `facebook/blenderbot-400M-distill` has them on the hub.

Ids 0 to 3 are `<pad>`, `<s>`, `</s>`, `<unk>`; all 256 byte symbols follow, so that nothing typed is unknown; `<mask>`,
which the tokenizer class insists on, takes the last id and has a row in the embedding, unlike on the hub.
"""

import json
import os

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import BlenderbotTokenizerFast

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]


def train(texts, folder, size):
    """Trains on `texts` and writes the tokenizer files of a model with `size` embeddings into `folder`."""
    os.makedirs(folder, exist_ok=True)
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size - 1, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.model.save(str(folder))
    mask = {"<mask>": tokenizer.get_vocab_size()}
    special = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", sep_token="</s>", pad_token="<pad>", cls_token="<s>", mask_token="<mask>")
    settings = {
        "tokenizer_class": "BlenderbotTokenizer",
        "add_prefix_space": True,
        "errors": "replace",
        "model_max_length": 128,
        "truncation_side": "left",
        "clean_up_tokenization_spaces": False,
        **special,
    }
    for name, content in (("added_tokens", mask), ("special_tokens_map", special), ("tokenizer_config", settings)):
        with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.write("\n")


def load(folder):
    """The tokenizer in `folder` as the reference reads it."""
    return BlenderbotTokenizerFast.from_pretrained(folder)
