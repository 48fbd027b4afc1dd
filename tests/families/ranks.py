#!/usr/bin/env python3
"""What PyTorch answers about the heads and neurons of a layer, by each measure that ranks them.

    python ranks.py            # writes ranks.json

The forms are whole matrices of the vocabulary here, as the modules make them, and copying and
matching come from their eigenvalues; the lists are sorted scores. Weights are those of make.py, from
the same seeds. Needs what make.py needs.
"""
import json
import os

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

import make
from make import ENCODERS, FAMILIES, HERE, SPLIT, VOCAB, at, caught, linearised, matrix, randomise

TOP, LAYER = 30, 1
NEURONS = ["llama", "gemma2", "gpt-neox", "opt", "roberta", "distilbert"]


def kept(form):
    """The sum of a matrix's eigenvalues over the sum of their sizes."""
    values = torch.linalg.eigvals(form.double())
    return round(float(values.sum().real / values.abs().sum()), 6)


def words(name):
    texts = make.tokenizer(name).get_vocab(with_added_tokens=True)
    by_id = {i: text for text, i in texts.items()}
    plain = [by_id.get(i, f"?{i}") for i in range(VOCAB)]
    return [text.strip("Ġ▁").removeprefix("##").strip().lower() for text in plain]


def same(form, texts):
    """The share of the best pairs that are twice the same word."""
    best = torch.argsort(form.flatten(), descending=True, stable=True)[:TOP]
    pairs = [(texts[int(i) // VOCAB], texts[int(i) % VOCAB]) for i in best]
    return sum(a == b for a, b in pairs) / TOP


def kurtosis(scores):
    """Of each row, the fourth moment about its mean over the square of its variance."""
    apart = scores - scores.mean(dim=1, keepdim=True)
    return (apart ** 4).mean(dim=1) / (apart ** 2).mean(dim=1) ** 2


def outliers(scores):
    """Of each row, the share that lies more than four standard deviations above its mean."""
    apart = scores - scores.mean(dim=1, keepdim=True)
    return (apart > 4 * scores.std(dim=1, correction=0, keepdim=True)).double().mean(dim=1)


def classes(gate, up, values):
    """Of each neuron how clearly it is of an input-output class."""
    cosine = torch.nn.functional.cosine_similarity
    a = cosine(up, values, dim=1)
    if gate is None:
        return {"enrichment": a, "depletion": -a}
    g = cosine(gate, values, dim=1).abs()
    return {
        "enrichment": torch.minimum(a, g),
        "conditional-enrichment": torch.minimum(a, 1 - g),
        "proportional-change": torch.minimum(g, 1 - a.abs()),
        "conditional-depletion": torch.minimum(-a, 1 - g),
        "depletion": torch.minimum(-a, g),
        "orthogonal-output": torch.minimum(1 - a.abs(), 1 - g),
    }


def ranks(name, model, paths):
    base = model.base_model
    attention_path, inputs, output, attention_out = paths
    read = model.get_input_embeddings().weight.detach()
    written = model.get_output_embeddings().weight.detach()
    if name == "gemma2":
        model.config._attn_implementation = "sdpa"
        for module in model.modules():
            if hasattr(module, "attn_logit_softcapping"):
                module.attn_logit_softcapping = None
    linearised(model)
    turning = any("otary" in type(m).__name__ for m in model.modules()) or name == "gptj"
    turning = turning and name != "falcon-rw"
    attention = at(base, attention_path.format(LAYER))
    q, k, v = caught(base, attention, read, 0 if turning else None)
    heads, each = q.shape[0], q.shape[-1]
    texts = words(name)
    found = {by: [] for by in ["copying", "same", "matching", "same-qk"]}
    for head in range(heads):
        shared = head * k.shape[0] // heads
        mixed = torch.zeros(VOCAB, heads * each)
        mixed[:, head * each:(head + 1) * each] = v[shared]
        vo = at(base, attention_out.format(LAYER))(mixed) @ written.T
        qk = q[head] @ k[shared].T
        found["copying"].append(kept(vo))
        found["same"].append(same(vo, texts))
        found["matching"].append(kept(qk))
        found["same-qk"].append(same(qk, texts))
    if name in NEURONS:
        keys = matrix(at(base, inputs[0].format(LAYER)), read.shape[1])
        if name in SPLIT:
            keys = keys.chunk(2, dim=-1)[0]
        values = matrix(at(base, output.format(LAYER)), keys.shape[1])
        scores = [(read @ keys).T.double(), (written @ values.T).T.double()]
        top = [torch.argsort(s, dim=1, descending=True, stable=True)[:, :TOP] for s in scores]
        both = [len(set(a.tolist()) & set(b.tolist())) / TOP for a, b in zip(*top)]
        best = [s.max(dim=1).values for s in scores]
        z = [(b - b.mean()) / b.std(correction=0) for b in best]
        rounded = lambda numbers: [round(float(x), 5) for x in numbers]
        found["overlap"] = rounded(both)
        found["norm"] = rounded(values.double().norm(dim=1))
        found["z"] = rounded(torch.maximum(*z))
        found["kurtosis"] = rounded(torch.maximum(*[kurtosis(s) for s in scores]))
        found["outliers"] = rounded(torch.maximum(*[outliers(s) for s in scores]))
        gate = keys.T.double() if len(inputs) > 1 else None
        up = matrix(at(base, inputs[-1].format(LAYER)), read.shape[1]).T.double()
        if name in SPLIT:
            up = up.chunk(2, dim=0)[1]
        for by, figures in classes(gate, up, values.double()).items():
            found[by] = rounded(figures)
    return found


def main():
    torch.set_grad_enabled(False)
    all_found = {}
    for seed, (name, (kind, config, paths)) in enumerate(FAMILIES.items()):
        auto = AutoModelForMaskedLM if name in ENCODERS else AutoModelForCausalLM
        eager = dict(attn_implementation="eager") if kind in ("gpt_neo", "bloom", "gemma2") else {}
        model = auto.from_config(AutoConfig.for_model(kind, **config), **eager).eval().float()
        randomise(model, seed)
        try:
            all_found[name] = ranks(name, model, paths)
        except AttributeError as error:
            # The modules of another version of transformers.
            print(name, error)
    all_found["gemma3"] = all_found["gemma3-text"]
    with open(os.path.join(HERE, "ranks.json"), "w", encoding="utf-8") as f:
        json.dump(all_found, f)
        f.write("\n")


if __name__ == "__main__":
    main()
