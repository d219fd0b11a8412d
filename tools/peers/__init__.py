"""Papo beside its rivals on one machine. Start reading at `catalogue.py`; `../bench_peers.py` is the command."""
