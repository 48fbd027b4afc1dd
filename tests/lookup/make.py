#!/usr/bin/env python3
"""Make the answers that tests/lookup.rs holds `find` and `directions` against.

    make.py            writes NAME.json beside this script

From the checkpoints of ../reference with PyTorch, in float64, by the plain definitions: whole
matrices, full decompositions, the whole form over the vocabulary.
"""
import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = os.path.join(HERE, "..", "reference")


def tensors(name):
    folder = os.path.join(REFERENCE, name)
    path = os.path.join(folder, "model.safetensors")
    if os.path.exists(path):
        from safetensors.torch import load_file
        return load_file(path)
    return torch.load(os.path.join(folder, "pytorch_model.bin"), map_location="cpu", weights_only=True)


class Model:
    """K, V `[layers][neurons, width]`; head matrices `[width, width]`; E `[vocab, width]`."""

    def __init__(self, name):
        with open(os.path.join(REFERENCE, name, "config.json")) as file:
            config = json.load(file)
        state = {k: v.double() for k, v in tensors(name).items() if v.is_floating_point()}
        gpt2 = config["model_type"] == "gpt2"
        self.layers = config.get("n_layer", config.get("num_hidden_layers"))
        self.heads = config.get("n_head", config.get("num_attention_heads"))

        def find(end):
            found = [k for k in state if k == end or k.endswith("." + end)]
            assert len(found) == 1, (end, found)
            return state[found[0]]

        self.keys, self.values, self.vo, self.qk = [], [], [], []
        if gpt2:
            self.embedding = find("wte.weight")
        else:
            self.embedding = find("word_embeddings.weight")
        width = self.embedding.shape[1]
        size = width // self.heads
        for i in range(self.layers):
            if gpt2:
                self.keys.append(find(f"h.{i}.mlp.c_fc.weight").T)
                self.values.append(find(f"h.{i}.mlp.c_proj.weight"))
                q, k, v = find(f"h.{i}.attn.c_attn.weight").split(width, dim=1)
                o = find(f"h.{i}.attn.c_proj.weight")
            else:
                at = f"encoder.layer.{i}."
                self.keys.append(find(at + "intermediate.dense.weight"))
                self.values.append(find(at + "output.dense.weight").T)
                q, k, v = (find(at + f"attention.self.{n}.weight").T for n in ("query", "key", "value"))
                o = find(at + "attention.output.dense.weight").T
            cut = [slice(h * size, (h + 1) * size) for h in range(self.heads)]
            self.vo.append([v[:, c] @ o[c] for c in cut])
            self.qk.append([q[:, c] @ k[:, c].T for c in cut])


def stands(model, tokens, k):
    """For each kind the k best of all places by score, with the token's rank and the pair's partner."""
    e = model.embedding
    groups = {}
    for name, vectors, sign in (("K", model.keys, 1), ("V", model.values, 1),
                                ("-K", model.keys, -1), ("-V", model.values, -1)):
        by_score, by_cosine = [], []
        for layer, matrix in enumerate(vectors):
            lists = sign * matrix @ e.T
            scores = lists[:, tokens]
            cosines = scores / (matrix.norm(dim=1)[:, None] * e[tokens].norm(dim=1))
            for rows, best in ((by_score, scores), (by_cosine, cosines)):
                for neuron, at in enumerate(best.argmax(dim=1).tolist()):
                    score = scores[neuron, at]
                    rows.append({"layer": layer, "index": neuron, "token": tokens[at], "score": score.item(),
                                 "rank": (lists[neuron] > score).sum().item() + 1,
                                 "cosine": cosines[neuron, at].item()})
        groups[name] = sorted(by_score, key=lambda r: -r["score"])[:k]
        groups[name + " by cosine"] = sorted(by_cosine, key=lambda r: -r["cosine"])[:k]
        # All tokens of a neuron are in one list: the highest score has the best rank.
        groups[name + " by rank"] = sorted(by_score, key=lambda r: (r["rank"], -r["cosine"]))[:k]
    for name, forms, turned in (("VO.from", model.vo, False), ("VO.to", model.vo, True),
                                ("QK.query", model.qk, False), ("QK.key", model.qk, True)):
        rows = []
        for layer, heads in enumerate(forms):
            for head, matrix in enumerate(heads):
                form = e @ matrix @ e.T
                lists = (form.T if turned else form)[tokens]
                at = lists.argmax().item()
                token, partner = tokens[at // e.shape[0]], at % e.shape[0]
                rows.append({"layer": layer, "index": head, "token": token, "partner": partner,
                             "score": lists.max().item()})
        groups[name] = sorted(rows, key=lambda r: -r["score"])[:k]
    return groups


def copying(matrix):
    values = torch.linalg.eigvals(matrix)
    return (values.real.sum() / values.abs().sum()).item()


def ends(vector, rows, k):
    scores = rows @ vector
    both = []
    for sign in (1, -1):
        best = (sign * scores).topk(k)
        both.append([{"id": i, "score": s} for s, i in zip(best.values.tolist(), best.indices.tolist())])
    return both


def taken_apart(matrix, rank, n, k, left_rows, right_rows):
    """Signs: the largest coordinate of what is on the left is positive."""
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    out = []
    for i in range(n):
        left, right = u[:, i], vt[i]
        if left[left.abs().argmax()] < 0:
            left, right = -left, -right
        out.append({"value": s[i].item(), "left": ends(left, left_rows, k), "right": ends(right, right_rows, k)})
    return {"values": s[:rank].tolist(), "directions": out}


def main():
    for name, find, heads, feed in (
            ("gpt2-safetensors", [[350, 453], [300, 487, 17]], [("vo", 1, 2), ("qk", 2, 0)], ("ff-in", 1)),
            ("bert-safetensors", [[292, 403]], [("vo", 0, 1), ("qk", 1, 3)], ("ff-out", 1)),
            ("herbert-pickle", [[87, 120, 640]], [("vo", 2, 0)], ("ff-in", 0))):
        model = Model(name)
        e = model.embedding
        size = e.shape[1] // model.heads
        parts = []
        for kind, layer, head in heads:
            matrix = {"vo": model.vo, "qk": model.qk}[kind][layer][head]
            parts.append({"part": kind, "layer": layer, "head": head, "k": 8,
                          **taken_apart(matrix, size, 5, 8, e, e),
                          "copying": {"weights": copying(matrix), "vocabulary": copying(e @ matrix @ e.T)}})
        kind, layer = feed
        vectors = (model.keys if kind == "ff-in" else model.values)[layer]
        eye = torch.eye(vectors.shape[0], dtype=torch.float64)
        # The residual stream is on the left.
        parts.append({"part": kind, "layer": layer, "head": 0, "k": 8,
                      **taken_apart(vectors.T, e.shape[1], 5, 8, e, eye)})
        answers = {"find": [{"tokens": tokens, "k": 6, "groups": stands(model, tokens, 6)} for tokens in find],
                   "directions": parts}
        with open(os.path.join(HERE, name + ".json"), "w") as file:
            json.dump(answers, file, separators=(",", ":"))
            file.write("\n")
        print(name, [p["copying"] for p in parts if "copying" in p])


if __name__ == "__main__":
    main()
