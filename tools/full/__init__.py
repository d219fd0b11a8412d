"""Checkpoints of the four true shapes. Start reading at `shapes.py`."""
