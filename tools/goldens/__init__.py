"""Makes the tiny checkpoints and the goldens under `fixtures/`. Start reading at `catalogue.py`."""
