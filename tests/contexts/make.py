#!/usr/bin/env python3
"""Where neurons and heads of some tiny checkpoints fire over a few texts, as PyTorch sees it.

    python make.py     # writes answers.json beside itself

Activations, attention and logits are those of `transformers` modules, caught by the hooks of ../prompt/make.py;
lists are products of embeddings with what the modules make of unit vectors; the figures are worked out here from
their definitions. What hangs on numbers that are all but equal is left out (null).
Needs: torch, transformers, tokenizers, safetensors.
"""
import importlib.util
import json
import os

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer, MistralConfig

HERE = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("prompt_make", os.path.join(HERE, "../prompt/make.py"))
prompt = importlib.util.module_from_spec(spec)
spec.loader.exec_module(prompt)

POLISH = open(os.path.join(HERE, "../../assets/texts/polish.txt"), encoding="utf-8").read().splitlines()[:16]
MODELS = ["gpt2-safetensors", "mistral", "herbert-pickle"]
AT, K = 10, 4
CLEAR = 1e-4


def make_mistral():
    """A gated model with shared keys and a sliding window that reads with the reference GPT-2's tokenizer."""
    torch.manual_seed(7)
    config = MistralConfig(vocab_size=900, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
                           num_key_value_heads=2, intermediate_size=40, sliding_window=8, max_position_embeddings=128,
                           tie_word_embeddings=False, initializer_range=0.25, pad_token_id=None, bos_token_id=None,
                           eos_token_id=None)
    folder = os.path.join(HERE, "mistral")
    AutoModelForCausalLM.from_config(config).half().save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
    prompt.MODELS["mistral"] = (folder, prompt.FAMILIES["mistral"][2])


def mean_ranks(x):
    return [sum(1 for b in x if b < a) + (sum(1 for b in x if b == a) + 1) / 2 for a in x]


def pearson(a, b):
    a, b = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b) / (a.norm() * b.norm()))


def spread(x):
    x = torch.tensor(x, dtype=torch.float64)
    return {"count": len(x), "least": float(x.min()), "most": float(x.max()), "mean": float(x.mean()),
            "above_zero": float((x > 0).double().mean())}


def passages(places, values, sign):
    """Per text the first of its extreme values, the best of them."""
    best = {}
    for place, value in zip(places, values):
        if place[0] not in best or sign * value > sign * best[place[0]][1]:
            best[place[0]] = (place, value)
    order = sorted(best.values(), key=lambda of: -sign * of[1])
    clear = all(abs(a[1] - b[1]) > CLEAR * 1e-1 for a, b in zip(order, order[1:K + 1]))
    return [[*place, float(value)] for place, value in order[:K]] if clear else None


def top(values):
    """The AT positions with the highest values, if it is clear which they are."""
    values = torch.tensor(values)
    order = torch.argsort(values, descending=True, stable=True)
    clear = len(order) <= AT or float(values[order[AT - 1]] - values[order[AT]]) > CLEAR * float(values.abs().max())
    return order[:AT].tolist() if clear else None


def first(scores):
    """The AT best rows, if it is clear which they are."""
    order = torch.argsort(scores, descending=True, stable=True)
    clear = float(scores[order[AT - 1]] - scores[order[AT]]) > CLEAR * float(scores.abs().max())
    return set(order[:AT].tolist()) if clear else None


def share(found, total):
    return sum(found) / total


def answers(name):
    folder, paths = prompt.MODELS[name]
    masked = name in prompt.MASKED
    auto = AutoModelForMaskedLM if masked else AutoModelForCausalLM
    model = auto.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    own = os.path.join(folder, "tokenizer.json")
    if name == "herbert-pickle":
        tokenizer = AutoTokenizer.from_pretrained(folder)
        encode, special = lambda text: tokenizer(text)["input_ids"], set(tokenizer.all_special_ids)
    else:
        own = own if os.path.exists(own) else os.path.join(prompt.MODELS["gpt2-safetensors"][0], "tokenizer.json")
        tokenizer = Tokenizer.from_file(own)
        encode = lambda text: tokenizer.encode(text).ids
        special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    runs, ids = [], []
    for text in POLISH:
        ids.append(encode(text))
        runs.append(prompt.Run(model, paths, ids[-1], name))
    places = [(t, p) for t, of in enumerate(ids) for p in range(len(of)) if p > 0 and of[p] not in special]
    tokens = [ids[t][p] for t, p in places]
    predicted = [int(runs[t].logits[p].argmax()) for t, p in places]
    read, write = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    found = {"ids": [of[:12] for of in ids[:2]], "positions": len(places), "neurons": {}, "heads": {}, "evidence": []}
    for l in range(layers):
        into = prompt.at(model.base_model, paths[1][0].format(l))
        out = prompt.at(model.base_model, paths[2].format(l))
        d = read.shape[1]
        keys = (into(torch.eye(d)) - into(torch.zeros(1, d))).T
        values = out(torch.eye(len(keys))) - out(torch.zeros(1, len(keys)))
        m = torch.stack([runs[t].m[l][p] for t, p in places])
        for n in range(len(keys)):
            activation = m[:, n].tolist()
            at, of_k, of_v = top(activation), first(read @ keys[n]), first(write @ values[n])
            row = {"most": max(activation), "above_zero": share([a > 0 for a in activation], len(activation))}
            if at is not None and of_k is not None:
                row["precision"] = share([tokens[i] in of_k for i in at], len(at))
                row["precision_base"] = share([t in of_k for t in tokens], len(tokens))
            if at is not None and of_v is not None:
                row["agreement"] = share([predicted[i] in of_v for i in at], len(at))
                row["agreement_base"] = share([t in of_v for t in predicted], len(tokens))
            if n % 4 == 0:
                found["evidence"].append({"layer": l, "neuron": n, **row})
            if n in (3, 17):
                scores = read @ keys[n]
                rank = {int(i): r + 1 for r, i in enumerate(torch.argsort(scores, descending=True, stable=True))}
                ranks = [rank[t] for t in tokens]
                bands, low = [], 1
                for last in [b for b in (10, 100, 1000, 10000) if b < len(read)] + [len(read)]:
                    inside = [a for a, r in zip(activation, ranks) if low <= r <= last]
                    bands.append([low, last, len(inside), sum(inside) / len(inside) if inside else None])
                    low = last + 1
                found["neurons"][f"L{l}.N{n}"] = {
                    **spread(activation), "precision": row.get("precision"), "base": row.get("precision_base"),
                    "correlation": pearson(mean_ranks(activation), mean_ranks([-r for r in ranks])), "bands": bands,
                    "highest": passages(places, activation, 1), "lowest": passages(places, activation, -1),
                    "ranks": ranks[:8]}
        for h in (0, heads - 1):
            pairs = [(t, p, q) for t, p in places for u, q in places if u == t and (masked or q <= p)]
            weights = [float(runs[t].patterns[l][h, p, q]) for t, p, q in pairs]
            mean = lambda to: sum(float(runs[t].patterns[l][h, p, to(p)]) for t, p in places) / len(places)
            found["heads"][f"L{l}.H{h}"] = {
                **spread(weights), "highest": passages(pairs, weights, 1),
                "first": mean(lambda p: 0), "itself": mean(lambda p: p), "previous": mean(lambda p: p - 1)}
    return found


def rounding(x):
    if isinstance(x, dict):
        return {k: rounding(v) for k, v in x.items()}
    if isinstance(x, list):
        return [rounding(v) for v in x]
    return float(f"{x:.7g}") if isinstance(x, float) else x


def main():
    torch.set_grad_enabled(False)
    make_mistral()
    found = {name: answers(name) for name in MODELS}
    for name, of in found.items():
        print(name, of["positions"], len(of["evidence"]), sum("precision" in e for e in of["evidence"]))
    with open(os.path.join(HERE, "answers.json"), "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(json.dumps(n) + ": " + json.dumps(rounding(of), ensure_ascii=False)
                                      for n, of in found.items()) + "\n}\n")


if __name__ == "__main__":
    main()
