"""Writes fixtures/goldens/metrics.json: BLEU and chrF of odd strings as sacreBLEU counts them.

    python tools/make_metric_goldens.py

Needs sacrebleu 2.6.0. The Rust tests compare to 1e-9; see crates/papo/tests/metrics.rs.
"""

import json
from pathlib import Path

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF

PLAIN = (
    ["The dog bit the man.", "It was not unexpected.", "The man bit him first."],
    [["The dog bit the man."], ["No one was surprised."], ["The man had bitten the dog."]],
)
CASES = {
    "plain": PLAIN,
    "two_references": (
        PLAIN[0],
        [["The dog bit the man.", "The dog had bit the man."], ["It was not unexpected.", "No one was surprised."],
         ["The man bit him first.", "The man had bitten the dog."]],
    ),
    "equally_near_references": (["a b c d"], [["a b c d e", "a b c"]]),
    "empty_hypothesis": (["", "a small house"], [["nothing to see here"], ["a small house by the sea"]]),
    "empty_reference": (["something", "a small house by the lake"], [[""], ["a small house by the sea"]]),
    "all_empty": (["", ""], [[""], [""]]),
    "no_match": (["x y z w"], [["a b c d"]]),
    "short": (["hi", "yes ."], [["hi"], ["yes ."]]),
    "entities": (
        ["He said &quot;Tom &amp; Jerry&quot; &lt;loudly&gt;", "x <skipped> y", "AT&amp;amp;T &apos;s"],
        [["He said \"Tom & Jerry\" <loudly>"], ["x y"], ["AT&amp;T 's"]],
    ),
    "numbers": (
        ["It costs 1,234.56 dollars, i.e. 10-15% of 3.", "pages 3-4, 1.5,2 and .5", "a,b.c 1.a b.2 -5 5-"],
        [["It costs 1,234.56 dollars; i.e. 10 - 15 % of 3 ."], ["pages 3-4, 1.5, 2 and .5"], ["a, b. c 1.a b.2 - 5 5 -"]],
    ),
    "marks": (
        ["Well... what?! (yes) [no] {maybe} a/b c\\d e_f g|h ~i `j` ^k @l #m $n %o +p =q *r", "don't -- stop,,, now.. ,."],
        [["Well ... what ?! ( yes ) [no] {maybe} a / b c\\d e_f g|h ~ i 'j' ^k @ l # m $n % o + p = q * r"],
         ["don't - stop, now. ."]],
    ),
    "spaces": (
        ["  two   spaces\tand a tab ", "no\u00a0break\u2003em\u3000wide", "line\u2028separator \u0085 next", "file\u001cseparator\u001funit"],
        [["two spaces and a tab"], ["no break em wide"], ["line separator next"], ["file separator unit"]],
    ),
    "unicode": (
        ["Ele disse: «Não é possível!» — e saiu…", "ÀÉÎÕÜ ß ŐŰ İstanbul ΣΊΣΥΦΟΣ", "東京は日本の首都です。", "naïve café 👍🏽 👨‍👩‍👧", "½ ² ٣ € ©"],
        [["Ele disse: \"Não é possível!\" - e saiu..."], ["àéîõü ß őű istanbul σίσυφος"], ["東京は日本の首都である。"],
         ["naive café 👍 👨‍👩‍👧"], ["½ ² ٣ € ®"]],
    ),
    "repeats": (["the the the the the the the", "a a b b a a"], [["the cat is on the mat"], ["a b a b a"]]),
    "case": (["THE QUICK Brown fox JUMPS over the dog"], [["the quick brown fox jumps over the lazy dog"]]),
    "punctuated_words": (["(hi) \"there\", -x- ! a. .b c!!"], [["hi \"there\" x ! a .b c!"]]),
    "line_ends": (["a hyphen-\nated word\n", "trailing space \n"], [["a hyphenated word"], ["trailing space"]]),
}


def bleu(hypotheses, streams, **options):
    score = BLEU(**options).corpus_score(hypotheses, streams)
    return {
        **options,
        "score": score.score,
        "precisions": score.precisions,
        "brevity_penalty": score.bp,
        "hypothesis_words": score.sys_len,
        "reference_words": score.ref_len,
    }


def main():
    cases = []
    for name, (hypotheses, references) in CASES.items():
        streams = [list(stream) for stream in zip(*references)]
        counted = [
            bleu(hypotheses, streams, tokenize=tokenize, lowercase=lowercase, smooth_method=smooth)
            for tokenize in ("13a", "none", "char", "intl")
            for lowercase in (False, True)
            for smooth in (("exp", "none", "floor", "add-k") if tokenize == "13a" else ("exp",))
        ]
        characters = [
            {"word_order": order, "lowercase": lowercase, "beta": beta,
             "score": CHRF(word_order=order, lowercase=lowercase, beta=beta).corpus_score(hypotheses, streams).score}
            for order in (0, 2)
            for lowercase in (False, True)
            for beta in (1, 2)
        ]
        cases.append({"name": name, "hypotheses": hypotheses, "references": references, "bleu": counted, "chrf": characters})
    path = Path(__file__).parents[1] / "fixtures/goldens/metrics.json"
    path.write_text(json.dumps({"sacrebleu": sacrebleu.__version__, "cases": cases}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
