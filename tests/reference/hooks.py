#!/usr/bin/env python3
"""Activations and attention of two checkpoints of this folder, as transformers' modules have them.

    python hooks.py            # writes hooks.json

An activation is what the output module of the feed-forward part is given; attention is what eager
attention returns. Needs: torch, transformers, safetensors.
"""
import json
import os

import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = {
    "gpt2-safetensors": (AutoModelForCausalLM, "transformer.h.{}.mlp.c_proj"),
    "bert-safetensors": (AutoModelForMaskedLM, "bert.encoder.layer.{}.output.dense"),
}
# Of the texts of the answers, the third; heads and neurons of each layer.
TEXT, HEADS, NEURONS = 2, [0, -1], [0, 5, -1]
# Positions whose attention is kept.
QUERIES = [10, 30]


def main():
    torch.set_grad_enabled(False)
    found = {}
    for name, (auto, path) in MODELS.items():
        model = auto.from_pretrained(os.path.join(HERE, name), dtype=torch.float32, attn_implementation="eager").eval()
        with open(os.path.join(HERE, name + ".json"), encoding="utf-8") as f:
            ids = json.load(f)["geometry"]["per_text"][TEXT]["ids"]
        layers = model.config.num_hidden_layers
        given = {}
        for layer in range(layers):
            module = model.get_submodule(path.format(layer))
            module.register_forward_pre_hook(lambda _, args, layer=layer: given.update({layer: args[0]}))
        attention = model(torch.tensor([ids]), output_attentions=True).attentions
        rounded = lambda x: [round(float(v), 5) for v in x.flatten()]
        found[name] = {
            "text": TEXT,
            "layers": [{"activations": {str(n % given[l].shape[-1]): rounded(given[l].reshape(len(ids), -1)[:, n])
                                        for n in NEURONS},
                        "attention": {str(h % attention[l].shape[1]): {str(q): rounded(attention[l][0, h, q]) for q in QUERIES}
                                      for h in HEADS}}
                       for l in range(layers)],
        }
    with open(os.path.join(HERE, "hooks.json"), "w", encoding="utf-8") as f:
        json.dump(found, f)
        f.write("\n")


if __name__ == "__main__":
    main()
