#!/usr/bin/env python3
"""The forward pass of a GPT-2 checkpoint in PyTorch, for benches/forward.rs.

    forward.py FOLDER TEXTS TOKENS RUNS

Prints the seconds of each run over TEXTS texts of TOKENS tokens, all hidden states returned.
Needs torch and transformers.
"""
import sys
import time

import torch
from transformers import GPT2Model

folder, texts, tokens, runs = sys.argv[1], *map(int, sys.argv[2:5])
model = GPT2Model.from_pretrained(folder, dtype=torch.float32).eval()
ids = torch.arange(texts * tokens).reshape(texts, tokens) * 7919 % model.config.vocab_size
with torch.inference_mode():
    model(ids[:2], output_hidden_states=True)
    for _ in range(runs):
        start = time.perf_counter()
        model(ids, output_hidden_states=True)
        print(time.perf_counter() - start, flush=True)
