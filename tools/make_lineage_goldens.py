"""Writes the tiny checkpoints of Papo's own lineage and what PyTorch makes of them: `fixtures/{checkpoints,goldens}/lineage-*`.

    python tools/make_lineage_goldens.py [NAME…] [--out FOLDER]

The recurrent networks are written down a second time here, in plain PyTorch (its own RNN, LSTM and GRU modules where they fit);
the transformer is `MarianMTModel` itself. For each network `training.safetensors` holds a batch, its logits, its loss, every
gradient, and the losses of ten steps of SGD and of Adam; `generate.jsonl` holds greedy continuations. Deterministic for pinned
versions. The tests of `lab` (training) and of `models` (inference) both read these files.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from torch import nn

WANTED = "4.57.6"
SIZE_LIMIT = 200_000
UNK, BOS, EOS, PAD = range(4)
V = 37
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class LanguageModel(nn.Module):
    """A stacked recurrent language model: embedding, layers, output."""

    def __init__(self, cell, d_embedding=12, d_hidden=12, n_layers=2, tied=False):
        super().__init__()
        self.config = {
            "model_type": f"papo_{cell}", "vocab_size": V, "d_embedding": d_embedding, "d_hidden": d_hidden,
            "n_layers": n_layers, "tie_embeddings": tied,
        }
        self.embedding = nn.Embedding(V, d_embedding)
        self.rnn = CELLS[cell](d_embedding, d_hidden, n_layers, batch_first=True)
        self.output = nn.Linear(d_hidden, V)
        if tied:
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state=None):
        hidden, state = self.rnn(self.embedding(tokens), state)
        return self.output(hidden), state

    def start(self, source):
        logits, state = self(torch.tensor([[BOS, *source]]))
        return logits[0, -1], state

    def step(self, state, token):
        logits, state = self(torch.tensor([[token]]), state)
        return logits[0, -1], state


class Seq2Seq(nn.Module):
    """A bidirectional encoder, a bridge, and a decoder that looks back in one of three ways."""

    def __init__(self, cell, attention, d_embedding=10, d_hidden=8, d_attention=9, n_layers=2, tied=False):
        super().__init__()
        self.kind, self.cell, self.layers = attention, cell, n_layers
        self.config = {
            "model_type": "papo_seq2seq", "is_encoder_decoder": True, "cell": cell, "attention": attention, "vocab_size": V,
            "d_embedding": d_embedding, "d_hidden": d_hidden, "d_attention": d_attention, "n_layers": n_layers,
            "tie_embeddings": tied, "decoder_start_token_id": BOS,
        }
        e, h = d_embedding, d_hidden
        self.embedding = nn.Embedding(V, e)
        self.encoder = CELLS[cell](e, h, n_layers, batch_first=True, bidirectional=True)
        self.decoder = CELLS[cell](e + (h if attention == "luong" else 2 * h), h, n_layers, batch_first=True)
        self.bridge, self.bridge_cell = nn.Module(), nn.Module()
        for part in [self.bridge, self.bridge_cell] if cell == "lstm" else [self.bridge]:
            for k in range(n_layers):
                part.register_parameter(f"weight_l{k}", nn.Parameter(torch.empty(h, 2 * h)))
                part.register_parameter(f"bias_l{k}", nn.Parameter(torch.empty(h)))
        self.attention = nn.Module()
        if attention == "bahdanau":
            self.attention.query = nn.Linear(h, d_attention, bias=False)
            self.attention.key = nn.Linear(2 * h, d_attention, bias=False)
            self.attention.score = nn.Module()
            self.attention.score.weight = nn.Parameter(torch.empty(d_attention))
        if attention == "luong":
            self.attention.weight = nn.Parameter(torch.empty(h, 2 * h))
        self.readout = nn.Linear(3 * h, h) if attention == "luong" else nn.Linear(3 * h + e, e)
        self.output = nn.Linear(h if attention == "luong" else e, V)
        if tied:
            self.output.weight = self.embedding.weight

    def encode(self, source):
        """One source without padding → the encoder's outputs [T, 2H] and the decoder's first state."""
        memory, last = self.encoder(self.embedding(torch.tensor([source])))
        def bridged(part, final):
            final = final.view(self.layers, 2, -1)
            joined = [torch.cat([final[k, 0], final[k, 1]]) for k in range(self.layers)]
            return torch.stack([F.linear(x, getattr(part, f"weight_l{k}"), getattr(part, f"bias_l{k}")) for k, x in enumerate(joined)])
        if self.cell == "lstm":
            state = (bridged(self.bridge, last[0]).tanh(), bridged(self.bridge_cell, last[1]))
            final = last[0]
        else:
            state, final = bridged(self.bridge, last).tanh(), last
        memory, h = memory[0], self.config["d_hidden"]
        summary = torch.cat([final[-2], final[-1]], dim=-1).view(-1)
        assert torch.allclose(summary, torch.cat([memory[-1, :h], memory[0, h:]]))
        return memory, summary, state, torch.zeros(h)

    def decode(self, memory, summary, state, fed, token):
        """One step → logits [V], the new state, and the attentional state that the next step is fed."""
        y = self.embedding(torch.tensor(token))
        top = (state[0] if self.cell == "lstm" else state)[-1]
        if self.kind == "bahdanau":
            energies = (self.attention.query(top) + self.attention.key(memory)).tanh() @ self.attention.score.weight
            context = energies.softmax(0) @ memory
        elif self.kind == "none":
            context = summary
        else:
            context = fed
        x = torch.cat([y, context]).view(1, 1, -1)
        batched = tuple(s.unsqueeze(1) for s in state) if self.cell == "lstm" else state.unsqueeze(1)
        out, new = self.decoder(x, batched)
        s = out.view(-1)
        state = tuple(n.squeeze(1) for n in new) if self.cell == "lstm" else new.squeeze(1)
        if self.kind == "luong":
            context = ((memory @ self.attention.weight.T) @ s).softmax(0) @ memory
            fed = readout = self.readout(torch.cat([context, s])).tanh()
        else:
            readout = self.readout(torch.cat([s, context, y])).tanh()
        return self.output(readout), state, fed

    def forward(self, source, target):
        memory, summary, state, fed = self.encode(source)
        logits = []
        for token in target[:-1]:
            scores, state, fed = self.decode(memory, summary, state, fed, token)
            logits.append(scores)
        return torch.stack(logits)

    def start(self, source):
        memory, summary, state, fed = self.encode(source)
        scores, state, fed = self.decode(memory, summary, state, fed, BOS)
        return scores, (memory, summary, state, fed)

    def step(self, state, token):
        memory, summary, state, fed = state
        scores, state, fed = self.decode(memory, summary, state, fed, token)
        return scores, (memory, summary, state, fed)


def transformer():
    config = transformers.MarianConfig(
        vocab_size=V, decoder_vocab_size=V, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=24, decoder_ffn_dim=24, activation_function="relu", scale_embedding=True,
        max_position_embeddings=32, bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD, decoder_start_token_id=PAD,
        forced_eos_token_id=None, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        share_encoder_decoder_embeddings=True, tie_word_embeddings=True,
    )
    return transformers.MarianMTModel._from_config(config, attn_implementation="eager")


NETWORKS = {
    "rnn": lambda: LanguageModel("rnn"),
    "lstm": lambda: LanguageModel("lstm", d_embedding=10, d_hidden=14),
    "gru": lambda: LanguageModel("gru", tied=True),
    "seq2seq-none-lstm": lambda: Seq2Seq("lstm", "none"),
    "seq2seq-bahdanau-gru": lambda: Seq2Seq("gru", "bahdanau", tied=True),
    "seq2seq-luong-lstm": lambda: Seq2Seq("lstm", "luong"),
    "transformer": transformer,
}


def draw(model, generator):
    """Random weights, large enough that the network has something to say."""
    fixed = ("embed_positions",)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if any(word in name for word in fixed):
                continue
            if "layer_norm.weight" in name:
                p.copy_(1 + 0.2 * torch.randn(p.shape, generator=generator))
            elif p.dim() == 1:
                p.copy_(0.3 * torch.randn(p.shape, generator=generator))
            else:
                # A post-norm block hands its input on unless its own part is larger.
                gain = 4.0 if "layers." in name else 1.3
                p.copy_(torch.randn(p.shape, generator=generator) * (gain / p.shape[-1] ** 0.5))


def rows(generator, lengths):
    return [torch.randint(4, V, (n,), generator=generator).tolist() for n in lengths]


def grid(rows):
    width = max(map(len, rows))
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


def batch(name, generator):
    """Sources (None for causal models) and targets, whose first token is the start token."""
    if name in ("rnn", "lstm", "gru"):
        return None, [[BOS, *row] for row in rows(generator, [9, 9, 9])]
    start = PAD if name == "transformer" else BOS
    sources = [row + [EOS] for row in rows(generator, [7, 4, 1])]
    return sources, [[start, *row, EOS] for row in rows(generator, [5, 8, 2])]


def all_logits(name, model, sources, targets):
    """A tensor [length, V] for each row, of the real positions only."""
    if sources is None:
        return list(model(torch.tensor(targets)[:, :-1])[0])
    if name == "transformer":
        return [
            model(input_ids=torch.tensor([s]), decoder_input_ids=torch.tensor([t[:-1]])).logits[0]
            for s, t in zip(sources, targets)
        ]
    return [model(s, t) for s, t in zip(sources, targets)]


def loss_of(name, model, sources, targets, smoothing=0.0):
    logits = torch.cat(all_logits(name, model, sources, targets))
    wanted = torch.tensor([token for row in targets for token in row[1:]])
    return F.cross_entropy(logits, wanted, label_smoothing=smoothing)


def ten_losses(name, model, sources, targets, optimizer):
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer, losses = optimizer(trained(model).values()), []
    for _ in range(10):
        optimizer.zero_grad()
        loss = loss_of(name, model, sources, targets)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    model.load_state_dict(before)
    return torch.tensor(losses)


def trained(model):
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def write_checkpoint(name, model, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    papo = {"task": "text" if isinstance(model, LanguageModel) else "pairs"}
    if name == "transformer":
        model.generation_config = transformers.GenerationConfig.from_model_config(model.config)
        model.generation_config.bad_words_ids = [[PAD]]
        model.save_pretrained(folder)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "papo": papo}, indent=2) + "\n")
    else:
        ids = {"unk_token_id": UNK, "bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD}
        (folder / "config.json").write_text(json.dumps({**model.config, **ids, "papo": papo}, indent=2) + "\n")
        settings = {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "decoder_start_token_id": BOS}
        (folder / "generation_config.json").write_text(json.dumps(settings, indent=2) + "\n")
        # The state dictionary names a tied matrix twice; the file holds it once, as the embedding.
        state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
        if model.config["tie_embeddings"]:
            del state["output.weight"]
        save_file(state, folder / "model.safetensors", {"format": "pt"})
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert size < SIZE_LIMIT, f"{folder} takes {size} bytes"


def training(name, model, generator):
    """Everything that a training run can be held to."""
    sources, targets = batch(name, generator)
    out = {"target_ids": grid(targets), "target_lengths": torch.tensor([len(row) for row in targets])}
    if sources is not None:
        out["source_ids"], out["source_lengths"] = grid(sources), torch.tensor([len(row) for row in sources])
    logits = all_logits(name, model, sources, targets)
    padded = torch.zeros(len(targets), max(map(len, targets)) - 1, V)
    for row, scores in zip(padded, logits):
        row[: len(scores)] = scores.detach()
    out["logits"] = padded
    model.zero_grad()
    loss = loss_of(name, model, sources, targets)
    loss.backward()
    out["loss"] = loss.detach()
    out["smoothed_loss"] = loss_of(name, model, sources, targets, 0.1).detach()
    for key, p in trained(model).items():
        out[f"grad.{key}"] = p.grad.clone()
    out["losses"] = ten_losses(name, model, sources, targets, lambda p: torch.optim.SGD(p, lr=0.1))
    out["adam_losses"] = ten_losses(name, model, sources, targets, lambda p: torch.optim.Adam(p, lr=1e-2))
    if sources is None:
        more = torch.tensor(rows(generator, [6, 6, 6]))
        _, state = model(torch.tensor(targets)[:, :-1])
        out["target_ids_2"], out["carried_logits"] = more, model(more[:, :-1], state)[0].detach()
    return {key: value.contiguous() for key, value in out.items()}


def greedy(model, source, start, most):
    scores, state = model.start(source)
    sequence = [start]
    for _ in range(most):
        best = torch.topk(scores, 2)
        assert best.values[0] - best.values[1] > 1e-4, "a tie: take another seed"
        sequence.append(best.indices[0].item())
        if sequence[-1] == EOS:
            break
        scores, state = model.step(state, sequence[-1])
    return sequence


def generations(name, model, generator):
    """Greedy continuations (and beams, where the reference has them), a case a line."""
    sources = [row + ([] if isinstance(model, LanguageModel) else [EOS]) for row in rows(generator, [5, 2, 8])]
    cases = []
    with torch.no_grad():
        if name != "transformer":
            tokens = [greedy(model, source, BOS, 12) for source in sources]
            return [{"name": "greedy", "input_ids": sources, "generation_config": {"max_new_tokens": 12}, "sequences": tokens, "scores": None}]
        for case, config in {"greedy": {"num_beams": 1}, "beams": {"num_beams": 3}}.items():
            config = {**config, "max_new_tokens": 12}
            sequences = []
            for source in sources:
                row = model.generate(input_ids=torch.tensor([source]), **config)[0].tolist()
                cut = next((i + 1 for i, t in enumerate(row) if i and t == EOS), len(row))
                sequences.append(row[:cut])
            cases.append({"name": case, "input_ids": sources, "generation_config": config, "sequences": sequences, "scores": None})
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help=", ".join(NETWORKS))
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "fixtures")
    arguments = parser.parse_args()
    if transformers.__version__ != WANTED:
        sys.exit(f"make_lineage_goldens.py: transformers {transformers.__version__} is installed, {WANTED} is wanted; see requirements.txt")
    for name in arguments.names or NETWORKS:
        generator = torch.Generator().manual_seed(20 + list(NETWORKS).index(name))
        model = NETWORKS[name]().eval()
        draw(model, generator)
        folder, goldens = arguments.out / "checkpoints" / f"lineage-{name}", arguments.out / "goldens" / f"lineage-{name}"
        write_checkpoint(name, model, folder)
        shutil.rmtree(goldens, ignore_errors=True)
        goldens.mkdir(parents=True)
        save_file(training(name, model, generator), goldens / "training.safetensors")
        lines = [json.dumps(case) + "\n" for case in generations(name, model, generator)]
        (goldens / "generate.jsonl").write_text("".join(lines))
        print(name, json.loads(lines[0])["sequences"], file=sys.stderr)


if __name__ == "__main__":
    main()
