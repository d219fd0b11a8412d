"""Tiny tokenizers in the files that the hub uses: byte-level BPE, SentencePiece unigram, Marian's pair.

Each function returns `{file name: bytes}` for a checkpoint folder and the size of the vocabulary. They are trained on
`text.SENTENCES`, so the files are the project's own. Read next: `families.py`, whose models have these vocabulary sizes.
"""

import io
import json
import tempfile
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import T5TokenizerFast
from transformers.convert_slow_tokenizer import import_protobuf

from .text import SENTENCES


def _json(value, indent=None):
    return json.dumps(value, ensure_ascii=False, indent=indent).encode()


def _byte_level_bpe(size, first, last):
    """Trains a byte-level BPE of `size` entries; `first` special tokens open the vocabulary, `last` close it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(last),
        special_tokens=first,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.model.save(folder)
        vocab = json.loads(Path(folder, "vocab.json").read_text())
        merges = Path(folder, "merges.txt").read_bytes()
    for token in last:
        vocab[token] = len(vocab)
    assert len(vocab) == size, (len(vocab), size)
    return vocab, merges


def bart(size):
    """BART's three files: vocabulary, merges and `tokenizer.json`."""
    vocab, merges = _byte_level_bpe(size, ["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"])
    pairs = [tuple(line.split(" ")) for line in merges.decode().split("\n")[1:] if line]
    tokenizer = Tokenizer(models.BPE(vocab, pairs, continuing_subword_prefix="", end_of_word_suffix="", fuse_unk=False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ["<s>", "<pad>", "</s>", "<unk>"]])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    return {"vocab.json": _json(vocab), "merges.txt": merges, "tokenizer.json": tokenizer.to_str().encode()}


def blenderbot(size):
    """Blenderbot's five files, as the hub has them for the 400M checkpoint: no `tokenizer.json`.

    `added_tokens.json` holds a token beyond `vocab.json`, so that both sources of ids must be read.
    """
    vocab, merges = _byte_level_bpe(size, ["<pad>", "<s>", "</s>", "<unk>"], [])
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>"}
    mask = {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}
    config = {"errors": "replace", "add_prefix_space": True, "model_max_length": 128, "tokenizer_class": "BlenderbotTokenizer", **special}
    return {
        "vocab.json": _json(vocab),
        "merges.txt": merges,
        "added_tokens.json": _json({"<mask>": size}),
        "special_tokens_map.json": _json({**special, "mask_token": mask}),
        "tokenizer_config.json": _json(config),
    }


# A charsmap of three rules: a ligature, a full-width letter and the no-break space.
CHARSMAP_RULES = "FB01\t66 69\nFF26\t46\nA0\t20\n"


def _sentencepiece(size, *, ids, charsmap):
    """Trains a unigram model of `size` pieces. `ids` maps unk, eos and pad to their ids; absent ones are −1."""
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write(CHARSMAP_RULES)
        rules.flush()
        normalization = {"normalization_rule_tsv": rules.name} if charsmap else {"normalization_rule_name": "identity"}
        sentencepiece.SentencePieceTrainer.Train(
            sentence_iterator=iter(SENTENCES),
            model_writer=out,
            model_type="unigram",
            vocab_size=size,
            character_coverage=0.995,
            unk_id=ids["unk"],
            eos_id=ids.get("eos", -1),
            pad_id=ids.get("pad", -1),
            bos_id=-1,
            num_threads=1,
            minloglevel=2,
            **normalization,
        )
    return _without_path(out.getvalue())


def _without_path(model):
    """The trainer notes where it read the rules from; that name of a temporary file does not belong into a fixture."""
    proto = import_protobuf().ModelProto.FromString(model)
    proto.normalizer_spec.normalization_rule_tsv = ""
    return proto.SerializeToString()


def t5(pieces, *, charsmap, with_json):
    """T5's `spiece.model`, and on request the `tokenizer.json` that the reference makes of it.

    The reference adds 100 `<extra_id_…>` tokens behind the pieces.
    """
    model = _sentencepiece(pieces, ids={"pad": 0, "eos": 1, "unk": 2}, charsmap=charsmap)
    files = {"spiece.model": model}
    if with_json:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "spiece.model").write_bytes(model)
            T5TokenizerFast.from_pretrained(folder).backend_tokenizer.save(f"{folder}/tokenizer.json")
            # Without indentation: a tiny checkpoint should stay tiny.
            files["tokenizer.json"] = _json(json.loads(Path(folder, "tokenizer.json").read_text()))
    return files


def marian(pieces):
    """Marian's two SentencePiece models and the joint vocabulary, whose ids are not those of the models."""
    source = _sentencepiece(pieces, ids={"unk": 1, "eos": 0}, charsmap=True)
    target = _sentencepiece(pieces - 30, ids={"unk": 1, "eos": 0}, charsmap=False)
    vocab = {"</s>": 0, "<unk>": 1}
    for model in (source, target):
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        for piece in sorted(processor.id_to_piece(i) for i in range(processor.get_piece_size())):
            vocab.setdefault(piece, len(vocab))
    vocab["<pad>"] = len(vocab)
    config = {"source_lang": "en", "target_lang": "pt", "model_max_length": 512, "tokenizer_class": "MarianTokenizer"}
    return {"source.spm": source, "target.spm": target, "vocab.json": _json(vocab), "tokenizer_config.json": _json(config)}
