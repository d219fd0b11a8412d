"""What records come to: medians, what is dropped, ratios, bars. Pure; `test_summaries.py` tests it, `page.py` writes it down."""

import statistics
from dataclasses import dataclass

from .catalogue import ENGINES, WORKLOADS

# Cores that others may use during a measurement before it counts as disturbed.
DISTURBED = 0.15
# How far memory's speed right after a measurement may be from what it is usually, as a share: a host that moves a virtual machine's processors
# to other chips, or lets others at the memory, changes it by half or doubles it for a while, and one engine would have the good of it.
UNUSUAL = 0.2


@dataclass(frozen=True)
class Summary:
    """One engine on one workload of one model. `median`, `low`, `high`: tokens/s; `used` of `taken` measurements are in them."""

    median: float
    low: float
    high: float
    first_token_s: float
    after_first: float
    load_s: float
    peak_rss_bytes: int
    used: int
    taken: int
    is_disturbed: bool


def usual_memory(records):
    """GB/s that memory was usually read at beside the measurements, or None where that was not measured."""
    rates = [r["memory_gb_s"] for r in records if r["kind"] == "speed" and r.get("memory_gb_s")]
    return statistics.median(rates) if rates else None


def is_unusual(memory_gb_s, usual):
    return bool(usual and memory_gb_s) and abs(memory_gb_s / usual - 1) > UNUSUAL


def undisturbed(records, usual=None):
    """The measurements to use: those that nothing disturbed, if that leaves at least half of them; else all. And whether it is the latter."""
    calm = [r for r in records if r["others_cores"] <= DISTURBED and not is_unusual(r.get("memory_gb_s"), usual)]
    if 2 * len(calm) >= len(records):
        return calm, False
    return records, True


def rate_after_first(record):
    """Tokens/s after the first token: what decoding alone reaches."""
    seconds = record["seconds"] - record["first_token_s"]
    return (record["tokens"] - WORKLOADS[record["workload"]].batch) / seconds if seconds > 0 else float("nan")


def summarise(records, usual=None):
    used, is_disturbed = undisturbed(records, usual)
    rates = [r["tokens_per_s"] for r in used]

    def middle(name):
        return statistics.median(r[name] for r in used)

    return Summary(
        statistics.median(rates), min(rates), max(rates), middle("first_token_s"), statistics.median(map(rate_after_first, used)),
        middle("load_s"), max(r["peak_rss_bytes"] for r in used), len(used), len(records), is_disturbed,
    )  # fmt: skip


def by_cell(records):
    """(model, workload, engine) → Summary."""
    cells = {}
    for record in records:
        if record["kind"] == "speed":
            cells.setdefault((record["model"], record["workload"], record["engine"]), []).append(record)
    usual = usual_memory(records)
    return {cell: summarise(group, usual) for cell, group in cells.items()}


def rivals(cells, model, workload, kinds):
    """engine → Summary, of the rivals of these kinds."""
    return {
        engine: summary
        for (m, w, engine), summary in cells.items()
        if (m, w) == (model, workload) and not ENGINES[engine].is_papo and ENGINES[engine].kind in kinds
    }


def fastest(cells, model, workload, kinds):
    """(engine, Summary) of the fastest rival of these kinds, or None."""
    return max(rivals(cells, model, workload, kinds).items(), key=lambda item: item[1].median, default=None)


def first_to_speak(cells, model, workload, kinds):
    """(engine, Summary) of the rival with the earliest first token, or None."""
    return min(rivals(cells, model, workload, kinds).items(), key=lambda item: item[1].first_token_s, default=None)


def left_behind(cells, model, workload, share):
    """Rivals slower than `share` of the fastest of their kind: not the ones to beat."""
    slow = set()
    for kind in ("f32", "8-bit"):
        best = fastest(cells, model, workload, (kind,))
        if best:
            slow |= {name for name, summary in rivals(cells, model, workload, (kind,)).items() if summary.median < share * best[1].median}
    return slow


# What Papo is compared with: f32 with the rivals' f32, int8 with whatever rival is fastest, f32 included.
AGAINST = {"papo-f32": ("f32",), "papo-int8": ("f32", "8-bit")}


def ratio(cells, model, workload, engine):
    """(Papo's tokens/s by the fastest rival's, that rival), or None where one of them was not measured."""
    ours, best = cells.get((model, workload, engine)), fastest(cells, model, workload, AGAINST[engine])
    return (ours.median / best[1].median, best[0]) if ours and best else None


@dataclass(frozen=True)
class Bar:
    """`ratio` against the fastest rival. `or_limit` does instead, `and_limit` must be reached too: shares of what memory allows."""

    ratio: float
    or_limit: float | None = None
    and_limit: float | None = None

    def is_met(self, ratio, share):
        if self.or_limit is not None and share is not None and share >= self.or_limit:
            return True
        if self.and_limit is not None and (share is None or share < self.and_limit):
            return False
        return ratio >= self.ratio

    def __str__(self):
        text = f"{self.ratio:g}×"
        if self.or_limit is not None:
            text += f", or {self.or_limit:.0%} of the limit"
        if self.and_limit is not None:
            text += f" and {self.and_limit:.0%} of the limit"
        return text


def bar(model, workload, engine):
    """The bar that was set for a workload before it was measured."""
    if engine == "papo-f32":
        if workload == "W1":
            return Bar(1.15, or_limit=0.85)
        return Bar({"W2": 1.3, "W3": 1.5, "W4": 1.6, "W5": 2.0}[workload])
    if workload == "W1":
        return Bar(3.0) if model in ("flan-t5-small", "bart-base") else Bar(2.0, and_limit=0.75)
    return Bar({"W2": 2.0, "W3": 4.0, "W4": 2.5, "W5": 3.0}[workload])


def limits(records):
    """(model, Papo's engine) → (bytes of weights that a step reads, GB/s at that size, steps/s that memory allows)."""
    groups, usual = {}, usual_memory(records)
    for record in records:
        if record["kind"] == "bandwidth":
            groups.setdefault((record["model"], record["engine"]), []).append(record)
    limits = {}
    for cell, group in groups.items():
        gb_s = statistics.median(r["gb_s"] for r in undisturbed(group, usual)[0])
        limits[cell] = (group[0]["bytes"], gb_s, gb_s * 1e9 / group[0]["bytes"])
    return limits
