#!/usr/bin/env python3
"""The grid of a text in PyTorch, for benches/prompt.rs: every state through the final norm and the head.

    prompt.py FOLDER TOKENS RUNS

Prints the seconds of each run: eager, f32, best word, probability and entropy of every state and position.
Needs torch and transformers.
"""
import sys
import time

import torch
from transformers import AutoModelForCausalLM

folder, tokens, runs = sys.argv[1], *map(int, sys.argv[2:4])
torch.set_num_threads(2)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
base = model.base_model
norm = next(getattr(base, n) for n in ("norm", "ln_f", "final_layer_norm") if hasattr(base, n))
head = model.get_output_embeddings()
ids = torch.arange(tokens)[None] * 7919 % model.config.vocab_size
seen = []
layers = getattr(base, "h", None) or base.layers
for layer in layers:
    layer.register_forward_hook(lambda _, args, out: seen.append(out[0] if isinstance(out, tuple) else out))
layers[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))


def grid():
    seen.clear()
    base(ids)
    for state in seen:
        logits = head(norm(state))
        share = logits.log_softmax(-1)
        share.max(-1), -(share.exp() * share).sum(-1)


with torch.inference_mode():
    grid()
    for _ in range(runs):
        start = time.perf_counter()
        grid()
        print(time.perf_counter() - start, flush=True)
