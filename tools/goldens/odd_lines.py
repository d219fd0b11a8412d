"""Two thousand odd lines, generated: what people and programs really send, and what they should not.

Deterministic. `make_tokenizer_goldens.py` writes them to `fixtures/tokenizers/odd_lines.jsonl`, one JSON string a line. Read next:
`make_tokenizer_goldens.py`.
"""

import random

from .text import ODD_LINES, SENTENCES

COUNT = 2000

SPECIAL = [
    "</s>", "<s>", "<pad>", "<unk>", "<mask>", "<extra_id_0>", "<extra_id_1>", "<extra_id_50>", "<extra_id_99>", "<extra_id_100>", "<mask_1>", "<mask_2>",
    "<unk_5>", "<unk_102>", "__start__", "__end__", "__unk__", "__null__", "__newln__", "<|endoftext|>", "madeupword0000", "<s_AGAIN>", "</S>", "< /s>",
    ">>por<<", ">>pt_BR<<", "@-@", "@@ ", "__FP16_PAD_0__",
]  # fmt: skip
SPACES = [" ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\u00a0", "\u2003", "\u2009", "\u200a", "\u202f", "\u205f", "\u3000", "\u1680", "\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1f"]
INVISIBLE = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u200f", "\u202a", "\u202e", "\ufe0f", "\ufe0e", "\u180e", "\u034f"]
EMOJI = ["😀", "😂", "❤️", "❤", "👍🏽", "👍", "🤷🏾‍♀️", "👨‍👩‍👧‍👦", "🇧🇷", "🇵🇹", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☕", "🎉", "1️⃣", "©", "™", "🫠", "✈️", "♥", "🧑‍💻"]
SCRIPTS = [
    "Привет, как дела?", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم، كيف الحال؟", "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好，世界！", "こんにちは、世界。", "カタカナ ﾊﾝｶｸ", "안녕하세요 세계", "ຂ້ອຍ", "გამარჯობა",
    "Բարեւ", "Ünïcödé Ñandú", "Tiếng Việt có dấu", "Łódź, źdźbło", "İstanbul ıssız", "straße STRASSE ẞ", "ﬁﬂﬃ ﬆ", "ＡＢＣ１２３", "①②③ ⅣⅨ", "½ ¼ ²³", "𝒜𝓁𝑔𝑒𝒷𝓇𝒶", "𐍈𐌰", "ꜳ", "ǆ", "Å Å", "e\u0301 é", "a\u0303o ão", "c\u0327 ç",
    "가 가", "ཀ", "မြန်မာ", "ខ្មែរ", "አማርኛ", "ᏣᎳᎩ",
]  # fmt: skip
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
SYMBOLS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡¿«»“”‘’–—…•·§¶†‡°ªº€£¥¢₿←→⇒≤≥≠≈∞√∑∫∂"
CONTRACTIONS = ["I'm", "don't", "can't", "they've", "we'll", "he'd", "it's", "you're", "I'M", "DON'T", "'tis", "o'clock", "rock'n'roll", "I’m", "d'água", "pé-de-moleque", "guarda-chuva", "vende-se", "dir-lhe-ia"]
CODE = ["fn main() { println!(\"{}\", x); }", "{\"a\": [1, 2.5e-3, null]}", "if (a<b && c>d) return;", "SELECT * FROM t WHERE x='y';", "<p class=\"x\">hi</p>", "C:\\dir\\file.txt", "https://example.org/~a/b?c=d&e=%20#f", "a@b.example", "0xDEADBEEF", "1_000_000", "v1.2.3-rc.4+build", "$HOME/.x", "\\n\\t\\\\", "``code``", "#tag @user", "x=1;y=2", "a\\\"b"]


def _character(rng):
    """Any scalar value that can be in a text, mostly from the planes in use."""
    while True:
        code = rng.choice([rng.randrange(0x20, 0x250), rng.randrange(0x20, 0x3000), rng.randrange(0x3000, 0xFFFE), rng.randrange(0x10000, 0x1FBFF)])
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)


def _number(rng):
    return rng.choice([
        str(rng.randrange(10 ** rng.randrange(1, 15))), f"{rng.uniform(-1e6, 1e6):.{rng.randrange(0, 6)}f}", f"{rng.randrange(10**9):,}", f"{rng.randrange(24)}:{rng.randrange(60):02}",
        f"R$ {rng.randrange(10**6)},{rng.randrange(100):02}", f"{rng.randrange(100)}%", f"{rng.randrange(1, 32)}/{rng.randrange(1, 13)}/{rng.randrange(1900, 2100)}", f"1e{rng.randrange(-99, 99)}",
    ])  # fmt: skip


def _piece(rng):
    kind = rng.randrange(14)
    if kind < 4:
        return rng.choice(WORDS)
    if kind == 4:
        return rng.choice(SPECIAL)
    if kind == 5:
        return rng.choice(EMOJI) * rng.choice([1, 1, 1, 2, 5])
    if kind == 6:
        return rng.choice(SCRIPTS)
    if kind == 7:
        return _number(rng)
    if kind == 8:
        return "".join(rng.choice(SYMBOLS) for _ in range(rng.randrange(1, 8)))
    if kind == 9:
        return rng.choice(CONTRACTIONS)
    if kind == 10:
        return rng.choice(CODE)
    if kind == 11:
        return "".join(_character(rng) for _ in range(rng.randrange(1, 10)))
    if kind == 12:
        return rng.choice(INVISIBLE) + rng.choice(WORDS) + rng.choice(INVISIBLE)
    word = rng.choice(WORDS)
    return rng.choice([word.upper(), word.title(), word.swapcase(), word[::-1], word[0] * rng.randrange(2, 30) + word, "-".join(word)])


def _separator(rng):
    return rng.choice([" "] * 12 + [""] * 3 + SPACES)


def _mixed(rng):
    line = rng.choice(["", "", "", "", " ", "  ", "\t", "\u00a0"])
    for _ in range(rng.randrange(1, 14)):
        line += _piece(rng) + _separator(rng)
    return line if rng.random() < 0.4 else line.rstrip()


def _long_word(rng, length):
    alphabet = rng.choice(["a", "ab", "abcdefghijklmnopqrstuvwxyz", "aeiou", "áéíóúãõç", "0123456789", "ha", "漢字仮名交", "😀😂", "AaBb-_."])
    return "".join(rng.choice(alphabet) for _ in range(length))


def odd_lines():
    """The lines, in their order."""
    rng = random.Random(20240229)
    lines = list(ODD_LINES)
    lines += SPECIAL + SPACES + INVISIBLE + EMOJI + SCRIPTS + CONTRACTIONS + CODE + list(SYMBOLS)
    lines += [chr(code) for code in range(0, 33)] + ["a" + chr(code) + "b" for code in range(0, 33)] + [chr(0x7F), "a\x7fb", "a\x80b", "a\x9fb"]
    lines += [f"a{space}b" for space in SPACES] + [f"{space}a b{space}" for space in SPACES] + [f"a{mark}b" for mark in INVISIBLE]
    lines += [f"{left}{token}{right}" for token in SPECIAL[:12] for left, right in (("x", "y"), ("x ", " y"), ("  ", "  "), ("", "!"), ("\n", "\n"))]
    lines += [" " * n for n in (3, 4, 7, 8, 16, 64)] + ["a" + " " * n + "b" for n in (2, 3, 5, 17)] + ["\n" * 5, "\t\t\tx", "x\n\n\n"]
    lines += [_long_word(rng, length) for length in (50, 100, 101, 250, 500, 500, 900, 1000, 1000, 2000, 5000)]
    lines += [" ".join(rng.choice(WORDS) for _ in range(n)) for n in (50, 200, 600)]
    while len(lines) < COUNT - 300:
        lines.append(_mixed(rng))
    while len(lines) < COUNT:
        lines.append("".join(_character(rng) for _ in range(rng.randrange(1, 40))))
    return lines
