"""The two ways an engine is driven: a process that is loaded once and asked many times, and `papo bench`, a process for each measurement.

Both give a `Measured`, and say how many cores others used meanwhile. Read next: `worker.py`, the other end of the first way.
"""

import json
import math
import os
import selectors
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import quiet

WORKER = Path(__file__).with_name("worker.py")
# Tokens of the generation before the measured ones: the first step, one with a cache, and one more.
WARM_UP = 3
# Seconds that the answers of one measurement take together at least; it is their median. One answer of a few hundredths of a second is mostly
# what the system did meanwhile.
ENOUGH = 0.5
# Seconds after which an engine that does not answer is given up.
PATIENCE = 600


class Failed(Exception):
    """An engine that ended, or does not answer."""


@dataclass
class Measured:
    tokens: int
    seconds: float
    first_token_s: float
    load_s: float
    peak_rss_bytes: int
    others_cores: float
    versions: dict
    weight_bytes_per_step: int | None = None


def environment(threads):
    """What keeps the engines on `threads` threads, and off the network."""
    count = str(threads)
    threads = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "RAYON_NUM_THREADS": count, "TOKENIZERS_PARALLELISM": "false"}
    return {**os.environ, **threads, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}


class Rival:
    """A process that speaks the line protocol. It starts at once and imports; `await_ready` waits for that, `load` has it load."""

    def __init__(self, engine, model, folder, threads):
        weights = str(folder / engine.weights.format(model=model))
        if engine.home == "candle":
            command = [str(folder / "candle/target/release/candle_t5"), "serve", str(folder / "models" / model / "config.json"), weights]
        else:
            command = [str(folder / engine.home / "bin/python"), str(WORKER), engine.name, weights, str(threads)]
        self.log = folder / "logs" / f"{engine.name}-{model}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(threads)
            )
        self.pid = self.process.pid
        self.answers = selectors.DefaultSelector()
        self.answers.register(self.process.stdout, selectors.EVENT_READ)
        self.load_s, self.versions = None, {}

    def _answer(self):
        # An answer is one whole line, flushed at once, so nothing of it can hide in Python's buffer.
        line = self.process.stdout.readline() if self.answers.select(PATIENCE) else ""
        if not line:
            said = self.log.read_text(errors="replace").strip().splitlines()
            raise Failed(f"{said[-1] if said else 'no answer'} (all of it: {self.log})")
        return json.loads(line)

    def _ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # `_answer` finds the reason in the log.
        return self._answer()

    def await_ready(self):
        self._answer()

    def load(self):
        answer = self._ask({"load": True})
        self.load_s, self.versions = answer["load_s"], answer["versions"]

    def measure(self, model, workload):
        self._ask(workload.request(model, WARM_UP))
        first, _ = self._time(workload.request(model, 1))
        (seconds, tokens), others = quiet.watched(lambda: self._time(workload.request(model)), lambda: quiet.used_by(self.pid))
        if tokens != workload.batch * workload.new:
            raise Failed(f"made {tokens} tokens instead of {workload.batch * workload.new}")
        peak = quiet.peak_memory(self.pid)
        return Measured(tokens, seconds, first, self.load_s, peak, others, self.versions)

    def _time(self, request):
        """(median of the seconds that an answer takes, its tokens)."""
        seconds = []
        while sum(seconds) < ENOUGH:
            answer = self._ask(request)
            seconds.append(answer["seconds"])
        return statistics.median(seconds), answer["tokens"]

    def close(self):
        """Ends this process, which ends by itself where its input does."""
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.wait()
        self.answers.close()
        self.process.stdout.close()


class Papo:
    """`papo bench`. What it rounds it keeps in the folder, so that from the second start on it loads rounded weights."""

    def __init__(self, binary, dtype, model, folder, threads):
        self.binary, self.dtype, self.threads = binary, dtype, threads
        self.checkpoint = folder / "models" / model
        self.home = folder / "papo" / model
        self.versions = {"papo": version(binary)}

    def bench(self, *flags, runs=1):
        command = [self.binary, "bench", self.checkpoint, "--dtype", self.dtype, "--threads", self.threads, "--runs", runs, "--json", *flags]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, "HF_HOME": str(self.home)}, check=False)
        if done.returncode:
            raise Failed((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
        return json.loads(done.stdout)

    def load(self):
        """Has the rounded weights made and kept, where they are not yet."""
        if self.dtype != "f32":
            self.bench("--new-tokens", 1)

    def weight_bytes(self):
        """Bytes of all weights, as stored."""
        folder, pattern = (self.checkpoint, "*.safetensors") if self.dtype == "f32" else (self.home, f"papo/quantized/*-{self.dtype}.safetensors")
        return sum(path.stat().st_size for path in folder.glob(pattern))

    def measure(self, model, workload):
        flags = ["--input-tokens", workload.input_tokens(model), "--new-tokens", workload.new, "--batch", workload.batch, "--beams", workload.beams]
        if workload.ban:
            flags += ["--no-repeat-ngram-size", workload.ban, "--encoder-no-repeat-ngram-size", workload.ban]
            flags += ["--length-penalty", workload.length_penalty]
        figures, others = quiet.watched(lambda: self._median(*flags), quiet.used_by_finished)
        return Measured(
            figures["made_tokens"], figures["total_ms"] / 1e3, figures["first_token_ms"] / 1e3, figures["load_ms"] / 1e3,
            figures["peak_rss_bytes"], others, self.versions, figures["weight_bytes_per_step"],
        )  # fmt: skip

    def _median(self, *flags):
        """The figures of one run, or the medians of as many as fill the time."""
        figures = self.bench(*flags)
        runs = math.ceil(1e3 * ENOUGH / figures["total_ms"])
        return self.bench(*flags, runs=runs) if runs > 1 else figures

    def close(self):
        pass


def version(binary):
    """What the program says it is."""
    return subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
