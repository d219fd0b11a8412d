"""What is measured: the models, the workloads, the engines, and where each lies in the folder that `build` fills.

The folder: `v5/` and `v4/` (virtual environments, with transformers 5 and 4), `models/` (checkpoints in random weights and true shapes:
speed does not depend on the weights), `ct2/`, `onnx/`, `gguf/` (the same in the rivals' formats), `candle/target/`, `papo/` (what Papo
rounds and keeps), `logs/` (what the engines say), `records.jsonl`. Read next: `build.py`, `rounds.py`, `page.py`.
"""

from dataclasses import dataclass

MODELS = ("flan-t5-small", "flan-t5-base", "bart-base", "blenderbot-400M")


def is_t5(model):
    return model.startswith("flan-t5")


def is_blenderbot(model):
    return model.startswith("blenderbot")


@dataclass(frozen=True)
class Workload:
    """`batch` inputs of `input` tokens each, `new` tokens for every one of them. `ban`: no n-gram of this size twice, nor one of the input."""

    name: str
    batch: int
    input: int
    new: int
    beams: int
    ban: int = 0
    length_penalty: float = 1.0

    def input_tokens(self, model):
        """Blenderbot has 128 positions: it is never given more than 120 tokens."""
        return min(self.input, 120) if is_blenderbot(model) else self.input

    def request(self, model, new=None):
        """The line that an engine's process is sent."""
        return {
            "batch": self.batch, "input": self.input_tokens(model), "new": new or self.new, "beams": self.beams,
            "ban": self.ban, "length_penalty": self.length_penalty,
        }  # fmt: skip


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", 1, 20, 64, 1),
        Workload("W2", 1, 512, 64, 1),
        Workload("W3", 1, 128, 64, 4),
        Workload("W4", 16, 64, 64, 1),
        Workload("W5", 1, 20, 60, 10, ban=3, length_penalty=0.65),
        Workload("W6", 1, 128, 64, 1),
    )
}
TITLES = {
    "W1": "Greedy, a short input",
    "W2": "Greedy, a long input",
    "W3": "Four beams",
    "W4": "Greedy, sixteen inputs together",
    "W5": "Blenderbot by its own settings",
    "W6": "As W3, but greedy: what four beams cost (Papo only)",
}


@dataclass(frozen=True)
class Engine:
    """`kind`: f32, 8-bit or 4-bit. `home`: the environment (`v5`, `v4`) or program (`candle`, `papo`) that it runs in."""

    name: str
    title: str
    kind: str
    home: str
    weights: str

    @property
    def is_papo(self):
        return self.home == "papo"

    def can(self, model, workload):
        """Whether there is anything to measure: candle has no Blenderbot, no BART and no beams in its T5."""
        if workload.name == "W5" and not is_blenderbot(model):
            return False
        if workload.name == "W6" and not self.is_papo:
            return False
        return self.home != "candle" or (is_t5(model) and workload.beams == 1)


ENGINES = {
    e.name: e
    for e in (
        Engine("pytorch-f32", "PyTorch f32", "f32", "v5", "models/{model}"),
        Engine("ctranslate2-f32", "CTranslate2 f32", "f32", "v5", "ct2/{model}-float32"),
        Engine("onnxruntime-f32", "ONNX Runtime f32", "f32", "v4", "onnx/{model}"),
        Engine("candle-f32", "candle f32", "f32", "candle", "models/{model}/model.safetensors"),
        Engine("pytorch-int8", "PyTorch int8 (dynamic)", "8-bit", "v5", "models/{model}"),
        Engine("ctranslate2-int8", "CTranslate2 int8", "8-bit", "v5", "ct2/{model}-int8"),
        Engine("onnxruntime-int8", "ONNX Runtime int8", "8-bit", "v4", "onnx/{model}-int8"),
        Engine("candle-q8_0", "candle q8_0", "8-bit", "candle", "gguf/{model}-q8_0.gguf"),
        Engine("papo-f32", "Papo f32", "f32", "papo", "models/{model}"),
        Engine("papo-int8", "Papo int8", "8-bit", "papo", "models/{model}"),
        Engine("papo-int4", "Papo int4", "4-bit", "papo", "models/{model}"),
    )
}

# About how many seconds all engines together take for a workload, and their start and load for a model: an AMD EPYC with AVX-512, two
# threads. Only for the estimate that is printed before there are records.
SECONDS = {
    "flan-t5-small": {"start": 15, "W1": 13, "W2": 17, "W3": 15, "W4": 33, "W6": 2},
    "flan-t5-base": {"start": 20, "W1": 24, "W2": 35, "W3": 28, "W4": 74, "W6": 5},
    "bart-base": {"start": 18, "W1": 16, "W2": 21, "W3": 20, "W4": 32, "W6": 4},
    "blenderbot-400M": {"start": 35, "W1": 25, "W2": 32, "W3": 46, "W4": 69, "W5": 48, "W6": 8},
}
