#!/usr/bin/env python3
"""Scores of heads as PyTorch sees them: relations by their VO forms (MAPS), and attention over repeated random tokens;
singular values of single matrices of attention; and cosines of whole columns of two models' neurons.

    python make.py     # writes answers.json beside itself

Relations: whole rows E_in[s]·W_V·W_O·E_outᵀ in float64, sorted. Attention: the `attentions` of transformers' modules
over the sequences that the definition gives, drawn here by the same generator (SplitMix64).
Needs: torch, transformers, tokenizers, safetensors.
"""
import json
import os

import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = {
    "reference/gpt2-safetensors": (AutoModelForCausalLM, 12, 4),
    # With the tokenizer of the reference GPT-2.
    "contexts/mistral": (AutoModelForCausalLM, 10, 4),
    "reference/herbert-pickle": (AutoModelForMaskedLM, 12, 5),
    "../assets/demo/gpt2-pl": (AutoModelForCausalLM, 0, 10),
}
MASK = (1 << 64) - 1
LENGTH, SEQUENCES = 50, 8


class Draws:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        return (z * n) >> 64


def forms(model):
    """W_V [d_model, d_head] and W_O [d_head, d_model] of every head, layer by layer."""
    config, state = model.config, {k: v.double() for k, v in model.state_dict().items()}
    heads, width = config.num_attention_heads, config.hidden_size
    size = getattr(config, "head_dim", None) or width // heads
    shared = heads // (getattr(config, "num_key_value_heads", None) or heads)
    for layer in range(config.num_hidden_layers):
        of = []
        for head in range(heads):
            own, group = slice(head * size, (head + 1) * size), head // shared
            kv = slice(group * size, (group + 1) * size)
            if config.model_type == "gpt2":
                at = f"transformer.h.{layer}.attn."
                value = state[at + "c_attn.weight"][:, 2 * width:][:, own]
                out = state[at + "c_proj.weight"][own]
            elif config.model_type == "bert":
                at = f"bert.encoder.layer.{layer}.attention."
                value = state[at + "self.value.weight"][own].T
                out = state[at + "output.dense.weight"][:, own].T
            else:
                at = f"model.layers.{layer}.self_attn."
                value = state[at + "v_proj.weight"][kv].T
                out = state[at + "o_proj.weight"][:, own].T
            of.append((value, out))
        yield of


def words(tokenizer):
    """Words that are one token behind a space, by id."""
    found = {}
    for id in range(len(tokenizer)):
        word = tokenizer.decode([id]).strip()
        if not word.isalpha() or word in found.values():
            continue
        if tokenizer.encode(" " + word, add_special_tokens=False) == [id]:
            found[id] = word
    return found


def relations(model, tokenizer, count, k):
    read = model.get_input_embeddings().weight.detach().double()
    out = model.get_output_embeddings()
    written = read if out is None else out.weight.detach().double()
    if count == 0:
        lines = open(os.path.join(HERE, "../../assets/relations/pl-plural.tsv"), encoding="utf-8").read().splitlines()
        pairs = [tuple(line.split("\t")) for line in lines if not line.startswith("#")]
    else:
        known = words(tokenizer)
        ids = list(known)
        value, write = next(forms(model))[1]
        pairs = []
        for i, source in enumerate(ids[3:3 + count]):
            row = read[source] @ value @ write @ written.T
            # Every second target is among the best of a head.
            best = [id for id in row.argsort(descending=True).tolist() if id in known]
            pairs.append((known[source], known[best[0]] if i % 2 else known[ids[-1 - i]]))
        pairs.append(("nosuchwordatall", known[ids[0]]))

    def token(word):
        ids = tokenizer.encode(" " + word, add_special_tokens=False)
        return ids[0] if len(ids) == 1 and ids[0] != tokenizer.unk_token_id else None

    single = [(token(s), token(t)) for s, t in pairs]
    single = [pair for pair in single if None not in pair]
    scores = []
    for layer in forms(model):
        of_layer = []
        for value, write in layer:
            both = []
            for sign in (1, -1):
                hits, chance, counted = 0, 0.0, 0
                for s, t in single:
                    row = sign * (read[s] @ value @ write @ written.T)
                    best = set(row.argsort(descending=True, stable=True)[:k].tolist())
                    hits += t in best
                    own = {b for a, b in single if a == s}
                    others = {b for _, b in single} - own
                    if others:
                        chance += len(others & best) / len(others)
                        counted += 1
                both.append([hits / len(single), chance / counted])
            of_layer.append(both)
        scores.append(of_layer)
    return {"k": k, "pairs": pairs, "single": single, "scores": scores}


def attention(model, tokenizer):
    special = set(tokenizer.all_special_ids)
    # Tokens in brackets are special too, and rows without a token are none.
    text = {id: token for token, id in tokenizer.get_vocab().items()}
    rows = model.get_input_embeddings().weight.shape[0]
    bracketed = lambda token: len(token) > 2 and (token[0], token[-1]) in {("[", "]"), ("<", ">")}
    tokens = [id for id in range(rows) if id in text and id not in special and not bracketed(text[id])]
    bare = tokenizer.encode("a", add_special_tokens=False)
    around = tokenizer.encode("a")
    before = next(i for i in range(len(around)) if around[i:i + len(bare)] == bare)
    head, tail = around[:before], around[before + len(bare):]
    room = (model.config.max_position_embeddings - len(head) - len(tail)) // 2
    length = min(LENGTH, room, len(tokens))
    draws, sums = Draws(0), 0
    second = range(before + length, before + 2 * length)
    for _ in range(SEQUENCES):
        drawn = []
        while len(drawn) < length:
            token = tokens[draws.below(len(tokens))]
            if token not in drawn:
                drawn.append(token)
        ids = torch.tensor([head + drawn + drawn + tail])
        with torch.no_grad():
            found = model(input_ids=ids, output_attentions=True).attentions
        weights = torch.stack([layer[0].double() for layer in found])
        previous = torch.stack([weights[:, :, i, i - 1] for i in second]).mean(0)
        induction = torch.stack([weights[:, :, i, i + 1 - length] for i in second]).mean(0)
        sums = sums + torch.stack([previous, induction]) / SEQUENCES
    found = {"previous-token": sums[0].tolist()}
    if model.config.model_type != "bert":
        found["induction"] = sums[1].tolist()
    return found


def maps(model):
    """Of layer 1: singular values of W_Q, W_K, W_V, W_O, and what each head has of the first direction, squared."""
    config, state = model.config, {k: v.double() for k, v in model.state_dict().items()}
    heads, width = config.num_attention_heads, config.hidden_size
    size = getattr(config, "head_dim", None) or width // heads
    if config.model_type == "gpt2":
        parts = state["transformer.h.1.attn.c_attn.weight"].T.split(width)
        found = dict(zip("qkv", parts), o=state["transformer.h.1.attn.c_proj.weight"])
    else:
        found = {name: state[f"model.layers.1.self_attn.{name}_proj.weight"] for name in "qkvo"}
        found["o"] = found["o"].T
    answers = {}
    for name, matrix in found.items():
        # [heads × d_head, d_model]: channels on the left, the residual stream on the right.
        left, values, _ = torch.linalg.svd(matrix, full_matrices=False)
        answers[name] = {"values": values.tolist(), "heads": left[:, 0].reshape(-1, size).square().sum(1).tolist()}
    return answers


def columns(model):
    """K and V over the vocabulary of all neurons, [layers][tokens, neurons]."""
    state = {k: v.double() for k, v in model.state_dict().items()}
    read = model.get_input_embeddings().weight.detach().double()
    written = model.get_output_embeddings().weight.detach().double()
    for layer in range(model.config.num_hidden_layers):
        if model.config.model_type == "gpt2":
            at = f"transformer.h.{layer}.mlp."
            yield read @ state[at + "c_fc.weight"], written @ state[at + "c_proj.weight"].T
        else:
            at = f"model.layers.{layer}.mlp."
            yield read @ state[at + "gate_proj.weight"].T, written @ state[at + "down_proj.weight"]


def similar(model, others):
    """Cosines of L1.N3's columns with those of all neurons: both models have the same tokens in the same rows."""
    key, value = [side[:, 3] for side in list(columns(model))[1]]
    answers = {}
    for name, other in others.items():
        of = torch.nn.functional.cosine_similarity
        answers[name] = [[of(key[:, None], keys, dim=0).tolist(), of(value[:, None], values, dim=0).tolist()]
                         for keys, values in columns(other)]
    return answers


def main():
    answers, models = {}, {}
    for name, (kind, count, k) in MODELS.items():
        folder = os.path.join(HERE, "..", name)
        model = kind.from_pretrained(folder, attn_implementation="eager").float().eval()
        own = os.path.exists(os.path.join(folder, "tokenizer.json")) or "herbert" in name
        tokenizer = AutoTokenizer.from_pretrained(folder if own else os.path.join(HERE, "../reference/gpt2-safetensors"))
        answers[name] = {"relations": relations(model, tokenizer, count, k), "attention": attention(model, tokenizer)}
        if count and kind is AutoModelForCausalLM:
            models[name] = model
            answers[name]["maps"] = maps(model)
    first = next(iter(models))
    answers[first]["similar"] = similar(models[first], models)
    rounded = json.loads(json.dumps(answers), parse_float=lambda x: round(float(x), 6))
    with open(os.path.join(HERE, "answers.json"), "w", encoding="utf-8") as file:
        json.dump(rounded, file, ensure_ascii=False, separators=(",", ":"))


main()
