"""Makes `fixtures/goldens/toy.jsonl`: what `generate` of transformers 4.57.6 says with the toy model of `crates/generate/tests/toy/mod.rs`.

    python tools/make_toy_cases.py > fixtures/goldens/toy.jsonl

The toy model answers through the true `GenerationMixin`, so greedy search, beam search, every processor and every
counting rule are the reference's own. Options are drawn at random. A case is kept only if noise of 1e-4 on the logits
does not change its sequences, so that nothing hangs on rounding or on the order of equals.
"""

import json
import random
import sys
import warnings

import torch
import transformers
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

assert transformers.__version__ == "4.57.6", transformers.__version__
transformers.logging.set_verbosity_error()
warnings.filterwarnings("ignore")

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(hash, word):
    z = (hash + word * GOLDEN + GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class ToyConfig(PretrainedConfig):
    model_type = "toy"

    def __init__(self, seed=0, levels=8009, **kwargs):
        self.seed, self.levels = seed, levels
        super().__init__(is_encoder_decoder=True, **kwargs)


class Encoder(torch.nn.Module):
    """Hands the source on as if it were hidden states; padding is -1 there."""

    main_input_name = "input_ids"

    def forward(self, input_ids, attention_mask=None, **kwargs):
        kept = torch.where(attention_mask.bool(), input_ids, -1)
        return BaseModelOutput(last_hidden_state=kept[:, :, None].double())


class Toy(PreTrainedModel, GenerationMixin):
    config_class = ToyConfig
    main_input_name = "input_ids"
    noise = 0.0

    def __init__(self, config):
        super().__init__(config)
        self.encoder = Encoder()
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def get_encoder(self, *args, **kwargs):
        return self.encoder

    def prepare_inputs_for_generation(self, input_ids, encoder_outputs=None, attention_mask=None, **kwargs):
        return {"decoder_input_ids": input_ids, "encoder_outputs": encoder_outputs, "attention_mask": attention_mask}

    def forward(self, input_ids=None, attention_mask=None, decoder_input_ids=None, encoder_outputs=None, **kwargs):
        rows = []
        sources = encoder_outputs.last_hidden_state[:, :, 0].long().tolist()
        for source, said in zip(sources, decoder_input_ids.tolist()):
            hash = mix(self.config.seed, 0)
            for token in source:
                if token >= 0:
                    hash = mix(hash, token + 1)
            for token in said:
                hash = mix(hash, token + 1000003)
            levels = self.config.levels
            rows.append([mix(hash, token) % levels / levels * -8.0 for token in range(self.config.vocab_size)])
        logits = torch.tensor(rows, dtype=torch.float64).float()
        if self.noise:
            logits = logits + self.noise * torch.randn(logits.shape)
        return Seq2SeqLMOutput(logits=logits[:, None, :])


def options(random, vocabulary):
    """A random set of options and the checkpoint's own tokens."""
    token = lambda: random.randrange(3, vocabulary)
    tokens = lambda most: [token() for _ in range(random.randint(1, most))]
    chance = lambda p: random.random() < p
    own = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": random.choice([0, 1, 2])}
    if chance(0.15):
        own["eos_token_id"] = [2, token()]
    if chance(0.05):
        own["eos_token_id"] = None
        own["pad_token_id"] = None
    if chance(0.1):
        del own["decoder_start_token_id"]
    if chance(0.3):
        own["max_length"] = random.choice([8, 20, 12])
    if chance(0.1):
        own["forced_eos_token_id"] = 2
    asked = {}
    if chance(0.7):
        asked["num_beams"] = random.randint(2, 6)
        asked["num_return_sequences"] = random.randint(1, asked["num_beams"])
        if chance(0.7):
            asked["early_stopping"] = random.choice([True, False, "never"])
        if chance(0.6):
            asked["length_penalty"] = random.choice([0.0, 0.5, 0.65, 1, 1.0, 2.0, -1.0, 5.0])
    if chance(0.3):
        asked["max_length"] = random.randint(2, 14)
    if chance(0.4):
        asked["max_new_tokens"] = random.randint(1, 14)
    if chance(0.2):
        asked["min_length"] = random.randint(0, 9)
    if chance(0.2):
        asked["min_new_tokens"] = random.randint(1, 9)
    if chance(0.25):
        asked["no_repeat_ngram_size"] = random.randint(0, 3)
    if chance(0.25):
        asked["encoder_no_repeat_ngram_size"] = random.randint(0, 3)
    if chance(0.2):
        asked["repetition_penalty"] = random.choice([0.7, 1.0, 1.3, 3.0])
    if chance(0.15):
        asked["encoder_repetition_penalty"] = random.choice([0.6, 1.5])
    if chance(0.15):
        asked["bad_words_ids"] = [tokens(3) for _ in range(random.randint(1, 4))]
    if chance(0.15):
        asked["sequence_bias"] = [[tokens(2), round(random.uniform(-4, 4), 3)] for _ in range(random.randint(1, 4))]
    if chance(0.15):
        asked["forced_bos_token_id"] = token()
    if chance(0.15):
        asked["forced_eos_token_id"] = random.choice([2, [2, token()]])
    if chance(0.12):
        asked["exponential_decay_length_penalty"] = [random.randint(0, 5), random.choice([1.1, 1.5, 0.8])]
    if chance(0.15):
        asked["suppress_tokens"] = tokens(3)
    if chance(0.15):
        asked["begin_suppress_tokens"] = tokens(3)
    if chance(0.1):
        asked["renormalize_logits"] = True
    if chance(0.1):
        asked["remove_invalid_values"] = True
    return own, asked


def answer(model, sources, asked):
    """The reference's sequences and scores for each source alone, rows cut after the token that ended them."""
    sequences, scores = [], []
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    for source in sources:
        out = model.generate(
            torch.tensor([source]),
            attention_mask=torch.ones(1, len(source), dtype=torch.long),
            return_dict_in_generate=True,
            output_scores=True,
            **asked,
        )
        beams = asked.get("num_beams", 1) > 1
        for index, row in enumerate(out.sequences.tolist()):
            length = len(row)
            if beams:
                # A beam's own length is the number of beams it went through.
                length = 1 + int((out.beam_indices[index] >= 0).sum())
            else:
                for place, token in enumerate(row):
                    if place > 0 and token in ends:
                        length = place + 1
                        break
            sequences.append(row[:length])
        if beams:
            # An end token that was ruled out and then made likelier scores NaN.
            scores += [score if score == score else "nan" for score in out.sequences_scores.tolist()]
    return sequences, scores or None


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    draw = random.Random(4576)
    torch.manual_seed(0)
    made = 0
    number = 0
    while made < count:
        number += 1
        vocabulary = draw.choice([12, 20, 33])
        own, asked = options(draw, vocabulary)
        sources = [
            [draw.randrange(3, vocabulary) for _ in range(draw.randint(1, 8))] + [2] for _ in range(draw.randint(1, 3))
        ]
        # Positions matter to the reference where nobody chose a length; beyond them ours stops and its own breaks.
        chosen = {"max_length", "max_new_tokens"} & {*own, *asked}
        positions = 16 if not chosen and draw.random() < 0.3 else None
        config = ToyConfig(seed=number, vocab_size=vocabulary, max_position_embeddings=positions)
        model = Toy(config)
        model.generation_config = GenerationConfig(use_cache=False, **own)
        try:
            sequences, scores = answer(model, sources, dict(asked))
        except (ValueError, RuntimeError, TypeError, IndexError) as refused:
            print(number, type(refused).__name__, str(refused)[:100], asked, file=sys.stderr)
            continue
        model.noise = 1e-4
        steady = all(answer(model, sources, dict(asked))[0] == sequences for _ in range(2))
        if not steady:
            continue
        case = {"seed": number, "vocabulary": vocabulary, "positions": positions, "sources": sources}
        case.update(own=own, asked=asked)
        print(json.dumps({**case, "sequences": sequences, "scores": scores}))
        made += 1


main()
