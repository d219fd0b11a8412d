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
ASK_NAME = [
    "what is my name?", "what's my name?", "do you know my name?", "do you remember my name?", "who am I?", "say my name",
    "can you tell me my name?", "so what is my name?", "did I tell you my name?",
]
# What nearly everybody tries first, and must work.
FIRST = {
    "how_are_you", "name", "my_name", "are_you_robot", "age", "from", "hobbies", "skills", "music", "movies", "food", "weather",
    "joke", "thanks", "do_you_like_food", "seen_film", "insult", "love_you", "feeling_bad", "like_me", "live", "portuguese",
}
VAGUE = {"Do you like it?", "Did you like it?", "Do you enjoy it?", "What do you think?", "What is it?"}
CHOICE = re.compile(r"\(([^()]*)\)")
SLOT = re.compile(r"\{(\w+)\}")


@dataclass
class Node:
    """One exchange: the user's possible turns, Papo's possible replies, and the exchanges that may follow."""

    says: list
    replies: list = field(default_factory=list)
    follows: list = field(default_factory=list)
    name: str = ""
    place: str = "middle"


def parse(path):
    """Reads a seed file; returns its root exchanges and the values of its slots."""
    roots, slots, stack, name, place = [], {}, [], "", "middle"
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
            (name, place), stack = (rest.split() + ["middle"])[:2], []
        elif mark == ">":
            if depth > len(stack):
                raise SystemExit(f"{path}:{number}: a turn stands deeper than the reply it answers.")
            node = Node(alternatives, name=name, place=place)
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


def question_of(reply):
    """The question that a reply ends in; empty if it ends in none, or in one that only its own tree understands."""
    last = re.split(r"(?<=[.!?]) ", reply)[-1]
    return last if last.endswith("?") and last not in VAGUE else ""


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
        self.anywhere = self.middles + self.openings
        self.weights = [1.0 + 0.15 * min(12, self._size(n)) for n in self.middles] + [1.0] * len(self.openings)
        self.weights = [w * (2.5 if n.name in FIRST else 1.0) for w, n in zip(self.weights, self.anywhere)]
        self.by_question = {}
        for root in self.roots:
            self._index(root)

    def _index(self, node):
        """Notes under each question that a reply ends in what may be answered to it."""
        for reply in node.replies:
            if key := question_of(reply):
                known = self.by_question.setdefault(key, [])
                known.extend(f for f in node.follows if f not in known)
        for follow in node.follows:
            self._index(follow)

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

    def user_turn(self, node, values, rng):
        """Something that a user may say at this node, its slots filled."""
        says = rng.choices(node.says, [variants(s) ** 0.5 for s in node.says])[0]
        return self.fill(expand(says, rng), values, rng)

    def walk(self, node, turns, values, rng, opening=None):
        """Appends a tree's turns: its root, then follow-ups most of the time; `opening` goes before the first user turn."""
        while node:
            user = self.user_turn(node, values, rng)
            template = rng.choice(node.replies)
            if any(slot not in values for slot in SLOT.findall(template)):
                return template
            reply = self.fill(template, values, rng)
            reply = re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", reply)
            reply = reply[:1].upper() + reply[1:]
            if opening:
                user = opening + rng.choice([", ", "! ", ". ", " "]) + user
                if not turns and not reply.startswith(("Hi", "Hello", "Good ")) and node.place == "middle":
                    reply = rng.choice(["Hi! ", "Hello! "]) + reply
                opening = None
            turns += [roughen(user, rng), reply]
            follows = self.answers(node, template)
            node = rng.choice(follows) if follows and rng.random() < 0.8 else None
        return template

    def answers(self, node, template):
        """What may follow a reply: the node's own follow-ups, and those of every reply that ends in the same question."""
        shared = [f for f in self.by_question.get(question_of(template), []) if f not in node.follows]
        return node.follows * 2 + shared

    def dialogue(self, rng):
        """Draws a conversation: user turns at even places, Papo's replies at odd ones.

        Returns the turns, the place where the user told a name or `None`, and the places of the user turns that can be
        understood alone.
        """
        turns, told, name, last, alone = [], None, None, None, set()
        dice = rng.random()
        roots = [rng.choice(self.openings)] if dice < 0.35 else []
        roots += rng.choices(self.anywhere, self.weights, k=rng.choice([1, 1, 2, 2, 3]))
        if rng.random() < 0.12:
            roots.append(rng.choice(self.closings))
        for root in roots:
            if root.name in ("name", "my_name", "my_name_unknown") and name:
                continue
            opening, values, start = None, {}, len(turns)
            if not turns and root.place == "middle" and rng.random() < 0.12:
                opening = rng.choice(GREETINGS)
            elif turns and root.place == "middle" and last is not None and rng.random() < 0.15:
                # People answer Papo's question and ask their own in one breath; the newer question counts.
                opening = self.user_turn(rng.choice(last), {}, rng)
                opening = opening.rstrip("?!.")
            alone.add(start)
            template = self.walk(root, turns, values, rng, opening)
            last = self.by_question.get(question_of(template)) or None
            if root.name in ("name", "my_name", "my_name_unknown") and "name" in values:
                name = values["name"]
                places = [i for i in range(start, len(turns), 2) if name.lower() in turns[i].lower()]
                told = places[0] if places else None
        if told is not None and rng.random() < 0.4:
            turns += [roughen(rng.choice(ASK_NAME), rng), f"Your name is {name}!"]
        return turns, told, alone


def first_names(path):
    """Reads a file with a first name a line."""
    return [n for n in Path(path).read_text(encoding="utf-8").split() if 3 <= len(n) <= 9]


if __name__ == "__main__":
    rng = random.Random(1)
    seed = Seed(Path(__file__).with_name("seed.txt"), ["anna", "paulo", "maria"], ["Who wrote Hamlet?"])
    for _ in range(12):
        print("\n".join(seed.dialogue(rng)[0]), end="\n\n")
