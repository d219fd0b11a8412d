"""Reads the public dialogue data and keeps what a small, friendly chatbot could have said itself.

A turn becomes a *target* (something to learn to say) only if it is short, clean and could be true of a program: no
"my wife", no "I work as a nurse", no links. A turn that fails may still stand in the history, since users say such things.

Read next: `examples.py`, which mixes these with the seed.
"""

import json
import re
from dataclasses import dataclass

ODD = re.compile(r"https?:|www\.|[\[\]{}<>|\\_^~`#@*=]|\(name\)|user ?[12]|[^\x20-\x7e’“”…é]", re.I)
OFFENSIVE = re.compile(
    r"\b(fuck\w*|shit\w*|bitch\w*|ass|asshole|damn\w*|sex\w*|porn\w*|nazi\w*|hitler|rape\w*|kill\w*|murder\w*|drugs?|"
    r"cocaine|heroin|weed|nigg\w*|fag\w*|gay|lesbian|suicid\w*|die|died|dead|death|gun|guns|racis\w*|slave\w*|naked|nude|"
    r"penis|vagina|boobs?|whore|slut|stupid|idiot|dumb|hell|crap|terroris\w*|abus\w*|prison|jail|trump|clinton|obama)\b",
    re.I,
)
# What a person may say of a life that a program does not have.
HUMAN = re.compile(
    r"\bmy (name|wife|husband|kids?|child\w*|sons?|daughters?|mom|mother|dad|father|parents?|brothers?|sisters?|family|"
    r"boyfriend|girlfriend|friends?|dogs?|cats?|pets?|jobs?|boss|house|home|car|age|church|grand\w+|husband's|uncle|aunt|"
    r"cousins?|school|college|work|body|hair|health|phone|number|students?|company|business|garden|apartment)\b|"
    r"\bI(?:'m| am) (?:an? |from|in |at |the |[0-9]|[A-Z]|married|single|also an? |actually an? |currently|retired|studying|"
    r"working|pregnant|divorced|going to|getting|the)|\bI (?:work|live|own|have (?:a|an|two|three|four|five|one|some|my)|grew up|"
    r"was born|went|used to|moved|just (?:got|moved|bought)|married|teach|drive|study|studied|visited|played)\b|years old|"
    r"\bI'?ve been|\bwe(?:'re| are| have| live| went)\b|\bour\b|meet up|hang out|text me|call me|give you my|my number|"
    r"see you (?:there|then|at)|let's meet|matched|I'm \w+ing\b",
    re.I,
)


@dataclass
class Dialogue:
    """A conversation and the places of the turns that Papo may learn to say."""

    turns: list
    targets: list


def tidy(text):
    """One spacing, plain quotation marks, a capital first letter."""
    text = text.replace("’", "'").replace("“", '"').replace("”", '"').replace("…", "...")
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([.,!?])", r"\1", text)
    return text


def polish(text):
    """A target as Papo should write it: capitals at the start and for `I`, a mark at the end."""
    text = re.sub(r"\bi\b(?!\.)", "I", tidy(text))
    text = text[:1].upper() + text[1:]
    return text if text[-1:] in ".!?\"'" else text + "."


def sayable(text, most=25, least=2):
    """Whether Papo could say this."""
    words = text.split()
    return (
        least <= len(words) <= most
        and not text.isupper()
        and not ODD.search(text)
        and not OFFENSIVE.search(text)
        and not HUMAN.search(text)
        and not re.search(r"\b(\w+)( \1){2,}\b", text)
    )


def from_turns(turns, most=25):
    """A dialogue whose sayable turns are targets; none if a turn is offensive or odd beyond repair."""
    turns = [tidy(t) for t in turns]
    if len(turns) < 2 or any(not t or len(t) > 400 for t in turns):
        return None
    targets = [i for i in range(1, len(turns)) if sayable(turns[i], most) and not OFFENSIVE.search(turns[i - 1])]
    turns = [polish(t) if i in targets else t for i, t in enumerate(turns)]
    return Dialogue(turns, targets) if targets else None


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def pairs(path):
    """Question TAB answer files: every answer is a target."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            question, _, answer = line.rstrip("\n").partition("\t")
            answer = polish(answer)
            if question and answer and not ODD.search(answer) and not OFFENSIVE.search(question + " " + answer):
                if not re.search(r"developer|Cortana|Siri|name tag|birthday", answer):
                    yield Dialogue([tidy(question), answer], [1])


def read(folder):
    """Reads every corpus under `folder`; returns {name: dialogues} and the factual questions that Papo cannot answer."""
    found = {}
    found["persona"] = [
        d for part in ("valid", "test") for x in lines(folder / f"synthetic-persona-chat/{part}.jsonl") if (d := from_turns(x["turns"]))
    ]
    found["rasa"] = list(pairs(folder / "rasa-smalltalk-en/pairs.tsv"))
    found["friendly"] = list(pairs(folder / "personality-chat-ms/friendly.tsv"))
    found["self"] = [d for i, x in enumerate(lines(folder / "self-dialogue/dialogues.jsonl")) if i % 4 == 0 and (d := from_turns(x["turns"], most=16))]
    chatter = list(lines(folder / "chatterbot-corpus/english.jsonl"))
    kept = ("greetings", "conversations", "food", "movies")
    found["chatter"] = [d for x in chatter if x["category"] in kept and (d := from_turns(x["turns"][:2], most=15))]
    unknown = ("trivia", "coding", "science", "history", "literature")
    questions = [tidy(x["turns"][0]) for x in chatter if x["category"] in unknown]
    questions = [q for q in questions if q.endswith("?") and len(q.split()) <= 16 and not ODD.search(q)]
    return {k: v for k, v in found.items() if v}, questions
