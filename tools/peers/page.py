"""docs/benchmarks.md from the records. Nothing in the page is typed by hand, so nothing in it is chosen. Read next: `summaries.py`."""

from .catalogue import ENGINES, MODELS, TITLES, WORKLOADS, is_blenderbot
from .engines import ENOUGH
from .rounds import read
from .summaries import AGAINST, DISTURBED, UNUSUAL, bar, by_cell, first_to_speak, is_unusual, limits, ratio, usual_memory

NONE = "–"
RATIOS = {"papo-f32": "Papo f32 against the fastest f32", "papo-int8": "Papo int8 against the fastest of all"}
INT4_BAR, BEAMS_BAR, LOAD_BAR_S, MEMORY_FACTOR, MEMORY_ROOM = 1.4, 1.5, 0.5, 1.2, 100e6


def table(head, rows):
    if not rows:
        return "Not measured.\n"
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def number(value):
    """Three figures or so."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def verdict(is_met):
    return "met" if is_met else "**not met**"


def rate(summary):
    """Median (slowest–fastest), marked where others disturbed it."""
    if summary is None:
        return NONE
    span = f" ({number(summary.low)}–{number(summary.high)})" if summary.used > 1 else ""
    return f"{number(summary.median)}{span}{' *' if summary.is_disturbed else ''}"


class Page:
    def __init__(self, records):
        self.records = records
        self.speeds = [r for r in records if r["kind"] == "speed"]
        self.cells = by_cell(records)
        self.limits = limits(records)
        self.models = [m for m in MODELS if any(r["model"] == m for r in self.speeds)]
        self.verdicts = []

    def workload_models(self, workload):
        return [m for m in self.models if any((m, workload, e) in self.cells for e in ENGINES)]

    def of_limit(self, model, workload, engine, speed):
        """Which part of what memory allows a speed is, or None for batches: there memory is not the limit."""
        limit = self.limits.get((model, engine))
        return speed / limit[2] if limit and WORKLOADS[workload].batch == 1 else None

    def judged(self, is_met):
        self.verdicts.append(is_met)
        return verdict(is_met)

    def session(self):
        sessions = [r for r in self.records if r["kind"] == "session"]
        first, last = sessions[0], sessions[-1]
        machine = first["machine"]
        versions = {name: version for r in self.speeds for name, version in r["versions"].items() if name != "transformers"}
        by_driver = {("ONNX Runtime" if "onnxruntime" in r["versions"] else "PyTorch"): r["versions"]["transformers"] for r in self.speeds if "transformers" in r["versions"]}
        said = [f"{name} {version}" for name, version in sorted(versions.items())]
        said += [f"transformers {version} with {driver}" for driver, version in sorted(by_driver.items())]
        walls = sum(r["wall_s"] for r in self.speeds)
        bandwidth = [f"{number(size / 1e6)} MB: {number(gb_s)} GB/s" for size, gb_s, _ in sorted(self.limits.values())]
        dropped = sum(s.taken - s.used for s in self.cells.values())
        busy = sum(r["others_cores"] > DISTURBED for r in self.speeds)
        usual = usual_memory(self.speeds)
        unusual = sum(is_unusual(r.get("memory_gb_s"), usual) for r in self.speeds)
        marked = sum(s.is_disturbed for s in self.cells.values())
        rounds = max(r["round"] for r in self.speeds)
        lines = [
            f"* Machine: {machine['processor']}, {machine['cores']} cores ({', '.join(machine['instruction_sets'])}), last-level cache "
            f"{machine['last_level_cache'] or 'unknown'}, {machine['memory_bytes'] / 1e9:.0f} GB of memory, {machine['system']}. Every engine: {first['threads']} threads.",
            f"* Memory, read by {first['threads']} threads in blocks of these sizes: {'; '.join(bandwidth) or 'not measured'}.",
            f"* Versions: {', '.join(said)}.",
            f"* Date: {first['date']}. {len(self.speeds)} measurements in {rounds} {'rounds' if rounds > 1 else 'round'}, {walls / 60:.0f} minutes. In {busy} of them other processes used more "
            f"than {DISTURBED} cores{f'; after {unusual} memory was more than {UNUSUAL:.0%} faster or slower than its usual {usual:.0f} GB/s' if usual else ''}. {dropped} of these were dropped; "
            f"{marked} figures rest on such measurements, because too few others were left: they are marked *.",
        ]
        if rounds > 1 and last["keep"]:
            lines.append(f"* Rivals below {last['keep']:.0%} of the fastest of their kind in the first rounds were left out of the later ones: figures without a range are of one measurement.")
        command = f"python tools/bench_peers.py build FOLDER\npython tools/bench_peers.py run FOLDER PAPO --rounds {last['rounds']} --threads {first['threads']}\npython tools/bench_peers.py report FOLDER"
        return "\n".join(lines) + f"\n\n```\n{command}\n```\n"

    def workloads(self):
        rows = []
        for w in WORKLOADS.values():
            inputs = f"{w.input} (Blenderbot {min(w.input, 120)})" if w.input > 120 else w.input
            search = f"{w.beams} beams" if w.beams > 1 else "greedy"
            if w.ban:
                search += f", no {w.ban} tokens twice, none of the input's, length penalty {w.length_penalty:g}"
            rows.append([w.name, TITLES[w.name], w.batch, inputs, w.new, search])
        return table(["", "workload", "inputs", "tokens of each", "new tokens", "search"], rows)

    def workload(self, name):
        models = self.workload_models(name)
        if not models:
            return ""
        rows = []
        for engine in ENGINES.values():
            cells = [self.cells.get((m, name, engine.name)) for m in models]
            if any(cells):
                rows.append([engine.title, *map(rate, cells)])
        text = f"## {name}: {TITLES[name]}\n\nTokens/s: median (slowest–fastest).\n\n" + table(["", *models], rows)
        rows = []
        for model in models:
            for engine in AGAINST:
                found = ratio(self.cells, model, name, engine)
                if found is None:
                    continue
                goal, speed = bar(model, name, engine), self.cells[model, name, engine].median
                share = self.of_limit(model, name, engine, speed)
                is_met = goal.is_met(found[0], share)
                wanted = self.of_limit(model, name, engine, speed * goal.ratio / found[0])
                remark = f"; {goal.ratio:g}× is {wanted:.0%} of the limit" if wanted is not None and not is_met else ""
                shown = NONE if share is None else f"{share:.0%}"
                rows.append([model, RATIOS[engine], f"{found[0]:.2f}×", ENGINES[found[1]].title, shown, f"{goal}{remark}", self.judged(is_met)])
        if rows:
            text += "\n" + table(["model", "", "ratio", "fastest rival", "of the memory limit", "bar", ""], rows)
        return text

    def first_token(self):
        rows = []
        for model in self.models:
            for name in WORKLOADS:
                for engine, kinds in AGAINST.items():
                    ours, best = self.cells.get((model, name, engine)), first_to_speak(self.cells, model, name, kinds)
                    if ours and best:
                        theirs = best[1].first_token_s
                        no_later = ours.first_token_s <= theirs
                        rows.append(
                            [model, name, ENGINES[engine].title, number(1e3 * ours.first_token_s), ENGINES[best[0]].title, number(1e3 * theirs), self.judged(no_later)]
                        )
        return table(["model", "workload", "", "ms", "earliest rival", "ms", "no later"], rows)

    def loading(self):
        rows = []
        weights = {(r["model"], r["engine"]): r["weight_bytes"] for r in self.speeds if r["weight_bytes"]}
        for model in self.models:
            for engine in ENGINES.values():
                summary = self.cells.get((model, "W1", engine.name))
                if summary is None:
                    continue
                size, allowed, remark = weights.get((model, engine.name)), NONE, []
                if size:
                    most = MEMORY_FACTOR * size + MEMORY_ROOM
                    allowed = f"{most / 1e6:.0f}"
                    remark.append(f"memory {self.judged(summary.peak_rss_bytes <= most)}")
                if is_blenderbot(model) and engine.name == "papo-int8":
                    remark.append(f"load under {LOAD_BAR_S} s {self.judged(summary.load_s < LOAD_BAR_S)}")
                rows.append([model, engine.title, number(summary.load_s), f"{summary.peak_rss_bytes / 1e6:.0f}", allowed, ", ".join(remark) or NONE])
        return table(["model", "", "load, s", "peak memory, MB", "bar, MB", ""], rows)

    def memory(self):
        rows = []
        for (model, engine), (size, gb_s, steps) in self.limits.items():
            summary = self.cells.get((model, "W1", engine))
            if summary:
                rows.append(
                    [model, ENGINES[engine].title, number(size / 1e6), number(gb_s), number(steps), number(summary.median), f"{summary.median / steps:.0%}", f"{summary.after_first / steps:.0%}"]
                )
        return table(["model", "", "MB a step", "GB/s", "limit, tokens/s", "reached", "share", "after the first token"], rows)

    def int4(self):
        rows = []
        for model in self.models:
            for name in WORKLOADS:
                four, eight = self.cells.get((model, name, "papo-int4")), self.cells.get((model, name, "papo-int8"))
                if four and eight:
                    ratio = four.median / eight.median
                    has_bar = name == "W1" and model in ("flan-t5-base", "blenderbot-400M")
                    rows.append([model, name, f"{ratio:.2f}×", f"{INT4_BAR}×" if has_bar else NONE, self.judged(ratio >= INT4_BAR) if has_bar else NONE])
        return table(["model", "workload", "int4 against int8", "bar", ""], rows)

    def beams(self):
        rows = []
        for model in self.models:
            for engine in (e for e in ENGINES.values() if e.is_papo):
                one, four = self.cells.get((model, "W6", engine.name)), self.cells.get((model, "W3", engine.name))
                if one and four:
                    cost, has_bar = one.median / four.median, engine.name == "papo-int8"
                    rows.append([model, engine.title, number(one.median), number(four.median), f"{cost:.2f}×", f"{BEAMS_BAR}×" if has_bar else NONE, self.judged(cost <= BEAMS_BAR) if has_bar else NONE])
        return table(["model", "", "greedy, tokens/s", "4 beams, tokens/s", "cost", "bar", ""], rows)

    def written(self):
        parts = [self.workload(name) for name in WORKLOADS]
        parts += [
            "## First token\n\nFrom the call to the first token, reading the input included: Papo f32 beside the rivals' f32, Papo int8 beside all rivals.\n\n" + self.first_token(),
            "## Load and memory\n\nLoad: from the checkpoint to ready, the file in the system's cache, imports not counted; Papo's int8 and int4 are read from what was "
            "rounded and kept before. Peak memory: of the process after loading and W1, its libraries included. Bar for Papo: "
            f"{MEMORY_FACTOR} times the weights and {MEMORY_ROOM / 1e6:.0f} MB.\n\n" + self.loading(),
            "## The limit of memory\n\nAt every step each weight of the decoder and the head is read once. Bytes of a step by the speed at which a block of that size is read give the "
            "most steps a second; keys and values are not counted, nor is reading the input, which is part of every figure of tokens/s. W1, greedy.\n\n" + self.memory(),
            "## Four bits against eight\n\n" + self.int4(),
            "## What four beams cost\n\nPapo, one input of 128 tokens (Blenderbot 120): time for a token of the answer with four beams (W3) by that without (W6).\n\n" + self.beams(),
        ]
        papo = sorted({r["versions"]["papo"] for r in self.speeds if "papo" in r["versions"]})
        missed = len(self.verdicts) - sum(self.verdicts)
        head = [
            f"# Papo {', '.join(papo)} and its rivals\n\nAll engines on one machine, in turns. `tools/bench_peers.py` makes this page from its records; nothing in it is typed by hand.\n",
            f"**{sum(self.verdicts)} of {len(self.verdicts)} bars are met, {missed} are not.** The bars were set before the measurements; each stands beside its figure.\n",
            self.session(),
            "## What was measured\n\nRandom weights in true shapes: speed does not depend on them. The end token is suppressed, so every engine makes the same number of tokens. "
            f"A round measures each engine once, in an order that turns; each measurement follows a short warm-up, once the machine is quiet, and is the median of as many answers as take {ENOUGH:g} seconds together. "
            "Tokens/s: tokens of the returned answers by the time of the "
            "whole call. PyTorch and ONNX Runtime are driven by `generate` of transformers. CTranslate2 has no Blenderbot, so `tools/peers/convert.py` brings it one; it cannot ban "
            "n-grams of the input, so at W5 it does a little less. candle has T5 only, without beams.\n\n" + self.workloads(),
        ]
        return "\n".join([*head, *filter(None, parts)])


def write(path, out):
    records = read(path)
    if not any(r["kind"] == "speed" for r in records):
        raise SystemExit(f"{path} holds no measurements; `run` makes them")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(Page(records).written())
    print(out)
