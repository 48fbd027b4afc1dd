#!/usr/bin/env python3
"""The forward pass of a checkpoint in PyTorch, for benches/forward.rs.

    forward.py FOLDER THREADS

Reads texts as a line of JSON, lists of ids. Texts of several lengths are run in each way that a person may
take: all padded to the longest, those of like length together, each by itself. Prints the fastest way; then,
for each further line that comes, the seconds of a run that way, all hidden states returned.
Needs torch and transformers.
"""
import json
import sys
import time

import torch
from transformers import AutoModel

torch.set_num_threads(int(sys.argv[2]))
model = AutoModel.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
if hasattr(model, "pooler"):
    model.pooler = None
model.config.use_cache = False
texts = [torch.tensor(ids) for ids in json.loads(sys.stdin.readline())]


def batch(some):
    ids = torch.nn.utils.rnn.pad_sequence(some, batch_first=True)
    lengths = torch.tensor([len(text) for text in some])
    seen = torch.arange(ids.shape[1])[None] < lengths[:, None]
    return {"input_ids": ids} if seen.all() else {"input_ids": ids, "attention_mask": seen.long()}


by_length = sorted(texts, key=len)
ways = {
    "all padded to the longest": [batch(texts)],
    "quarters of like length": [batch(by_length[i : i + 25]) for i in range(0, len(texts), 25)],
    "tenths of like length": [batch(by_length[i : i + 10]) for i in range(0, len(texts), 10)],
    "one by one": [batch([text]) for text in texts],
}
if len(texts) == 1:
    ways = {"one text": [batch(texts)]}


def seconds(batches):
    start = time.perf_counter()
    for inputs in batches:
        model(**inputs, output_hidden_states=True)
    return time.perf_counter() - start


with torch.inference_mode():
    model(**ways[next(iter(ways))][0])
    taken = {way: min(seconds(batches) for _ in range(2)) for way, batches in ways.items()}
    best = min(taken, key=taken.get)
    print(best, flush=True)
    for _ in sys.stdin:
        print(seconds(ways[best]), flush=True)
