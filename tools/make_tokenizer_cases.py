"""What the reference's tokenizer classes make of small folders: each class, each age of settings, each flag of an added token.

    python tools/make_tokenizer_cases.py

Writes `fixtures/tokenizers/cases.jsonl`: a case a line, with `name`, `files` (texts, or base64 under a name that ends in `.base64`), and
`lines`: a text with its ids and what they decode to, with and without special tokens. A text that the reference itself cannot encode has
`ids: null`. Everything is made here from a few words; `crates/papo/tests/tokenizer_classes.rs` reads the file.
"""

import base64
import json
import os
import tempfile
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")

import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers.convert_slow_tokenizer import import_protobuf

ROOT = Path(__file__).resolve().parent.parent
PIECES = "▁ red ▁red fox ▁fox es ▁foxes ▁in ▁the ▁rain a b c d e f g h i n o r s t u w x y . , é A B F ▁10 1 0 < > / s_ ▁<".split()
TEXTS = [
    "", " ", "red fox", "red  fox", " red\tfox ", "red fox\nred", "foxes fox", "redfox", "red <mask> fox", "red<mask>fox", "red </s> fox", "</s>",
    "red </s>", "red <pad>fox", "<unk> red", "red <NL> fox", "red<NL>fox", "red <NL>  fox", "<extra_id_0> red <extra_id_1>.", "<x>red<x> <x>",
    "Red FOX é", "Ω red Ω", "😀 red", "red<s>10</s>", "a word fox.", "fox, foxes", "bird  word", "[CLS] red [SEP]", "漢字 red", "<0x41> A", "a\r\nb",
    "<|endoftext|>red", "▁<x> red", "red▁fox", "<code> x </code>", "red\u00a0fox",
]  # fmt: skip


def dumps(value):
    return json.dumps(value, ensure_ascii=False)


def token(content, special=False, **flags):
    return dict(dict(content=content, single_word=False, lstrip=False, rstrip=False, normalized=not special, special=special), **flags)


def spm(marks, byte_fallback=False, symbols=(), suffix=False, dummy=True, extra=True):
    """A SentencePiece model: marks first, then byte pieces, as real files have them, then pieces by falling score, symbols last."""
    proto = import_protobuf().ModelProto()
    kinds = {"<unk>": 2}
    for mark in marks:
        proto.pieces.add(piece=mark, score=0.0, type=kinds.get(mark, 3))
    for byte in range(256 if byte_fallback else 0):
        proto.pieces.add(piece=f"<0x{byte:02X}>", score=0.0, type=6)
    for symbol in symbols:
        proto.pieces.add(piece=symbol, score=0.0, type=4)
    for number, piece in enumerate(PIECES):
        proto.pieces.add(piece=piece, score=-2.0 - number / 16, type=1)
    spec = proto.trainer_spec
    spec.model_type, spec.byte_fallback, spec.unk_id = 1, byte_fallback, marks.index("<unk>")
    spec.bos_id, spec.eos_id, spec.pad_id = -1, marks.index("</s>"), marks.index("<pad>") if "<pad>" in marks else -1
    spec.treat_whitespace_as_suffix = suffix
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = dummy
    proto.normalizer_spec.remove_extra_whitespaces = extra
    return base64.b64encode(proto.SerializeToString()).decode()


T5 = spm(["<pad>", "</s>", "<unk>"])
MARKS = ["<unk>", "<s>", "</s>"]


def marian(config, source=None, target=None, **files):
    pieces = ["</s>", "<unk>"] + PIECES + [">>por<<"]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    vocab["<pad>"] = len(vocab)
    return {
        "config.json": dumps({"model_type": "marian"}), "vocab.json": dumps(vocab), "source.spm.base64": source or spm(MARKS),
        "target.spm.base64": target or spm(MARKS), "tokenizer_config.json": dumps(dict(tokenizer_class="MarianTokenizer", **config)), **files,
    }  # fmt: skip


def byte_level(specials, merges=("r e", "re d", "Ġ red", "f o", "fo x", "Ġ fox")):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = list(specials) + alphabet + [merge.replace(" ", "") for merge in merges]
    return {word: number for number, word in enumerate(words)}, "#version: 0.2\n" + "".join(f"{merge}\n" for merge in merges)


def pairs(model_type, config, specials, **files):
    vocab, merges = byte_level(specials)
    return {"config.json": dumps({"model_type": model_type}), "vocab.json": dumps(vocab), "merges.txt": merges, "tokenizer_config.json": dumps(config), **files}


def t5_json(*added, charsmap=False):
    """`tokenizer.json` of a T5 with more added tokens, as `save_pretrained` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "spiece.model").write_bytes(base64.b64decode(T5))
        fast = transformers.T5TokenizerFast(str(Path(folder, "spiece.model")), extra_ids=0)
    fast.add_tokens([AddedToken(**one) for one in added])
    return fast._tokenizer.to_str()


def words(words, added, normalizer=None, split=None, frame=None):
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=words[1]))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, split or pre_tokenizers.WhitespaceSplit()
    if frame:
        tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {frame}", special_tokens=[(frame, words.index(frame))])
    tokenizer.add_tokens([AddedToken(**one) for one in added])
    return tokenizer.to_str()


def word_piece(**bert):
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "fox", "##es", "Red", "FOX", "é", "e", "漢", "字", "漢##字", ".", ",", "rain", "[", "]", "a", "b", "##ed"]
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(vocab)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(**bert), pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer.to_str(), "\n".join(vocab) + "\n"


def cases():
    none = {"config.json": dumps({"model_type": "t5"})}
    t5 = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0}
    yield "mt5-bytes", {**none, "spiece.model.base64": spm(["<pad>", "</s>", "<unk>"], byte_fallback=True), "tokenizer_config.json": dumps(t5)}
    yield "mt5-bytes-extra", {"config.json": dumps({"model_type": "mt5"}), "spiece.model.base64": spm(["<pad>", "</s>", "<unk>"], byte_fallback=True)}
    symbols = ["▁<x>", "<NL>", "a b", "▁word"]
    yield "t5-symbols", {**none, "spiece.model.base64": spm(["<pad>", "</s>", "<unk>"], symbols=symbols), "tokenizer_config.json": dumps(t5)}
    yield "t5-suffix", {**none, "spiece.model.base64": spm(["<pad>", "</s>", "<unk>"], suffix=True), "tokenizer_config.json": dumps(t5)}
    yield "t5-no-prefix", {**none, "spiece.model.base64": spm(["<pad>", "</s>", "<unk>"], dummy=False, extra=False), "tokenizer_config.json": dumps({**t5, "legacy": False})}
    yield "t5-split-special", {**none, "spiece.model.base64": T5, "tokenizer_config.json": dumps({**t5, "extra_ids": 2, "split_special_tokens": True})}
    yield "t5-extra-special", {**none, "spiece.model.base64": T5, "tokenizer_config.json": dumps({**t5, "extra_special_tokens": {"nl_token": "<NL>"}})}

    # Before 4.34: flags in tokenizer.json alone.
    added = [token("<NL>", lstrip=True, rstrip=True, normalized=False), token("fox", single_word=True), token("\n", normalized=False), token("<x>", True, rstrip=True)]
    file = t5_json(*added)
    names = {one["content"]: 49 + number for number, one in enumerate(added)}
    ids = {one["content"]: one["id"] for one in json.loads(file)["added_tokens"]}
    older = {"added_tokens.json": dumps({one: ids[one] for one in names})}
    yield "t5-old-flags", {**none, "spiece.model.base64": T5, "tokenizer.json": file, "tokenizer_config.json": dumps(t5), **older}
    roles = {"eos_token": "</s>", "additional_special_tokens": ["<x>"]}
    yield "t5-old-flags-map", {**none, "tokenizer.json": file, "tokenizer_config.json": dumps(t5), "special_tokens_map.json": dumps(roles), **older}
    roles = {"eos_token": token("</s>", True, lstrip=True), "additional_special_tokens": [token("<x>", True, lstrip=True), "<mask>"]}
    yield "t5-old-flags-objects", {**none, "tokenizer.json": file, "tokenizer_config.json": dumps(t5), "special_tokens_map.json": dumps(roles), **older}
    yield "t5-old-spm-only", {**none, "spiece.model.base64": T5, "tokenizer_config.json": dumps(t5), "special_tokens_map.json": dumps(roles), "added_tokens.json": dumps({"<NL>": 52, "</s>": 1})}
    typed = {**t5, "eos_token": {"__type": "AddedToken", **token("</s>", True, rstrip=True)}, "unk_token": {"__type": "AddedToken", **token("<unk>", True, lstrip=True)}}
    yield "t5-typed-roles", {**none, "spiece.model.base64": T5, "tokenizer_config.json": dumps(typed)}
    decoder = {str(ids[one["content"]]): one for one in added}
    yield "t5-decoder", {**none, "spiece.model.base64": T5, "tokenizer_config.json": dumps({**t5, "added_tokens_decoder": decoder, "additional_special_tokens": ["<x>"]})}
    yield "t5-null-file", {**none, "spiece.model.base64": T5, "tokenizer.json": file, "tokenizer_config.json": dumps({**t5, "tokenizer_file": None})}

    marks = {str(number): token(one, True) for number, one in [(0, "</s>"), (1, "<unk>"), (len(PIECES) + 3, "<pad>")]}
    more = {str(len(PIECES) + 4 + number): one for number, one in enumerate(added)}
    yield "marian", marian({})
    yield "marian-added", marian({"added_tokens_decoder": {**marks, **more}})
    yield "marian-added-special", marian({"added_tokens_decoder": {**marks, **more}, "additional_special_tokens": ["<x>", "<mask>"]})
    yield "marian-split-special", marian({"added_tokens_decoder": {**marks, **more}, "split_special_tokens": True})
    yield "marian-old", marian({}, **{"added_tokens.json": dumps({"<NL>": len(PIECES) + 4, "fox": len(PIECES) + 5}), "special_tokens_map.json": dumps({"additional_special_tokens": [token("<x>", True, lstrip=True)]})})
    yield "marian-suffix", marian({}, spm(MARKS, suffix=True), spm(MARKS, suffix=True))
    yield "marian-symbols", marian({}, spm(MARKS, symbols=symbols), spm(MARKS, symbols=symbols))
    yield "marian-plain", marian({}, spm(MARKS, dummy=False, extra=False), spm(MARKS, dummy=False, extra=False))
    yield "marian-kept-spaces", marian({}, spm(MARKS, extra=False), spm(MARKS, extra=False))

    bart = ["<s>", "<pad>", "</s>", "<unk>"]
    yield "roberta", pairs("t5", {"tokenizer_class": "RobertaTokenizer"}, bart + ["<mask>"])
    code = [token("<code>", lstrip=True), token("</code>", normalized=False)]
    yield "roberta-codet5", pairs("t5", {"tokenizer_class": "RobertaTokenizer"}, bart, **{"added_tokens.json": dumps({"<extra_id_0>": 267, "<extra_id_1>": 266}), "special_tokens_map.json": dumps({"mask_token": token("<mask>", True, lstrip=True), "additional_special_tokens": code + ["<extra_id_1>"]})})
    yield "roberta-prefix", pairs("t5", {"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": True}, bart + ["<mask>"])
    yield "led", pairs("led", {}, bart + ["<mask>"])
    yield "gpt2", pairs("t5", {"tokenizer_class": "GPT2Tokenizer"}, ["<|endoftext|>"])
    yield "gpt2-bos", pairs("t5", {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "pad_token": "<pad>", "split_special_tokens": True}, ["<|endoftext|>"])
    yield "bart-split-special", pairs("bart", {"split_special_tokens": True}, bart + ["<mask>"])

    byt5 = {"tokenizer_class": "ByT5Tokenizer"}
    yield "byt5", {**none, "tokenizer_config.json": dumps(byt5)}
    yield "byt5-in-config", {"config.json": dumps({"model_type": "t5", **byt5})}
    roles = {"eos_token": {"__type": "AddedToken", **token("</s>", True, normalized=True)}, "additional_special_tokens": [f"<extra_id_{number}>" for number in range(3)], "extra_ids": 3}
    yield "byt5-saved", {**none, "tokenizer_config.json": dumps({**byt5, **roles, "added_tokens_decoder": {"0": token("<pad>", True, normalized=True), "1": token("</s>", True), "2": token("<unk>", True, normalized=True), "259": token("<extra_id_0>", True), "260": token("<NL>", normalized=True)}})}
    yield "byt5-none", {**none, "tokenizer_config.json": dumps({**byt5, "extra_ids": 0, "split_special_tokens": True})}

    special = [token(one, True) for one in ["[PAD]", "[UNK]", "[EOS]", "<mask>"]]
    file = words(["[PAD]", "[UNK]", "[EOS]", "red", "fox", "<mask>"], special, split=pre_tokenizers.Split(" ", "isolated"), frame="[EOS]")
    generic = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "[EOS]", "unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "<mask>"}
    for kind in ["bart", "blenderbot", "t5"]:
        yield f"generic-{kind}", {"config.json": dumps({"model_type": kind}), "tokenizer.json": file, "tokenizer_config.json": dumps(generic)}
    yield "generic-in-config", {"config.json": dumps({"model_type": "bart", "tokenizer_class": "PreTrainedTokenizerFast"}), "tokenizer.json": file}
    yield "bart-class-over-words", {"config.json": dumps({"model_type": "bart"}), "tokenizer.json": file, "tokenizer_config.json": dumps({**generic, "tokenizer_class": "BartTokenizer"})}
    lower = words(["[PAD]", "[UNK]", "[EOS]", "red", "fox"], [token("[EOS]", True), token("Red FOX"), token("<NL>", single_word=True)], normalizers.Lowercase())
    yield "generic-lower", {**none, "tokenizer.json": lower, "tokenizer_config.json": dumps({**generic, "split_special_tokens": True, "mask_token": "<m>"})}

    for name, bert in [("cased", dict(lowercase=False)), ("uncased", dict(lowercase=True)), ("accents", dict(lowercase=False, strip_accents=True)), ("chinese", dict(handle_chinese_chars=False))]:
        file, vocab = word_piece(**bert)
        yield f"bert-{name}-default", {**none, "tokenizer.json": file, "tokenizer_config.json": dumps({"tokenizer_class": "BertTokenizer"})}
        for option in [dict(do_lower_case=False), dict(strip_accents=True, do_lower_case=False), dict(tokenize_chinese_chars=False)]:
            named = "-".join(option)
            yield f"bert-{name}-{named}", {**none, "tokenizer.json": file, "tokenizer_config.json": dumps({"tokenizer_class": "BertTokenizerFast", **option})}
    yield "bert-vocabulary", {**none, "vocab.txt": vocab, "tokenizer_config.json": dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": False})}
    yield "bert-vocabulary-default", {**none, "vocab.txt": vocab, "tokenizer_config.json": dumps({"tokenizer_class": "DistilBertTokenizer"})}


def lines(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        try:
            ids = tokenizer(text).input_ids
        except BaseException as error:  # a panic of the tokenizers library is no Exception
            if type(error).__name__ not in ("PanicException", "TypeError", "ValueError"):
                raise
            yield {"text": text, "ids": None}
            continue
        yield {"text": text, "ids": ids, "decoded": tokenizer.decode(ids), "skipped": tokenizer.decode(ids, skip_special_tokens=True)}


def main():
    with open(ROOT / "fixtures" / "tokenizers" / "cases.jsonl", "w") as out:
        for name, files in cases():
            with tempfile.TemporaryDirectory() as folder:
                for file, text in files.items():
                    path = Path(folder, file.removesuffix(".base64"))
                    path.write_bytes(base64.b64decode(text) if file.endswith(".base64") else text.encode())
                try:
                    made = list(lines(folder))
                except Exception as error:
                    print(f"{name}: {type(error).__name__}: {str(error)[:200]}")
                    continue
            out.write(dumps({"name": name, "files": files, "lines": made}) + "\n")


if __name__ == "__main__":
    main()
