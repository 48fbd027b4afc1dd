#!/usr/bin/env python3
"""What PyTorch answers about some of the checkpoints of this folder under other conventions.

    python conventions.py [NAME ...]            # writes conventions.json and alone.json

Nothing is folded into a weight here: tokens are taken through the norm and into the module, so that
a convention is what the model does and not how a program gets there. With `norms`, and with
`gain+biases`, the norm is the model's own module, called on the token's own embedding; otherwise its
division by the length is left out. alone.json has, for each family with norms before its maps, what
comes out for every token alone: a neuron's input before its activation in each layer, and the best
pairs of queries and keys as attention multiplies them. Weights are those of make.py, from the same
seeds. Needs what make.py needs.
"""
import json
import os
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

import hybrids
import make
from make import embeddings, DISTANCE, ENCODERS, FAMILIES, HERE, SPLIT, UNTURNED, at, best, caught, linear_norms, randomise

make.K = 10

# Norms before attention and before the feed-forward part, of what these two write, after the last layer.
NORMS = {
    **{name: (["layers.{}.input_layernorm", "layers.{}.post_attention_layernorm"], [None, None], "norm")
       for name in ["llama", "mistral", "qwen2", "qwen3", "gemma", "phi3", "smollm3", "glm", "olmo", "stablelm",
                    "granite", "starcoder2", "nemotron"]},
    **{name: (["layers.{}.input_layernorm", "layers.{}.pre_feedforward_layernorm"],
              ["layers.{}.post_attention_layernorm", "layers.{}.post_feedforward_layernorm"], "norm")
       for name in ["gemma2", "gemma3-text"]},
    "glm4": (["layers.{}.input_layernorm", "layers.{}.post_attention_layernorm"],
             ["layers.{}.post_self_attn_layernorm", "layers.{}.post_mlp_layernorm"], "norm"),
    **{name: (["layers.{}.input_layernorm", "layers.{}.input_layernorm"], [None, None], "norm")
       for name in ["stablelm-qk", "cohere", "cohere2"]},
    "phi": (["layers.{}.input_layernorm", "layers.{}.input_layernorm"], [None, None], "final_layernorm"),
    "gpt-neox": (["layers.{}.input_layernorm", "layers.{}.post_attention_layernorm"], [None, None],
                 "final_layer_norm"),
    "gpt-neo": (["h.{}.ln_1", "h.{}.ln_2"], [None, None], "ln_f"),
    "gptj": (["h.{}.ln_1", "h.{}.ln_1"], [None, None], "ln_f"),
    "opt": (["decoder.layers.{}.self_attn_layer_norm", "decoder.layers.{}.final_layer_norm"], [None, None],
            "decoder.final_layer_norm"),
    "bloom": (["h.{}.input_layernorm", "h.{}.post_attention_layernorm"], [None, None], "ln_f"),
    "falcon": (["h.{}.ln_attn", "h.{}.ln_mlp"], [None, None], "ln_f"),
    "falcon-7b": (["h.{}.input_layernorm", "h.{}.input_layernorm"], [None, None], "ln_f"),
    "falcon-rw": (["h.{}.input_layernorm", "h.{}.post_attention_layernorm"], [None, None], "ln_f"),
    "modernbert": (["layers.{}.attn_norm", "layers.{}.mlp_norm"], [None, None], "final_norm"),
    "roberta": None,
    "opt-narrow": None,
    "albert": None,
    "olmo2": ([None, None], ["layers.{}.post_attention_layernorm", "layers.{}.post_feedforward_layernorm"], "norm"),
}
# Norms of queries and keys that divide all heads together: no list of one head is the model's own.
TOGETHER = {"olmo2"}
# Those of which all conventions are tried; of the others only what comes out for a token alone.
WHOLE = ["llama", "gemma2", "qwen2", "gpt-neox", "gptj", "opt", "falcon", "modernbert", "roberta", "cohere", "olmo2",
         "opt-narrow", "albert"]
CONVENTIONS = ["raw", "gain", "centred", "cosine", "inverse", "biases", "input", "output", "gain+biases", "gain+cosine",
               "gain+inverse", "centred+cosine", "gain+centred+inverse", "cosine+inverse", "cosine+biases",
               "gain+cosine+biases", "norms", "norms+centred", "norms+biases"]


def normed(module, x, bias):
    """A norm but for the division by the length."""
    kind = type(module).__name__
    if kind == "Identity":
        return x
    if "RMS" in kind:
        return x * (module.weight + (1.0 if "Gemma" in kind else 0.0))
    gain = getattr(module, "weight", None)
    gain = 1.0 if gain is None else gain + 1.0 if "1P" in kind else gain
    own = getattr(module, "bias", None)
    x = (x - x.mean(-1, keepdim=True)) * gain
    return x + own if bias and own is not None else x


class Reading:
    """A model under a convention."""

    def __init__(self, name, convention):
        kind, config, self.paths = FAMILIES[name]
        auto = AutoModelForMaskedLM if name in ENCODERS else AutoModelForCausalLM
        eager = dict(attn_implementation="eager") if kind in ("gpt_neo", "bloom") else {}
        self.model = auto.from_config(AutoConfig.for_model(kind, **config), **eager).eval().float()
        randomise(self.model, list(FAMILIES).index(name))
        self.base = self.model.base_model
        if hasattr(self.model.config, "clip_qkv"):
            self.model.config.clip_qkv = None
        if name == "gemma2":
            self.model.config._attn_implementation = "sdpa"
            for module in self.model.modules():
                if hasattr(module, "attn_logit_softcapping"):
                    module.attn_logit_softcapping = None
        self.name, self.norms = name, NORMS[name]
        self.on = set(convention.split("+"))
        self.folds = bool(self.on & {"gain", "norms"})
        self.exact = "cosine" not in self.on and ("norms" in self.on or {"gain", "biases"} <= self.on)
        if not self.exact:
            linear_norms(self.model)
        read, written = (rows.clone() for rows in embeddings(self.model))
        root = read.shape[1] ** 0.5
        # Gemma scales its embeddings.
        self.scaled = root if name.startswith("gemma") else getattr(self.model.config, "embedding_multiplier", 1.0)
        # A norm gives tokens the length √d: so long they are beside a bias, and what comes out is divided by it.
        self.long = root if {"cosine", "biases"} <= self.on else 1.0
        self.tied = torch.equal(read, written)
        # Rows that do not reach every direction have no inverse.
        self.narrow = self.model.get_input_embeddings().weight.shape[1] < read.shape[1]
        if "input" in self.on:
            written = read
        if "output" in self.on:
            read = written
        self.read, self.written = self.counted(read), self.unit(self.counted(written), False)
        # What all heads and all neurons write together is no list's.
        for module in self.base.modules():
            for path in [self.paths[2], self.paths[3]]:
                for layer in range(2):
                    bias = getattr(at(self.base, path.format(layer)), "bias", None)
                    if bias is not None:
                        bias.zero_()

    def counted(self, rows):
        if "centred" in self.on:
            rows = rows - rows.mean(0)
        return rows

    def silent(self, but_norms=False):
        """No biases, whatever the convention; those of norms too, unless they shall stay."""
        for name, p in self.model.named_parameters():
            if name.endswith("bias") and not (but_norms and ("norm" in name.lower() or "ln_" in name)):
                p.zero_()

    def through(self, layer, half, x):
        """States as a half of a layer reads them; but with `norms` without the norm's scale."""
        if not self.folds or self.norms[0][half] is None:
            return x
        bias = bool(self.on & {"biases", "norms"})
        return normed(at(self.base, self.norms[0][half].format(layer)), x, bias)

    def tokens(self, layer, half):
        """Tokens as a half of a layer reads them."""
        if self.exact and self.norms[0][half] is not None:
            return at(self.base, self.norms[0][half].format(layer))(self.read * self.scaled)
        rows = self.rows(layer, half) * self.long
        if "inverse" in self.on:
            rows = torch.linalg.pinv(rows.double()).T.float()
        return self.through(layer, half, rows)

    def rows(self, layer, half):
        """Embeddings that are read."""
        centring = self.folds and self.norms[0][half] and "LayerNorm" in type(at(self.base, self.norms[0][half].format(layer))).__name__
        return self.unit(self.read, centring)

    def unit(self, rows, centring):
        if "cosine" not in self.on:
            return rows
        lengths = (rows - rows.mean(-1, keepdim=True) if centring else rows).norm(dim=-1, keepdim=True)
        return rows / lengths

    def after(self, layer, half, x):
        """What is written, as the output embedding sees it."""
        if not self.folds:
            return x
        own = self.norms[1][half]
        if own is not None:
            x = normed(at(self.base, own.format(layer)), x, False)
        return normed(at(self.base, self.norms[2]), x, False)

    def source(self, layer, index, x):
        """What a neuron's input module makes of states."""
        out = at(self.base, self.paths[1][0 if self.name in SPLIT else index].format(layer))(x)
        return out.chunk(2, dim=-1)[index] if self.name in SPLIT else out

    def neuron(self, layer, neuron, index):
        k = self.source(layer, index, self.tokens(layer, 1))[:, neuron] / self.long
        width = self.read.shape[1]
        inputs = at(self.base, self.paths[2].format(layer))
        count = self.source(layer, index, torch.zeros(1, width)).shape[1]
        unit = torch.zeros(1, count)
        unit[0, neuron] = 1.0
        value = self.after(layer, 1, inputs(unit))[0]
        zero = self.source(layer, index, self.through(layer, 1, torch.zeros(1, width)))[0, neuron]
        v = self.written @ value
        if "cosine" in self.on:
            eye = torch.eye(width)
            if "inverse" in self.on:
                rows = self.rows(layer, 1).double()
                eye = torch.linalg.inv(rows.T @ rows).float()
            key = self.source(layer, index, self.through(layer, 1, eye))[:, neuron] - zero
            k, v, zero = k / key.norm(), v / value.norm(), zero / key.norm() / self.long
        bias = round(float(zero), 6) if self.on & {"biases", "norms"} else None
        return {"bias": bias, "columns": {"K": best(k), "V": best(v), "-K": best(-k)}}

    def form(self, form, layer, head, distance):
        attention = at(self.base, self.paths[0].format(layer))
        x = self.tokens(layer, 0)
        turning = any("otary" in type(m).__name__ for m in self.model.modules()) or self.name == "gptj"
        q, k, v = caught(self.model, attention, x, distance if turning else None)
        if turning:
            _, k, _ = caught(self.model, attention, x, 0)
        if type(attention).__name__ == "OPTAttention":
            q = q / attention.scaling
        factor = 1.0
        for module in self.base.modules():
            factor = getattr(module, "attention_scaling", None) or factor
        q, k, v = q / factor / self.long, k / factor / self.long, v / self.long
        of_key = head * k.shape[0] // q.shape[0]
        if form == "qk":
            return q[head], k[of_key]
        each = q.shape[-1]

        def out(value):
            mixed = torch.zeros(len(value), q.shape[0] * each)
            mixed[:, head * each:(head + 1) * each] = value
            return self.after(layer, 0, at(self.base, self.paths[3].format(layer))(mixed))

        # Both sides in the head's own space, as the form's two factors.
        return v[of_key], self.written @ out(torch.eye(each)).T


def answers(name):
    found = {}
    for convention in CONVENTIONS:
        on = set(convention.split("+"))
        reading = Reading(name, convention)
        biased = any(n.endswith("bias") and ("layers" in n or "h." in n or "layer" in n) and "norm" not in n.lower()
                     and "ln_" not in n for n, _ in reading.base.named_parameters())
        if on & {"input", "output"} and reading.tied or on & {"gain", "norms"} and not reading.norms \
                or "inverse" in on and reading.narrow or "biases" in on and not biased or "norms" in on and name in TOGETHER:
            found[convention] = None
            continue
        if "biases" not in on:
            reading.silent(but_norms="norms" in on)
        case = {"neuron": [dict(key=key, **reading.neuron(1, 5, index))
                           for index, key in enumerate(["gate", "up"]) if index < (2 if name in SPLIT else
                                                                                  len(reading.paths[1]))]}
        turning = any("otary" in type(m).__name__ for m in reading.model.modules()) or name == "gptj"
        case["pairs"] = []
        for form, distance in [("vo", 0), ("qk", 0)] + [("qk", DISTANCE)] * turning:
            a, b = reading.form(form, 1, 2, distance)
            one = {"form": form, "distance": distance, "highest": best(a @ b.T)}
            if on & {"biases", "norms"}:
                silent = Reading(name, convention)
                silent.silent()
                a0, b0 = silent.form(form, 1, 2, distance)
                # What the left side has whatever the token is.
                alone = b0 @ (a - a0)[0]
                one["regardless"] = [best(alone), best(alone, False)] if float((a - a0).abs().max()) > 0 else None
            case["pairs"].append(one)
        found[convention] = case
    return found


def alone(name):
    """What comes out for every token alone."""
    reading = Reading(name, "norms+biases")
    turning = any("otary" in type(m).__name__ for m in reading.model.modules()) and name != "falcon-rw"
    turning = turning and 1 not in UNTURNED.get(name, ())
    pairs = []
    for distance in [0] + [DISTANCE] * (turning or name == "gptj"):
        a, b = reading.form("qk", 1, 2, distance)
        pairs.append({"distance": distance, "highest": best(a @ b.T)})
    inputs = [reading.source(layer, 0, reading.tokens(layer, 1))[:, 3] for layer in range(2)]
    return {"inputs": [[round(float(x), 5) for x in tokens] for tokens in inputs], "pairs": pairs}


def main():
    torch.set_grad_enabled(False)
    some = sys.argv[1:]
    found = {
        "conventions": {name: answers(name) for name in WHOLE if not some or name in some},
        "alone": {name: alone(name) for name in NORMS
                  if NORMS[name] and name not in TOGETHER and (not some or name in some)}
        | {name: hybrids.alone(name) for name in hybrids.NORMS if not some or name in some},
    }
    for name, found in found.items():
        path = os.path.join(HERE, name + ".json")
        # Of some families the others' answers stay.
        if some:
            with open(path, encoding="utf-8") as f:
                found = {**json.load(f), **found}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(found, f)
            f.write("\n")


if __name__ == "__main__":
    main()
