"""Trains Papo's built-in small-talk model: Blenderbot's architecture, 2.8 million parameters, an hour on two cores.

    python tools/train_smalltalk.py --data ../shared/data --out crates/papo/models/smalltalk --minutes 60

Needs torch and transformers 4.57.6. The run is seeded; since its schedule follows the time it gets from the processor, the same
command gives a model as good, not one equal bit for bit. `--work` keeps the state every few minutes, and `--resume` goes on from it.
The folder `--out` is rewritten at each of these moments, so a model is there early. See `smalltalk/` for the parts.
"""

import argparse
import json
import math
import os
import random
import time
from pathlib import Path

import torch
from transformers import BlenderbotConfig, BlenderbotForConditionalGeneration

from smalltalk import corpora, seed, tokens
from smalltalk.examples import Examples, pad

PEAK_RATE = 2e-3
VOCABULARY = 3000
# What `generate` does with this model unless told otherwise: replies are short, and an echo of the user's words is no fault.
GENERATION = {
    "bos_token_id": 1,
    "decoder_start_token_id": 1,
    "eos_token_id": 2,
    "forced_eos_token_id": 2,
    "pad_token_id": 0,
    "num_beams": 4,
    "length_penalty": 0.65,
    "min_length": 3,
    "max_length": 60,
    "no_repeat_ngram_size": 3,
    "encoder_no_repeat_ngram_size": 0,
}


def network():
    """An untrained Blenderbot: shallow encoder, deeper decoder, as the large ones are."""
    config = BlenderbotConfig(
        vocab_size=VOCABULARY,
        d_model=192,
        encoder_layers=2,
        decoder_layers=3,
        encoder_ffn_dim=512,
        decoder_ffn_dim=512,
        encoder_attention_heads=6,
        decoder_attention_heads=6,
        max_position_embeddings=128,
        scale_embedding=True,
        activation_function="gelu",
        dropout=0.05,
        attention_dropout=0.0,
        activation_dropout=0.0,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        decoder_start_token_id=1,
        forced_eos_token_id=2,
    )
    return BlenderbotForConditionalGeneration(config)


def export(model, folder):
    """Writes the model as the hub has Blenderbot: f16 `pytorch_model.bin`, configuration, generation settings."""
    half = BlenderbotForConditionalGeneration(model.config)
    half.load_state_dict(model.state_dict())
    half.half()
    fresh = f"{folder}.new"
    half.save_pretrained(fresh, safe_serialization=False)
    for name in os.listdir(fresh):
        os.replace(os.path.join(fresh, name), os.path.join(folder, name))
    os.rmdir(fresh)
    # The class has its own idea of this setting in `config.json`; both files should say the same.
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file) | {"encoder_no_repeat_ngram_size": 0}
    for name, content in (("config.json", config), ("generation_config.json", GENERATION)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")


@torch.no_grad()
def follow(average, model, share):
    """Moves the averaged weights towards the model's by `share` of the way."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), share)


@torch.no_grad()
def perplexity(model, examples, pairs, size=64):
    """Perplexity per token (end token counted) of replies given their histories."""
    total, count = 0.0, 0
    for start in range(0, len(pairs), size):
        batch = pad(*examples.encode(pairs[start : start + size]))
        n = int((batch["labels"] != -100).sum())
        total += model(**batch).loss.item() * n
        count += n
    return math.exp(total / count)


def hold_out(found, rng, share=0.04):
    """Takes whole persona dialogues out of the training data; returns their (history, reply) pairs."""
    rng.shuffle(found["persona"])
    kept = max(1, int(len(found["persona"]) * share))
    held, found["persona"] = found["persona"][:kept], found["persona"][kept:]
    return [(d.turns[max(0, i - 5) : i], d.turns[i]) for d in held for i in d.targets]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with dialogue/ and text/names")
    parser.add_argument("--out", type=Path, default=Path("crates/papo/models/smalltalk"), help="the model folder to write")
    parser.add_argument("--work", type=Path, default=Path("target/smalltalk"), help="where the state is kept for --resume")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the whole training in minutes of processor time per thread, resumed parts counted")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --work")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    found, questions = corpora.read(options.data / "dialogue")
    held = hold_out(found, random.Random(7))
    print({k: (len(v), sum(len(d.targets) for d in v)) for k, v in found.items()}, len(held), "held out", flush=True)
    names = seed.first_names(next((options.data / "text/names").glob("names.txt")))
    talk = seed.Seed(Path(__file__).with_name("smalltalk") / "seed.txt", names, questions)

    options.out.mkdir(parents=True, exist_ok=True)
    options.work.mkdir(parents=True, exist_ok=True)
    state_file = options.work / "state.pt"
    if not options.resume:
        drawn = [" " + t for _ in range(6000) for t in talk.dialogue(rng)[0]]
        drawn += [" " + t for d in found["persona"] for t in d.turns]
        drawn += [" " + t for d in rng.sample(found["self"], 3000) for t in d.turns]
        tokens.train(drawn, options.out, VOCABULARY)
    tokenizer = tokens.load(options.out)
    examples = Examples(talk, found, tokenizer, rng)
    held_seed = Examples(talk, found, tokenizer, random.Random(11))
    held_seed = [p[:2] for _ in range(40) for p in held_seed.seed_pairs()]

    model = network()
    print(model.num_parameters(), "parameters", flush=True)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.98), fused=True)
    # The mean of the last few hundred steps talks better than the last step, most of all before the rate has fallen.
    average = network()
    average.load_state_dict(model.state_dict())
    average.eval()
    steps, elapsed = 0, 0.0
    if options.resume:
        state = torch.load(state_file, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state.get("average", state["model"]))
        optimizer.load_state_dict(state["optimizer"])
        steps, elapsed = state["steps"], state["elapsed"]
        rng.seed(options.seed + steps)

    def keep(label):
        state = {"model": model, "average": average, "optimizer": optimizer}
        state = {name: part.state_dict() for name, part in state.items()}
        torch.save(state | {"steps": steps, "elapsed": elapsed}, f"{state_file}.new")
        os.replace(f"{state_file}.new", state_file)
        export(average, options.out)
        report = {
            "minutes": round(elapsed / 60, 1),
            "steps": steps,
            "loss": round(label, 3),
            "perplexity_held_out": round(perplexity(average, examples, held[::4]), 2),
            "perplexity_seed": round(perplexity(average, examples, held_seed), 2),
        }
        print(json.dumps(report), flush=True)
        with open(options.work / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(report) + "\n")

    model.train()
    length = options.minutes * 60
    # The schedule follows the time that the processor gave us, so that a busy machine makes the run longer, not worse.
    last, kept = time.process_time(), time.monotonic()
    mean = 0.0
    while elapsed < length:
        for batch in examples.batches(options.batch * 48, options.batch):
            done = min(1.0, elapsed / length)
            rate = PEAK_RATE * min(1.0, (steps + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = model(**batch).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            steps += 1
            follow(average, model, 1 - min(0.996, steps / (steps + 9)))
            mean = loss.item() if steps == 1 else 0.99 * mean + 0.01 * loss.item()
            now = time.process_time()
            elapsed += (now - last) / options.threads
            last = now
            if steps % 100 == 0:
                print(f"step {steps}  {elapsed / 60:.1f} min  loss {mean:.3f}  rate {rate:.5f}", flush=True)
            if elapsed >= length:
                break
        if time.monotonic() - kept > 240 or elapsed >= length:
            keep(mean)
            last, kept = time.process_time(), time.monotonic()
    print("done", flush=True)


if __name__ == "__main__":
    main()
