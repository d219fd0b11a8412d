"""An engine in a process of its own, behind a line protocol: a JSON object a line, in and out.

    python worker.py ENGINE WEIGHTS THREADS

It imports what it needs and says `{"ready": true}`. `{"load": true}` is answered with `{"load_s", "versions"}`, a workload (`Workload.request`)
with `{"seconds", "tokens"}`: the time of one generation with the end token suppressed, reading the input included. `candle/` speaks the same.
Standard output belongs to the protocol; what a library prints goes to standard error. Read next: `rounds.py`, which asks.
"""

import json
import os
import sys
import time


def source(batch, length):
    """Ids that mean nothing; `papo bench` takes the same."""
    return [[100 + (i * 7919) % 7000 for i in range(row * length, (row + 1) * length)] for row in range(batch)]


class CTranslate2:
    def __init__(self, name, weights, threads):
        import ctranslate2

        self.library, self.weights, self.threads = ctranslate2, weights, threads
        self.type = "int8_float32" if name.endswith("int8") else "float32"

    def load(self):
        self.model = self.library.Translator(
            self.weights, device="cpu", compute_type=self.type, inter_threads=1, intra_threads=self.threads
        )
        return {"ctranslate2": self.library.__version__}

    def prepare(self, request):
        return [[f"w{i}" for i in row] for row in source(request["batch"], request["input"])]

    def generate(self, tokens, request):
        """CTranslate2 cannot ban n-grams of the input: there it does a little less than the others."""
        answers = self.model.translate_batch(
            tokens, beam_size=request["beams"], min_decoding_length=request["new"], max_decoding_length=request["new"],
            no_repeat_ngram_size=request["ban"], length_penalty=request["length_penalty"], max_input_length=0,
        )  # fmt: skip
        return sum(len(answer.hypotheses[0]) for answer in answers)


class Transformers:
    """What PyTorch and ONNX Runtime have in common: `generate` of transformers."""

    def __init__(self, name, weights, threads):
        import torch
        import transformers

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        torch.set_grad_enabled(False)
        self.torch, self.weights, self.threads, self.is_rounded = torch, weights, threads, name.endswith("int8")
        self.versions = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}

    def prepare(self, request):
        return self.torch.tensor(source(request["batch"], request["input"]))

    def generate(self, ids, request):
        out = self.model.generate(
            input_ids=ids, attention_mask=self.torch.ones_like(ids), do_sample=False, num_beams=request["beams"],
            min_new_tokens=request["new"], max_new_tokens=request["new"], min_length=0, no_repeat_ngram_size=request["ban"],
            encoder_no_repeat_ngram_size=request["ban"], length_penalty=request["length_penalty"], forced_eos_token_id=None,
        )  # fmt: skip
        return out.shape[0] * (out.shape[1] - 1)


class PyTorch(Transformers):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        # Imported here, because `load` is timed.
        from transformers import BartForConditionalGeneration, BlenderbotForConditionalGeneration, T5ForConditionalGeneration

        self.classes = {"t5": T5ForConditionalGeneration, "bart": BartForConditionalGeneration, "blenderbot": BlenderbotForConditionalGeneration}

    def load(self):
        kind = json.load(open(f"{self.weights}/config.json"))["model_type"]
        self.model = self.classes[kind].from_pretrained(self.weights, dtype=self.torch.float32).eval()
        if self.is_rounded:
            self.model = self.torch.ao.quantization.quantize_dynamic(self.model, {self.torch.nn.Linear}, dtype=self.torch.qint8)
        return self.versions


class OnnxRuntime(Transformers):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        import onnxruntime
        from optimum.onnxruntime import ORTModelForSeq2SeqLM

        self.library, self.model_class = onnxruntime, ORTModelForSeq2SeqLM

    def load(self):
        options = self.library.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        self.model = self.model_class.from_pretrained(
            self.weights, session_options=options, provider="CPUExecutionProvider", use_merged=False, use_cache=True
        )
        return {"onnxruntime": self.library.__version__, **self.versions}


def main():
    name, weights, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(answer):
        print(json.dumps(answer), file=out, flush=True)

    engine = {"ctranslate2": CTranslate2, "pytorch": PyTorch, "onnxruntime": OnnxRuntime}[name.split("-")[0]](name, weights, threads)
    say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        start = time.perf_counter()
        if "load" in request:
            versions = engine.load()
            say({"load_s": time.perf_counter() - start, "versions": versions})
        else:
            prepared = engine.prepare(request)
            start = time.perf_counter()
            tokens = engine.generate(prepared, request)
            say({"seconds": time.perf_counter() - start, "tokens": tokens})


if __name__ == "__main__":
    main()
