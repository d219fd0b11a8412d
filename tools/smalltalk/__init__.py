"""How Papo's built-in small-talk model is made: seed, corpora, tokenizer, training, and a chat with the result.

Start at `tools/train_smalltalk.py`, which runs the steps in order; read `seed.txt` for what the model should say.
"""
