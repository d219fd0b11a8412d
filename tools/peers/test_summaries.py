"""`python -m unittest discover -s tools -t tools -p 'test_*.py'`: needs Python alone, no rival."""

import unittest

from peers import summaries
from peers.catalogue import ENGINES, MODELS, WORKLOADS


def record(engine, rate, others=0.0, workload="W1", model="bart-base", first=0.01):
    tokens = WORKLOADS[workload].batch * WORKLOADS[workload].new
    return {
        "kind": "speed", "model": model, "workload": workload, "engine": engine, "tokens": tokens, "seconds": tokens / rate,
        "tokens_per_s": rate, "first_token_s": first, "load_s": 1.0, "peak_rss_bytes": 100, "others_cores": others,
    }  # fmt: skip


def bandwidths(*readings):
    """Readings of memory at one size, each with that of the probe beside it."""
    return [
        {"kind": "bandwidth", "model": "bart-base", "engine": "papo-f32", "bytes": 2_000_000_000, "gb_s": rate, "others_cores": 0.0, "memory_gb_s": probe}
        for rate, probe in readings
    ]


class Summaries(unittest.TestCase):
    def test_disturbed_measurements_are_dropped_where_half_remain(self):
        summary = summaries.summarise([record("papo-f32", 10.0), record("papo-f32", 12.0), record("papo-f32", 2.0, others=0.9)])
        self.assertEqual((summary.median, summary.low, summary.high), (11.0, 10.0, 12.0))
        self.assertEqual((summary.used, summary.taken, summary.is_disturbed), (2, 3, False))

    def test_disturbed_measurements_are_kept_and_marked_where_too_few_remain(self):
        summary = summaries.summarise([record("papo-f32", 10.0), record("papo-f32", 4.0, 0.9), record("papo-f32", 2.0, 0.9)])
        self.assertEqual((summary.median, summary.used, summary.taken, summary.is_disturbed), (4.0, 3, 3, True))

    def test_measurements_beside_unusual_memory_are_dropped_too(self):
        rows = [record("papo-f32", rate) | {"memory_gb_s": memory} for rate, memory in ((10.0, 30.0), (12.0, 33.0), (40.0, 61.0))]
        cell = summaries.by_cell(rows)["bart-base", "W1", "papo-f32"]
        self.assertEqual((cell.median, cell.high, cell.used, cell.is_disturbed), (11.0, 12.0, 2, False))

    def test_the_rate_after_the_first_token_leaves_its_time_and_its_tokens_out(self):
        self.assertAlmostEqual(summaries.rate_after_first(record("papo-f32", 64.0, first=0.5)), 63 / 0.5)
        self.assertAlmostEqual(summaries.rate_after_first(record("papo-f32", 1024.0, workload="W4", first=0.5)), (1024 - 16) / 0.5)

    def test_papo_is_compared_with_the_fastest_rival_of_its_kind(self):
        rates = {"pytorch-f32": 20.0, "ctranslate2-f32": 50.0, "onnxruntime-int8": 40.0, "papo-f32": 75.0, "papo-int8": 150.0, "papo-int4": 300.0}
        cells = summaries.by_cell([record(*item) for item in rates.items()])
        self.assertEqual(summaries.ratio(cells, "bart-base", "W1", "papo-f32"), (1.5, "ctranslate2-f32"))
        self.assertEqual(summaries.ratio(cells, "bart-base", "W1", "papo-int8"), (3.0, "ctranslate2-f32"), "f32 may be the fastest of all")
        self.assertIsNone(summaries.ratio(cells, "bart-base", "W2", "papo-f32"))
        self.assertEqual(summaries.left_behind(cells, "bart-base", "W1", 0.6), {"pytorch-f32"})

    def test_bars_know_the_limit_of_memory(self):
        either = summaries.Bar(1.15, or_limit=0.85)
        self.assertTrue(either.is_met(1.2, 0.5) and either.is_met(1.0, 0.9))
        self.assertFalse(either.is_met(1.1, 0.8) or either.is_met(1.1, None))
        both = summaries.Bar(2.0, and_limit=0.75)
        self.assertTrue(both.is_met(2.0, 0.75))
        self.assertFalse(both.is_met(3.0, 0.7) or both.is_met(1.9, 0.9) or both.is_met(3.0, None))

    def test_every_comparison_has_a_bar(self):
        for model in MODELS:
            for workload in WORKLOADS.values():
                if ENGINES["pytorch-f32"].can(model, workload):
                    for engine in summaries.AGAINST:
                        self.assertGreater(summaries.bar(model, workload.name, engine).ratio, 1)

    def test_the_limit_is_bandwidth_by_bytes(self):
        self.assertEqual(summaries.limits(bandwidths((20.0, None), (30.0, None), (28.0, None))), {("bart-base", "papo-f32"): (2_000_000_000, 28.0, 14.0)})

    def test_bandwidth_beside_unusual_memory_is_no_limit(self):
        rows = [record("papo-f32", 10.0) | {"memory_gb_s": 33.0}, *bandwidths((31.0, 32.0), (60.0, 61.0), (33.0, 34.0))]
        self.assertEqual(summaries.limits(rows)["bart-base", "papo-f32"], (2_000_000_000, 32.0, 16.0))


if __name__ == "__main__":
    unittest.main()
