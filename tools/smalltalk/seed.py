"""Draws dialogues from `seed.txt`, Papo's own hand-written small talk.

The file is a forest: each exchange is what a user says, what Papo replies, and what may follow. A dialogue is a walk
through a few trees, so that a reply is learnt in front of any history, and a follow-up only behind its own question.
User turns are roughened (case, apostrophes, punctuation, typing errors), because people do not type like books.

Read next: `corpora.py` for the other voices that the model hears.
"""

import random
import re
import string
from dataclasses import dataclass, field
from pathlib import Path

GREETINGS = ["hi", "hello", "hey", "hi papo", "hello papo", "hi there", "hi chat", "hello chat", "good morning"]
CHOICE = re.compile(r"\(([^()]*)\)")
SLOT = re.compile(r"\{(\w+)\}")


@dataclass
class Node:
    """One exchange: the user's possible turns, Papo's possible replies, and the exchanges that may follow."""

    says: list
    replies: list = field(default_factory=list)
    follows: list = field(default_factory=list)
    place: str = "middle"


def parse(path):
    """Reads a seed file; returns its root exchanges and the values of its slots."""
    roots, slots, stack, place = [], {}, [], "middle"
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        mark, _, rest = text.partition(" ")
        alternatives = rest.split(" | ")
        if mark == "%":
            slot, _, values = rest.partition(": ")
            slots[slot] = values.split(" | ")
        elif mark == "@":
            place, stack = (rest.split() + ["middle"])[1], []
        elif mark == ">":
            if depth > len(stack):
                raise SystemExit(f"{path}:{number}: a turn stands deeper than the reply it answers.")
            node = Node(alternatives, place=place)
            stack = stack[:depth] + [node]
            (stack[-2].follows if depth else roots).append(node)
        elif mark == "<":
            stack[-1].replies.extend(alternatives)
        else:
            raise SystemExit(f"{path}:{number}: a line begins with {mark!r}; expected one of # % @ > <.")
    return roots, slots


def expand(text, rng):
    """Draws one branch of each `(a|b)`, innermost first; `\\(` stands for itself."""
    text = text.replace("\\(", "\x01").replace("\\)", "\x02")
    while match := CHOICE.search(text):
        text = text[: match.start()] + rng.choice(match.group(1).split("|")) + text[match.end() :]
    return text.replace("\x01", "(").replace("\x02", ")").strip()


def variants(text):
    """Counts the strings that `expand` may draw, so that the richer phrasings are drawn more often."""
    total = 1
    for match in CHOICE.finditer(text):
        total *= match.group(1).count("|") + 1
    return min(total, 40)


def misspell(text, rng):
    """One typing error: a letter dropped, doubled or swapped with its neighbour."""
    spots = [i for i in range(1, len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
    if len(spots) < 3:
        return text
    i = rng.choice(spots)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:i] + text[i + 1 :]
    if kind == 1:
        return text[:i] + text[i] + text[i:]
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


def roughen(text, rng):
    """Writes a user's turn as somebody might type it."""
    mark = text[-1] if text[-1] in "?!" else ""
    body = text[: -len(mark)] if mark else text
    body = re.sub(r"\bi\b", "I", body)
    body = body[:1].upper() + body[1:]
    if rng.random() < 0.06:
        body = rng.choice(["So, ", "Well, ", "Ok, ", "And ", "Hmm, ", "Oh, ", "So "]) + body[:1].lower() + body[1:]
        body = re.sub(r"\bi\b", "I", body)
    if rng.random() < 0.05 and "apo" not in body:
        body += rng.choice([", Papo", " Papo", ", my friend", ", chat", " please", ", please"])
    if mark == "?":
        mark = rng.choices(["?", "", " ?", "??", "?!", "."], [70, 22, 3, 2, 1, 2])[0]
    elif body[-1].isalnum():
        mark = rng.choices([".", "", "!", "!!", "..", "..."], [38, 40, 18, 1, 1, 2])[0]
    text = body + mark
    dice = rng.random()
    if dice < 0.38:
        text = text.lower()
    elif dice < 0.40:
        text = text.upper()
    if rng.random() < 0.10:
        text = text.replace("'", rng.choice(["", "’"]))
    if rng.random() < 0.06:
        text = misspell(text, rng)
    if rng.random() < 0.04:
        text = text.replace("favorite", "favourite").replace("color", "colour")
    return text


class Seed:
    """The parsed seed file with everything its slots need; `dialogue` draws one conversation."""

    def __init__(self, path, names, questions):
        self.roots, self.slots = parse(path)
        self.names = names
        self.questions = questions
        self.openings = [n for n in self.roots if n.place == "opening"]
        self.middles = [n for n in self.roots if n.place == "middle"]
        self.closings = [n for n in self.roots if n.place == "closing"]
        # Broad exchanges (many slots, many phrasings, long trees) need more showing than a one-liner.
        self.weights = [1.0 + 0.15 * min(12, self._size(n)) for n in self.middles]

    def _size(self, node):
        return len(node.follows) + sum(self._size(n) for n in node.follows) + len(SLOT.findall(" ".join(node.says)))

    def value(self, slot, rng):
        """Draws a slot's value."""
        if slot == "name":
            # The list runs from common to rare; the common ones are met more often, as in life.
            return self.names[int(len(self.names) * rng.random() ** 3)].capitalize()
        if slot == "question":
            return rng.choice(self.questions)
        if slot == "gibberish":
            letters = rng.choice([string.ascii_lowercase, "asdfghjkl", "qwertyuiop"])
            words = ["".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(rng.choice([1, 1, 2, 3]))]
            return " ".join(words)
        return rng.choice(self.slots[slot])

    def fill(self, text, values, rng):
        """Puts values for the slots; the same slot keeps its value through `values`."""
        for slot in SLOT.findall(text):
            if slot not in values:
                values[slot] = self.value(slot, rng)
            text = text.replace("{" + slot + "}", values[slot])
        return text

    def exchange(self, node, values, rng, greeting=None):
        """One user turn and Papo's reply, as a pair of strings."""
        says = rng.choices(node.says, [variants(s) ** 0.5 for s in node.says])[0]
        user = self.fill(expand(says, rng), values, rng)
        reply = self.fill(rng.choice(node.replies), values, rng)
        reply = re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", reply)
        reply = reply[:1].upper() + reply[1:]
        if greeting:
            user = greeting + rng.choice([", ", "! ", ". ", " "]) + user
            if not reply.startswith(("Hi", "Hello", "Good ")):
                reply = rng.choice(["Hi! ", "Hello! "]) + reply
        return roughen(user, rng), reply

    def walk(self, node, rng, greeting=None):
        """The turns of one tree: its root, then follow-ups most of the time."""
        values, turns = {}, []
        while node:
            turns.extend(self.exchange(node, values, rng, greeting))
            greeting = None
            node = rng.choice(node.follows) if node.follows and rng.random() < 0.8 else None
        return turns

    def dialogue(self, rng):
        """Draws a conversation: user turns at even places, Papo's replies at odd ones."""
        turns = []
        dice = rng.random()
        if dice < 0.35:
            turns += self.walk(rng.choice(self.openings), rng)
        for number in range(rng.choice([1, 1, 2, 2, 3])):
            greeting = rng.choice(GREETINGS) if not turns and rng.random() < 0.12 else None
            turns += self.walk(rng.choices(self.middles, self.weights)[0], rng, greeting)
        if rng.random() < 0.12:
            turns += self.walk(rng.choice(self.closings), rng)
        return turns


def first_names(path):
    """Reads a file with a first name a line."""
    return [n for n in Path(path).read_text(encoding="utf-8").split() if 3 <= len(n) <= 9]


if __name__ == "__main__":
    rng = random.Random(1)
    seed = Seed(Path(__file__).with_name("seed.txt"), ["anna", "paulo", "maria"], ["Who wrote Hamlet?"])
    for _ in range(12):
        print("\n".join(seed.dialogue(rng)), end="\n\n")
