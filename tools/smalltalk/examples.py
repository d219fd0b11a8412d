"""Mixes seed and corpora into training examples in Blenderbot's own form, and packs them into batches.

Source: the last turns of a conversation, each with a leading space, joined by two spaces, at most 128 tokens from the
end, `</s>` last. Target: the reply with its leading space and `</s>`. The mixture says how often each voice is heard:
the seed most, since its replies are the ones that should come out.
"""

import torch

MIXTURE = {"seed": 0.78, "persona": 0.13, "self": 0.04, "rasa": 0.03, "friendly": 0.01, "chatter": 0.01}
POSITIONS = 128


def source_text(turns):
    """Blenderbot's form of a history: every turn with its leading space, two spaces between turns."""
    return "  ".join(" " + turn for turn in turns)


class Examples:
    """An endless supply of (history, reply) pairs."""

    def __init__(self, seed, corpora, tokenizer, rng):
        self.seed, self.corpora, self.tokenizer, self.rng = seed, corpora, tokenizer, rng
        self.voices = [v for v in MIXTURE if v == "seed" or v in corpora]
        self.shares = [MIXTURE[v] for v in self.voices]
        self.pending = []

    def seed_pairs(self):
        """All replies of a drawn seed dialogue, sometimes behind a stretch of somebody else's conversation.

        Each is (history, reply, turns of the history that the reply needs).
        """
        rng = self.rng
        (turns, told, alone), first = self.seed.dialogue(rng), 1
        if rng.random() < 0.15:
            other = rng.choice(self.corpora["persona"]).turns
            end = rng.randrange(2, min(9, len(other)) + 1, 2) if len(other) > 2 else 2
            turns, first = other[:end] + turns, end + 1
            told = None if told is None else told + end
            alone = {place + end for place in alone}
        pairs = []
        for i in range(first, len(turns), 2):
            need = 1 if i - 1 in alone else 3
            if "name" in turns[i - 1] and told is not None and told < i:
                need = i - told
            pairs.append((turns[:i], turns[i], need))
        return pairs

    def draw(self):
        """One (history, reply) pair."""
        rng = self.rng
        voice = rng.choices(self.voices, self.shares)[0]
        if voice == "seed":
            if not self.pending:
                self.pending = self.seed_pairs()
                rng.shuffle(self.pending)
            history, reply, need = self.pending.pop()
            # A first turn is understood alone, a follow-up needs its question and often what came before it.
            keep = max(need, rng.choices([1, 3, 5, len(history)], [35, 35, 15, 15])[0])
        else:
            dialogue = rng.choice(self.corpora[voice])
            place = rng.choice(dialogue.targets)
            history, reply = dialogue.turns[:place], dialogue.turns[place]
            keep = rng.choice([1, 1, 2, 2, 3, 3, 5])
        return history[-keep:], reply

    def encode(self, pairs):
        """Token ids of pairs: ([source ids], [target ids]), both ending in `</s>`."""
        sources = self.tokenizer([source_text(h) for h, _ in pairs])["input_ids"]
        targets = self.tokenizer([" " + r for _, r in pairs])["input_ids"]
        return [s[-POSITIONS:] for s in sources], [t[:60] for t in targets]

    def batches(self, pool, size):
        """Draws `pool` pairs and yields them as padded batches of similar length, in random order."""
        sources, targets = self.encode([self.draw() for _ in range(pool)])
        order = sorted(range(pool), key=lambda i: (len(sources[i]) // 8, len(targets[i])))
        groups = [order[i : i + size] for i in range(0, pool, size)]
        self.rng.shuffle(groups)
        for group in groups:
            yield pad([sources[i] for i in group], [targets[i] for i in group])


def pad(sources, targets):
    """Tensors for the model: source ids and mask padded with `<pad>`, labels padded with -100."""
    width, height = max(map(len, sources)), max(map(len, targets))
    ids = torch.zeros(len(sources), width, dtype=torch.long)
    mask = torch.zeros(len(sources), width, dtype=torch.long)
    labels = torch.full((len(sources), height), -100)
    for row, (source, target) in enumerate(zip(sources, targets)):
        ids[row, : len(source)] = torch.tensor(source)
        mask[row, : len(source)] = 1
        labels[row, : len(target)] = torch.tensor(target)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
