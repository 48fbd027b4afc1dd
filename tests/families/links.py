#!/usr/bin/env python3
"""Links between neurons and heads of two layers, as whole products of PyTorch's modules.

    python links.py            # writes links.json

Norms are taken as linear maps, their scale left out: gains, and the mean where they take it out.
Weights are those of make.py, from the same seeds. Needs what make.py needs.
"""
import json
import os

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from make import ENCODERS, FAMILIES, HERE, at, randomise

NEURON, HEAD, COUNT = 3, 1, 12
# Norms before attention and feed-forward, norms of what both write; of roberta those after the sums.
NORMS = {
    "llama": ["layers.{}.input_layernorm", "layers.{}.post_attention_layernorm", None, None],
    "gemma2": ["layers.{}.input_layernorm", "layers.{}.pre_feedforward_layernorm",
               "layers.{}.post_attention_layernorm", "layers.{}.post_feedforward_layernorm"],
    "opt": ["decoder.layers.{}.self_attn_layer_norm", "decoder.layers.{}.final_layer_norm", None, None],
    "roberta": ["encoder.layer.{}.attention.output.LayerNorm", "encoder.layer.{}.output.LayerNorm", None, None],
}


def through(norm):
    """A norm as a matrix [d, d] that acts from the left."""
    gain = norm.weight.double()
    if "Gemma" in type(norm).__name__:
        gain = gain + 1
    d = len(gain)
    centred = torch.eye(d, dtype=torch.float64)
    if "RMS" not in type(norm).__name__:
        centred = centred - 1 / d
    return gain[:, None] * centred


def weight(base, path, layer):
    return at(base, path.format(layer)).weight.double()


def links(name, model, paths):
    base, config = model.base_model, model.config
    attention, inputs, output, attention_out = paths
    norms = [lambda l, p=p: through(at(base, p.format(l))) if p else torch.eye(config.hidden_size, dtype=torch.float64)
             for p in NORMS[name]]
    heads = config.num_attention_heads
    groups = getattr(config, "num_key_value_heads", None) or heads
    parts = ["query", "key", "value"] if name == "roberta" else ["q_proj", "k_proj", "v_proj"]
    q, k, v = [lambda l, p=p: at(at(base, attention.format(l)), p).weight.double() for p in parts]
    each = q(0).shape[0] // heads

    def own(matrix, head, of):
        group = head * of // heads
        return matrix[group * each:(group + 1) * each]

    def reader(layer, half, of_layer, from_half):
        """What lies between what a sublayer writes and what another one reads, [d, d]."""
        if name != "roberta":
            return norms[half](layer) @ norms[2 + from_half](of_layer)
        places = [(l, h) for l in range(2) for h in range(2)]
        places = places[places.index((of_layer, from_half)):places.index((layer, half))]
        between = torch.eye(config.hidden_size, dtype=torch.float64)
        for l, h in places:
            between = norms[h](l) @ between
        return between

    def head_parts(layer, head):
        out = weight(base, attention_out, layer)[:, head * each:(head + 1) * each]
        return own(q(layer), head, heads), own(k(layer), head, groups), own(v(layer), head, groups), out

    def writers():
        values = weight(base, output, 0)
        for i in range(values.shape[1]):
            yield "N", i, values[:, i:i + 1], 1
        for h in range(heads):
            _, _, value, out = head_parts(0, h)
            if name == "roberta":
                yield "H", h, out @ value, 0
            else:
                yield "H", h, out @ value @ norms[0](0), 0

    def rounded(address, side, strength, share):
        return [address, side, round(float(strength), 6), round(float(share), 6)]

    into_neuron, into_head, out_of_neuron = [], [], []
    key = weight(base, inputs[0], 1)[NEURON]
    hq, hk, hv, hout = head_parts(1, HEAD)
    for kind, i, written, half in writers():
        address = f"L0.{kind}{i}"
        between = reader(1, 1, 0, half)
        row = key @ between @ written
        strength = row[0] if kind == "N" else row.norm()
        # The length of the writer is that of what arrives, of the reader that of what it asks for.
        if name == "roberta":
            lengths = (between @ written).norm() * key.norm()
        else:
            lengths = (norms[2 + half](0) @ written).norm() * (key @ norms[1](1)).norm()
        into_neuron.append(rounded(address, "key", strength, strength / lengths))
        between = reader(1, 0, 0, half)
        arrived = between @ written if name == "roberta" else norms[2 + half](0) @ written
        before = torch.eye(config.hidden_size, dtype=torch.float64) if name == "roberta" else norms[0](1)
        for side, own_side, form in [("Q", hq, hk.T @ hq @ before), ("K", hk, hq.T @ hk @ before), ("V", hv, None)]:
            if kind == "N":
                strength = (own_side @ before @ arrived).norm()
                share = strength / ((own_side @ before).norm() * arrived.norm())
            elif side == "V":
                whole = norms[2](1) @ hout @ hv @ before
                strength = (whole @ arrived).norm()
                share = strength / (whole.norm() * arrived.norm())
            else:
                whole = before.T @ form
                strength = (whole @ arrived).norm()
                share = strength / (whole.norm() * arrived.norm())
            into_head.append(rounded(address, side, strength, share))
    value = weight(base, output, 0)[:, NEURON]
    for side, path in zip(["key", "up"], inputs):
        between = reader(1, 1, 0, 1)
        for j, row in enumerate(weight(base, path, 1)):
            strength = row @ between @ value
            if name == "roberta":
                lengths = (between @ value).norm() * row.norm()
            else:
                lengths = (norms[3](0) @ value).norm() * (row @ norms[1](1)).norm()
            out_of_neuron.append(rounded(f"L1.N{j}", side, strength, strength / lengths))
    neurons = [x for x in into_neuron if ".N" in x[0]]
    by_size = lambda x: -abs(x[2])
    by_share = lambda x: -x[3]
    return {
        "L1.N3": {"neurons": sorted(neurons, key=by_size)[:COUNT],
                  "heads": sorted([x for x in into_neuron if ".H" in x[0]], key=by_share)[:COUNT]},
        "L1.H1": {"neurons": sorted([x for x in into_head if ".N" in x[0]], key=by_share)[:COUNT],
                  "heads": sorted([x for x in into_head if ".H" in x[0]], key=by_share)[:COUNT]},
        "L0.N3": {"neurons": sorted(out_of_neuron, key=by_size)[:COUNT]},
    }


def main():
    torch.set_grad_enabled(False)
    found = {}
    for seed, (name, (kind, config, paths)) in enumerate(FAMILIES.items()):
        if name in NORMS:
            auto = AutoModelForMaskedLM if name in ENCODERS else AutoModelForCausalLM
            model = auto.from_config(AutoConfig.for_model(kind, **config)).eval().float()
            randomise(model, seed)
            found[name] = links(name, model, paths)
    with open(os.path.join(HERE, "links.json"), "w", encoding="utf-8") as f:
        json.dump(found, f)
        f.write("\n")


if __name__ == "__main__":
    main()
