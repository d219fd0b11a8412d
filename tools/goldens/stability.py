"""Generates with the reference, and tells whether the answer hangs on rounding.

A case is stable when the reference gives the same tokens in f32, in f64, and in f32 with noise of up to 1e-4 on the
logits, for several seeds of the noise. Only stable cases are worth a golden. Read next: `cases.py`.
"""

import copy

import torch

NOISE = 1e-4
NOISE_SEEDS = (1, 2, 3, 4)
# The reference marks a beam that never finished by a score near −1e9: which one it is then depends on ties.
UNFINISHED = -1e8


class Reference:
    """A loaded network with its f64 twin."""

    def __init__(self, model):
        self.model = model.eval()
        self._twin = None

    @property
    def twin(self):
        """The same network in f64."""
        if self._twin is None:
            self._twin = copy.deepcopy(self.model).double()
        return self._twin

    def generate(self, sources, options, precise=False, noise_seed=None):
        """(rows without padding, scores or None) for ragged `sources` under `options` (Hugging Face names)."""
        model = self.twin if precise else self.model
        handle = None
        if noise_seed is not None:
            generator = torch.Generator().manual_seed(noise_seed)

            def disturb(_module, _args, out):
                return out + (torch.rand(out.shape, generator=generator) * 2 - 1).to(out.dtype) * NOISE

            handle = model.get_output_embeddings().register_forward_hook(disturb)
        try:
            return _generate(model, sources, options)
        finally:
            if handle is not None:
                handle.remove()

    def is_stable(self, sources, options, expected):
        """Whether f64 and noisy runs give `expected` (the answer of the plain run)."""
        rows, scores = expected
        if scores is not None and min(scores) < UNFINISHED:
            return False
        if self.generate(sources, options, precise=True)[0] != rows:
            return False
        return all(self.generate(sources, options, noise_seed=seed)[0] == rows for seed in NOISE_SEEDS)


def end_tokens(model, options):
    """The end tokens that `options` leave in force."""
    ends = options.get("eos_token_id", model.generation_config.eos_token_id)
    return set() if ends is None else set(ends) if isinstance(ends, list) else {ends}


def strip(row, ends):
    """A row as the reference returns it, without its padding.

    The rule: position 0 (the decoder start, which may equal the end token) always stays; the row is cut behind the first end
    token at position 1 or later; a row without one is kept whole. Rows only end early by an end token, so whatever
    follows it is padding, be it made of the pad token or (beams, pad id 0) of end tokens.
    """
    for position in range(1, len(row)):
        if row[position] in ends:
            return row[: position + 1]
    return row


@torch.no_grad()
def _generate(model, sources, options):
    pad = model.generation_config.pad_token_id
    longest = max(map(len, sources))
    ids = torch.tensor([s + [pad] * (longest - len(s)) for s in sources])
    mask = torch.tensor([[1] * len(s) + [0] * (longest - len(s)) for s in sources])
    out = model.generate(ids, attention_mask=mask, return_dict_in_generate=True, output_scores=True, **copy.deepcopy(options))
    ends = end_tokens(model, options)
    rows = [strip(row, ends) for row in out.sequences.tolist()]
    scores = getattr(out, "sequences_scores", None)
    return rows, None if scores is None else scores.tolist()
