"""Training speed of papo's lab beside PyTorch: the same networks, batches and optimiser, on two threads each.

    cargo build --release -p papo-lab --example training_speed
    python tools/bench_training.py [lstm] [transformer] [gru] [rnn] [seq2seq] [--rounds 7] [--steps 3] [--threads 2]

Each side warms up and then takes turns with the other, so that whatever else the machine does falls on both; medians
over the rounds. Beside the time that passed stands the processor time that was used (Linux), which is what to look at on a machine that
others use too; say `--threads 1` then, because threads that wait for each other use it too. The LSTM language model has 2 layers, 512 wide; the transformer 3 + 3 layers, 256 wide, 8 heads, 1024 between; seq2seq is a GRU of 512 with
Bahdanau's attention; vocabulary 8,000, batch 32 x 48, dropout 0.1, clipping, Adam (PyTorch's fused one).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

VOCABULARY, ROWS, COLUMNS = 8000, 32, 48


def worker(kind, threads):
    """Reads numbers of steps, takes them, prints seconds."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(1)

    class LanguageModel(nn.Module):
        def __init__(self, cell):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, 512)
            self.rnn = cell(512, 512, num_layers=2, dropout=0.1)
            self.output = nn.Linear(512, VOCABULARY)

        def forward(self, tokens):
            x = F.dropout(self.embedding(tokens[:, :-1].t()), 0.1)
            h = F.dropout(self.rnn(x)[0], 0.1)
            return F.cross_entropy(self.output(h).flatten(0, 1), tokens[:, 1:].t().flatten())

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared = nn.Embedding(VOCABULARY, 256)
            self.body = nn.Transformer(256, 8, 3, 3, 1024, dropout=0.1, batch_first=True)
            for layer in [*self.body.encoder.layers, *self.body.decoder.layers]:
                # Papo has none inside the attention and the feed-forward network.
                layer.dropout.p = 0.0
                layer.self_attn.dropout = 0.0
                if hasattr(layer, "multihead_attn"):
                    layer.multihead_attn.dropout = 0.0
            self.body.encoder.norm = self.body.decoder.norm = None
            self.register_buffer("positions", torch.randn(64, 256))

        def embed(self, tokens):
            return F.dropout(self.shared(tokens) * 16 + self.positions[: tokens.shape[1]], 0.1)

        def forward(self, sources, targets):
            causal = nn.Transformer.generate_square_subsequent_mask(targets.shape[1] - 1)
            h = self.body(self.embed(sources), self.embed(targets[:, :-1]), tgt_mask=causal, tgt_is_causal=True)
            logits = F.linear(h, self.shared.weight)
            return F.cross_entropy(logits.flatten(0, 1), targets[:, 1:].flatten(), label_smoothing=0.1)

    class Seq2Seq(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, 256)
            self.encoder = nn.GRU(256, 512, bidirectional=True)
            self.bridge = nn.Linear(1024, 512)
            self.query = nn.Linear(512, 512, bias=False)
            self.key = nn.Linear(1024, 512, bias=False)
            self.score = nn.Linear(512, 1, bias=False)
            self.decoder = nn.GRUCell(256 + 1024, 512)
            self.readout = nn.Linear(512 + 1024 + 256, 256)
            self.output = nn.Linear(256, VOCABULARY)

        def forward(self, sources, targets):
            x = F.dropout(self.embedding(sources.t()), 0.1)
            h, last = self.encoder(x)
            s = torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1)))
            h = h.transpose(0, 1).contiguous()
            keys = self.key(h)
            y = F.dropout(self.embedding(targets[:, :-1].t()), 0.1)
            states, contexts = [], []
            for y_t in y:
                e = self.score(torch.tanh(keys + self.query(s)[:, None])).squeeze(2)
                c = torch.bmm(e.softmax(1)[:, None], h).squeeze(1)
                s = self.decoder(torch.cat([y_t, c], 1), s)
                states.append(s)
                contexts.append(c)
            t = torch.tanh(self.readout(torch.cat([torch.stack(states), torch.stack(contexts), y], 2)))
            logits = self.output(F.dropout(t, 0.1))
            return F.cross_entropy(logits.flatten(0, 1), targets[:, 1:].t().flatten())

    sources = torch.randint(4, VOCABULARY, (ROWS, COLUMNS))
    targets = torch.randint(4, VOCABULARY, (ROWS, COLUMNS + 1))
    cells = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
    if kind in cells:
        model, batch = LanguageModel(cells[kind]), (targets,)
    else:
        model, batch = {"transformer": Transformer, "seq2seq": Seq2Seq}[kind](), (sources, targets)
    model.train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(int(line)):
            optimiser.zero_grad(set_to_none=True)
            loss = model(*batch)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            loss.item()
        print(time.perf_counter() - begin, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=["lstm", "transformer"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker, options.threads)
    root = Path(__file__).resolve().parent.parent
    example = root / "target/release/examples/training_speed"
    for kind in options.networks:
        commands = {
            "papo": [str(example), kind, str(options.threads)],
            "pytorch": [sys.executable, __file__, "--worker", kind, "--threads", str(options.threads)],
        }
        sides = {
            name: subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            for name, command in commands.items()
        }

        def processor(side):
            fields = Path(f"/proc/{side.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        def seconds(side, steps):
            before = processor(side)
            side.stdin.write(f"{steps}\n")
            side.stdin.flush()
            passed = float(side.stdout.readline())
            return passed / steps, (processor(side) - before) / steps

        for side in sides.values():
            seconds(side, 2)
        times = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, side in sides.items():
                times[name].append(seconds(side, options.steps))
        for side in sides.values():
            side.stdin.close()
            side.wait()
        tokens = ROWS * COLUMNS * (1 if kind in ("rnn", "lstm", "gru") else 2)
        medians = {name: [statistics.median(column) for column in zip(*values)] for name, values in times.items()}
        papo, pytorch = medians["papo"], medians["pytorch"]
        record = {
            "network": kind,
            "threads": options.threads,
            "papo_tokens_per_s": round(tokens / papo[0]),
            "pytorch_tokens_per_s": round(tokens / pytorch[0]),
            "ratio": round(pytorch[0] / papo[0], 3),
            "ratio_of_processor_time": round(pytorch[1] / papo[1], 3),
        }
        for name, values in times.items():
            record[f"{name}_ms"] = [round(1e3 * passed) for passed, _ in values]
            record[f"{name}_processor_ms"] = [round(1e3 * used) for _, used in values]
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
