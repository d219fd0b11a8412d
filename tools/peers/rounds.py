"""The measurements: a round asks every engine once for every model and workload, one after the other, in an order that turns.

Rounds are outermost, so that whatever the machine does over time falls on all engines alike. For each model the engines' processes
are started together, loaded one by one, and kept until the model is done; only the one that is asked works. Each measurement is a line of
`records.jsonl`; a run that was broken off goes on where it ended. Read next: `engines.py`, `summaries.py`.
"""

import datetime
import hashlib
import json
import subprocess
import sys
import time

from . import machine, quiet, summaries
from .catalogue import ENGINES, SECONDS, WORKLOADS
from .engines import Failed, Papo, Rival

# Of the engines' time in the first round, what is left in a later one, where no records say it better: the slow are left out then.
LATER = 0.6
# Bytes that are read after each measurement, more than any cache holds.
MEMORY_PROBE = 300_000_000


def turned(items, by):
    """The same items, beginning with another one."""
    items = list(items)
    return items[by % len(items) :] + items[: by % len(items)] if items else items


def read(path):
    """All records; a last line that was cut short by a crash is left out."""
    records = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            print(f"{path.name}: a line is damaged and left out", file=sys.stderr)
    return records


class Run:
    def __init__(self, folder, binary, options):
        self.folder, self.binary, self.options = folder, binary, options
        self.path = folder / "records.jsonl"
        if options.fresh and self.path.exists():
            self.path.rename(folder / f"records-{datetime.datetime.now():%Y-%m-%d-%H%M%S}.jsonl")
        self.records = read(self.path)
        self.failures = []
        self.kept = set()
        (folder / "logs").mkdir(exist_ok=True)

    def append(self, **record):
        with open(self.path, "a") as file:
            file.write(json.dumps(record) + "\n")
        self.records.append(record)

    def begin(self):
        """Notes who measures and on what; records of another Papo or another number of threads are not gone on with."""
        needed = [self.folder / "candle/target/release/bandwidth", *(self.folder / "models" / model for model in self.options.models)]
        missing = [path for path in needed if not path.exists()]
        if missing:
            sys.exit(f"{missing[0]} is missing: `build` makes it")
        papo = hashlib.sha256(open(self.binary, "rb").read()).hexdigest()[:16]
        before = next((r for r in self.records if r["kind"] == "session"), None)
        if before and (before["papo_sha256"], before["threads"]) != (papo, self.options.threads):
            sys.exit(f"{self.path} was measured with another Papo or other threads; give --fresh to set it aside and begin anew")
        date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        self.append(
            kind="session", date=date, papo_sha256=papo, threads=self.options.threads, keep=self.options.keep, rounds=self.options.rounds,
            machine=machine.describe(),
        )  # fmt: skip

    def wanted(self, number, model):
        """workload → engines still to be measured in a round."""
        done = {(r["workload"], r["engine"]) for r in self.records if r["kind"] == "speed" and (r["round"], r["model"]) == (number, model)}
        earlier = summaries.by_cell([r for r in self.records if r["kind"] == "speed" and r["round"] < number])
        wanted = {}
        for name in self.options.workloads:
            slow = summaries.left_behind(earlier, model, name, self.options.keep)
            names = [e for e in self.options.engines if ENGINES[e].can(model, WORKLOADS[name]) and e not in slow and (name, e) not in done]
            if names:
                wanted[name] = turned(names, number - 1 + list(WORKLOADS).index(name))
        return wanted

    def expected(self, number, model, wanted):
        """Seconds that measuring all of `wanted` will take."""
        walls = {(r["workload"], r["engine"]): r["wall_s"] for r in self.records if r["kind"] == "speed" and r["model"] == model}
        engines = {e for names in wanted.values() for e in names}
        seconds = SECONDS[model]["start"] * len(engines) / len(ENGINES)
        for workload, names in wanted.items():
            able = sum(engine.can(model, WORKLOADS[workload]) for engine in ENGINES.values())
            guess = SECONDS[model].get(workload, 0) / max(able, 1) * (1 if number == 1 else LATER)
            seconds += sum(walls.get((workload, e), guess) for e in names)
        return seconds

    def left(self, after=(0, "")):
        """Seconds of all blocks behind (round, model)."""
        blocks = [(n, m) for n in range(1, self.options.rounds + 1) for m in self.options.models]
        start = blocks.index(after) + 1 if after in blocks else 0
        return sum(self.expected(n, m, self.wanted(n, m)) for n, m in blocks[start:])

    def say(self, text):
        print(f"{datetime.datetime.now():%H:%M:%S} {text}", flush=True)

    def fail(self, what, error):
        self.failures.append(f"{what}: {error}")
        self.say(f"FAILED {self.failures[-1]}")

    def started(self, number, model, names):
        """engine → its process, loaded. All are started at once, for most of a start is imports, and each is loaded while the rest are still."""
        sources = {name: ENGINES[name] for name in names}
        processes = {name: Rival(engine, model, self.folder, self.options.threads) for name, engine in sources.items() if not engine.is_papo}
        loaded = {}
        try:
            for name, process in list(processes.items()):
                try:
                    process.await_ready()
                except Failed as error:
                    self.fail(f"{model} {name}", error)
                    processes.pop(name).close()
            for name in turned(names, number):
                try:
                    if ENGINES[name].is_papo:
                        dtype = name.removeprefix("papo-")
                        loaded[name] = Papo(self.binary, dtype, model, self.folder, self.options.threads)
                        if (model, name) not in self.kept:
                            loaded[name].load()
                            self.kept.add((model, name))
                    elif name in processes:
                        quiet.wait(self.options.wait)
                        processes[name].load()
                        loaded[name] = processes[name]
                except Failed as error:
                    loaded.pop(name, None)
                    self.fail(f"{model} {name}", error)
                    if name in processes:
                        processes.pop(name).close()
        except BaseException:
            for process in processes.values():
                process.close()
            raise
        return loaded

    def calm(self, measure):
        """The first undisturbed of `tries` measurements, or the last: (what `measure` gives, cores that others used, memory's GB/s right after it)."""
        usual = summaries.usual_memory(self.records)
        for _ in range(self.options.tries):
            quiet.wait(self.options.wait)
            measured, others_cores = measure()
            memory_gb_s = self.memory(MEMORY_PROBE)
            if others_cores <= summaries.DISTURBED and not summaries.is_unusual(memory_gb_s, usual):
                break
        return measured, others_cores, memory_gb_s

    def block(self, number, model):
        """One model in one round."""
        wanted = self.wanted(number, model)
        if wanted:
            self.cells(number, model, wanted)
        self.bandwidth(number, model)

    def cells(self, number, model, wanted):
        """All of `wanted`, by processes that are started for it."""
        names = [name for name in ENGINES if any(name in engines for engines in wanted.values())]
        later = self.left((number, model))
        self.say(f"round {number}/{self.options.rounds} {model}: starting and loading {len(names)} engines")
        engines = self.started(number, model, names)
        try:
            for workload in list(wanted):
                for name in list(wanted[workload]):
                    if name in engines:
                        self.cell(number, model, WORKLOADS[workload], name, engines, wanted, later)
        finally:
            for engine in engines.values():
                engine.close()

    def cell(self, number, model, workload, name, engines, wanted, later):
        """One measurement, its record, and its line of progress."""
        start = time.perf_counter()

        def asked():
            measured = engines[name].measure(model, workload)
            return measured, measured.others_cores

        try:
            measured, others_cores, memory_gb_s = self.calm(asked)
        except Failed as error:
            self.fail(f"{model} {workload.name} {name}", error)
            engines.pop(name).close()
            return
        finally:
            wanted[workload.name].remove(name)
        rate = measured.tokens / measured.seconds
        self.append(
            kind="speed", round=number, model=model, workload=workload.name, engine=name, tokens=measured.tokens,
            seconds=round(measured.seconds, 5), tokens_per_s=round(rate, 3), first_token_s=round(measured.first_token_s, 5),
            load_s=round(measured.load_s, 4), peak_rss_bytes=measured.peak_rss_bytes, others_cores=round(others_cores, 3), memory_gb_s=memory_gb_s,
            weight_bytes_per_step=measured.weight_bytes_per_step,
            weight_bytes=engines[name].weight_bytes() if ENGINES[name].is_papo else None,
            versions=measured.versions, date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            wall_s=round(time.perf_counter() - start, 2),
        )  # fmt: skip
        minutes = (later + self.expected(number, model, wanted) - SECONDS[model]["start"]) / 60
        self.say(
            f"round {number}/{self.options.rounds} {model} {workload.name} {name}: {rate:.1f} tokens/s, first token "
            f"{1e3 * measured.first_token_s:.0f} ms, others {others_cores:.2f} cores, memory {memory_gb_s:.0f} GB/s; about {max(0, minutes):.0f} min left"
        )

    def bandwidth(self, number, model):
        """How fast memory is read at just the sizes that Papo's steps read."""
        steps = {r["engine"]: r["weight_bytes_per_step"] for r in self.records if r["kind"] == "speed" and r["model"] == model and r["weight_bytes_per_step"]}
        done = {r["engine"] for r in self.records if r["kind"] == "bandwidth" and (r["round"], r["model"]) == (number, model)}
        for name, size in steps.items():
            if name in done:
                continue
            gb_s, others, memory_gb_s = self.calm(lambda size=size: quiet.watched(lambda: self.memory(size), quiet.used_by_finished))
            self.append(
                kind="bandwidth", round=number, model=model, engine=name, others_cores=round(others, 3), memory_gb_s=memory_gb_s, bytes=size, gb_s=gb_s
            )  # fmt: skip

    def memory(self, size):
        """GB/s at which a block of `size` bytes is read."""
        command = map(str, [self.folder / "candle/target/release/bandwidth", self.options.threads, size])
        printed = subprocess.run(list(command), capture_output=True, text=True, check=True).stdout
        return json.loads(printed)["gb_s"]

    def all(self):
        self.begin()
        start = time.perf_counter()
        self.say(f"about {self.left() / 60:.0f} minutes on a quiet machine; it may be broken off and taken up again")
        for number in range(1, self.options.rounds + 1):
            for model in self.options.models:
                self.block(number, model)
        self.say(f"done in {(time.perf_counter() - start) / 60:.1f} minutes; records: {self.path}")
        for failure in self.failures:
            print(f"failed: {failure}", file=sys.stderr)
        return 1 if self.failures else 0
