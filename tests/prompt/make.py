#!/usr/bin/env python3
"""What PyTorch answers about texts, for the tiny checkpoints of tests/families and tests/reference.

    python make.py [NAME ...]     # writes answers.json beside itself

Everything comes from `transformers` modules by their hooks and by the definitions: nothing of the program is
used. Hooks' values are kept as the length of each row and the last row; attention as the last query's rows.
Needs: torch, transformers, tokenizers, safetensors.
"""
import json
import os
import sys

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../families"))
from make import BERT_PATHS, ENCODERS, FAMILIES, SPLIT, at  # noqa: E402
import mixtures  # noqa: E402

GPT2_PATHS = ("h.{}.attn", ["h.{}.mlp.c_fc"], "h.{}.mlp.c_proj", "h.{}.attn.c_proj")
# name: (folder, module paths)
# Those that run as another one of them does: their states are held in tests/families.
ALIKE = {"ministral3", "smollm3", "seed-oss", "ernie4-5", "helium", "glm", "stablelm", "stablelm-qk", "olmo3", "exaone4",
         "cohere", "starcoder2", "arcee", "nemotron", "camembert", "mpnet"}
MODELS = {name: (os.path.join(HERE, "../families", name), paths) for name, (_, _, paths) in FAMILIES.items()
          if name not in ALIKE}
MODELS |= {name: (os.path.join(HERE, "../families", name), mixtures.PATHS) for name in mixtures.NAMES}
MODELS["gpt2-safetensors"] = (os.path.join(HERE, "../reference/gpt2-safetensors"), GPT2_PATHS)
MODELS["herbert-pickle"] = (os.path.join(HERE, "../reference/herbert-pickle"), BERT_PATHS)
MASKED = ENCODERS | {"herbert-pickle"}
PARALLEL = ("gptj", "gpt-neox", "phi", "phi-qk", "falcon", "falcon-7b", "cohere2")
# Norms of what attention and the feed-forward part write.
POST_NORMS = {**{name: ("post_attention_layernorm", "post_feedforward_layernorm") for name in ("gemma2", "gemma3-text", "olmo2")},
              "glm4": ("post_self_attn_layernorm", "post_mlp_layernorm")}
NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm", "decoder.final_layer_norm", "final_norm")
# With ALiBi Falcon's eager attention, which shows its weights, gives other numbers than what it runs by default.
SDPA = {"falcon-rw"}
K = 12


def rounded(x, digits=6):
    return [float(f"{float(v):.{digits}g}") for v in x.flatten()]


def state_of(out):
    return out[0] if isinstance(out, tuple) else out


def layer_path(paths):
    return paths[0].split("{}")[0] + "{}"


def final_norm(base):
    for name in NORMS:
        try:
            module = at(base, name)
        except AttributeError:
            continue
        if module is not None:
            return module
    return None


def head_of(model):
    """Logits of states before the final norm."""
    base, kind = model.base_model, type(model).__name__
    norm = final_norm(base) or (lambda x: x)
    if kind.startswith(("Bert", "Deberta")):
        return lambda x: model.cls(x)
    if kind.startswith(("Roberta", "XLMRoberta")):
        return lambda x: model.lm_head(x)
    if kind.startswith("Electra"):
        return lambda x: model.generator_lm_head(model.generator_predictions(x))
    if kind.startswith("DistilBert"):
        return lambda x: model.vocab_projector(model.vocab_layer_norm(model.activation(model.vocab_transform(x))))
    if kind.startswith("ModernBert"):
        return lambda x: model.decoder(model.head(norm(x)))
    cap = getattr(model.config, "final_logit_softcapping", None)
    bend = (lambda x: cap * torch.tanh(x / cap)) if cap else (lambda x: x * logit_scale(model))
    return lambda x: bend(model.get_output_embeddings()(norm(x)))


def logit_scale(model):
    return getattr(model.config, "logit_scale", 1.0) / getattr(model.config, "logits_scaling", 1.0)


def written_scale(model):
    return getattr(model.config, "residual_multiplier", 1.0)


class Run:
    """One run with all that its hooks see; `edits` are {(kind, layer): function of the tensor}."""

    def __init__(self, model, paths, ids, name, edits={}):
        base, layers = model.base_model, model.config.num_hidden_layers
        self.pre, self.post, self.z, self.m, self.gate, self.attn, self.mlp = {}, {}, {}, {}, {}, {}, {}
        self.ff_read = {}
        hooks = []

        def see(path, before, take):
            module = at(base, path)
            if before:
                hooks.append(module.register_forward_pre_hook(take))
            else:
                hooks.append(module.register_forward_hook(take))

        def edit(kind, layer, x):
            change = edits.get((kind, layer))
            return x if change is None else change(x.clone())

        def shape(x):
            return x.reshape(-1, x.shape[-1])

        for l in range(layers):
            def before(store, kind, l=l):
                def take(_, args):
                    x = edit(kind, l, shape(args[0]))
                    store[l] = x
                    return (x.reshape(args[0].shape),) + args[1:]
                return take

            def after(store, l=l, scale=1.0):
                def take(_, args, out):
                    # Some layers add to it in place afterwards.
                    store[l] = shape(state_of(out)).clone() * scale
                return take

            def layer_out(_, args, out, l=l):
                x = state_of(out)
                new = edit("resid", l, shape(x)).reshape(x.shape)
                self.post[l] = shape(new)
                return (new,) + out[1:] if isinstance(out, tuple) else new

            def layer_in(_, args, kwargs, l=l):
                self.pre[l] = shape(args[0] if args else kwargs["hidden_states"])

            attention, inputs, output, out = [p.format(l) if isinstance(p, str) else [q.format(l) for q in p] for p in paths]
            see(out, True, before(self.z, "z"))
            see(output, True, before(self.m, "m"))
            see(inputs[0], True, lambda _, args, l=l: self.ff_read.update({l: shape(args[0])}))
            see(inputs[0], False, after(self.gate))
            posts = [layer_path(paths).format(l) + "." + n for n in POST_NORMS.get(name, ())] or [out, output]
            if name in mixtures.NAMES:
                posts[1] = layer_path(paths).format(l) + ".mlp"
            see(posts[0], False, after(self.attn, scale=written_scale(model)))
            see(posts[1], False, after(self.mlp, scale=written_scale(model)))
            self.raw = getattr(self, "raw", ({}, {}))
            see(out, False, after(self.raw[0]))
            see(output, False, after(self.raw[1]))
            block = at(base, layer_path(paths).format(l))
            hooks.append(block.register_forward_hook(layer_out))
            hooks.append(block.register_forward_pre_hook(layer_in, with_kwargs=True))
        try:
            found = model(torch.tensor([ids]), output_attentions=name not in SDPA)
        finally:
            for hook in hooks:
                hook.remove()
        self.logits = found.logits[0]
        self.patterns = [a[0] for a in found.attentions] if found.attentions else None
        self.shares = mixtures.shares(base)
        self.states = [self.pre[0]] + [self.post[l] for l in range(layers)]


def kept(x):
    return {"norms": rounded(x.norm(dim=-1)), "last": rounded(x[-1])}


def hooks(run, name, layers):
    found = []
    for l in range(layers):
        gate = run.gate[l].chunk(2, dim=-1)[0] if name in SPLIT else run.gate[l]
        layer = {"resid_pre": kept(run.pre[l]), "attn.z": kept(run.z[l]), "attn_out": kept(run.attn[l]),
                 "mlp.post": kept(run.m[l]), "mlp_out": kept(run.mlp[l]), "resid_post": kept(run.post[l])}
        if l in run.shares:
            layer["mlp.router"] = kept(run.shares[l])
        else:
            layer["mlp.pre"] = kept(gate)
        if run.patterns:
            layer["attn.pattern"] = [rounded(p[-1]) for p in run.patterns[l]]
        if name not in PARALLEL:
            post = name in MASKED - {"modernbert"} or name == "opt-post"
            layer["resid_mid"] = kept(run.ff_read[l] if post else run.pre[l] + run.attn[l])
        found.append(layer)
    return found


def frozen(norm, state, c):
    """What a part of a state becomes under a norm whose statistics are those of the state."""
    if norm is None:
        return c
    kind = type(norm).__name__
    if "RMS" in kind:
        gain = norm.weight + 1.0 if "Gemma" in kind else norm.weight
        eps = getattr(norm, "variance_epsilon", None) or norm.eps
        return c * gain / torch.sqrt(state.pow(2).mean() + eps)
    gain = getattr(norm, "weight", None)
    gain = 1.0 if gain is None else gain
    eps = getattr(norm, "variance_epsilon", None) or getattr(norm, "eps", 1e-5)
    return (c - c.mean(-1, keepdim=True)) * gain / torch.sqrt(state.var(unbiased=False) + eps)


def attribution(model, paths, run, name, p, target, against):
    base, layers = model.base_model, model.config.num_hidden_layers
    head = model.get_output_embeddings()
    u = (head.weight[target] - head.weight[against]) * logit_scale(model)
    last = run.states[-1][p]
    norm = final_norm(base)
    whole = norm(last) if norm is not None else last
    bias = head.bias[target] - head.bias[against] if head.bias is not None else 0.0
    total = float(whole @ u + bias)
    brings = lambda c: frozen(norm, last, c) @ u
    heads_n = model.config.num_attention_heads
    found = {"embedding": float(brings(run.states[0][p])), "layers": []}
    neurons, heads = [], []
    for l in range(layers):
        out, ff = at(base, paths[3].format(l)), at(base, paths[2].format(l))
        posts = [None, None]
        if name in POST_NORMS:
            posts = [getattr(at(base, layer_path(paths).format(l)), norm) for norm in POST_NORMS[name]]
        zero = torch.zeros_like(run.z[l][p])
        each = len(zero) // heads_n
        rows = torch.zeros(heads_n, len(zero))
        for h in range(heads_n):
            rows[h, h * each:(h + 1) * each] = run.z[l][p][h * each:(h + 1) * each]
        written = (out(rows) - out(zero)) * written_scale(model)
        a = brings(frozen(posts[0], run.raw[0][l][p], written))
        m = run.m[l][p]
        values = (ff(torch.eye(len(m))) - ff(torch.zeros(len(m)))) * written_scale(model)
        f = brings(frozen(posts[1], run.raw[1][l][p], values * m[:, None]))
        found["layers"].append({"attention": float(a.sum()), "feed_forward": float(f.sum())})
        for h in range(heads_n):
            heads.append({"layer": l, "head": h, "attribution": float(a[h]), "attends": rounded(run.patterns[l][h, p, :p + 1]) if run.patterns else None})
        size = m.abs() * values.norm(dim=-1)
        neurons += [{"layer": l, "neuron": i, "activation": float(m[i]), "size": float(size[i]), "attribution": float(f[i])}
                    for i in range(len(m))]
    found["sum"] = total
    found["constant"] = total - found["embedding"] - sum(x["attention"] + x["feed_forward"] for x in found["layers"])
    order = lambda units: sorted(units, key=lambda x: -abs(x["attribution"]))
    return found, order(neurons)[:K], order(heads)


def best(logits, k=10):
    share = logits.softmax(-1)
    order = torch.argsort(logits, descending=True, stable=True)[:k]
    return [{"id": int(i), "logit": float(logits[i]), "probability": float(share[i])} for i in order]


def changes(model, paths, ids, name, p, run, found):
    """Each change: the command's flags, predictions after it and KL."""
    layers, heads_n = model.config.num_hidden_layers, model.config.num_attention_heads
    l = layers - 1
    n = found["neurons"][0]["neuron"] if found["neurons"] else 5
    nl = found["neurons"][0]["layer"] if found["neurons"] else l
    each = run.z[0].shape[1] // heads_n
    word = found["target"]
    address = lambda layer, neuron: mixtures.address(model.base_model, layer, neuron)

    def column(i, f, rows=slice(None)):
        def change(x):
            x[rows, i] = f(x[rows, i])
            return x
        return change

    def steer(x):
        w = model.get_output_embeddings().weight[word]
        x[:] += 2.5 * w / w.norm()
        return x

    head = slice(1 * each, 2 * each)
    at_p = slice(p, p + 1)
    list_ = [
        (["--ablate", address(nl, n)], {("m", nl): column(n, lambda x: x * 0)}),
        (["--ablate", address(nl, n) + "=mean"], {("m", nl): column(n, lambda x: x * 0 + run.m[nl][:, n].mean())}),
        (["--ablate", "L0.H1=mean"], {("z", 0): column(head, lambda x: x * 0 + run.z[0][:, head].mean(0))}),
        (["--ablate", f"L{l}.H1@{p}"], {("z", l): column(head, lambda x: x * 0, at_p)}),
        (["--scale", address(0, 3) + "=-2", "--scale", f"L{l}.H1=0.5"],
         {("m", 0): column(3, lambda x: x * -2), ("z", l): column(head, lambda x: x * 0.5)}),
        (["--set", address(l, 4) + f"=3.5@{p}"], {("m", l): column(4, lambda x: x * 0 + 3.5, at_p)}),
        (["--steer", f"L0:id:{word}=2.5"], {("resid", 0): steer}),
    ]
    out = []
    before = run.logits[p].log_softmax(-1)
    for flags, edits in list_:
        after = Run(model, paths, ids, name, edits).logits[p]
        log = after.log_softmax(-1)
        out.append({"flags": flags, "predictions": best(after), "kl": float((before.exp() * (before - log)).sum())})
    return out


def text_of(tokenizer, masked):
    """A text that the tiny vocabulary can spell, longer than the windows, and its ids."""
    words = ["ba di gu me", "bama di", "Nie wiem, gdzie on jest."]
    mask = next((m for m in ("[MASK]", "<mask>") if tokenizer.token_to_id(m) is not None), "")
    for text in words:
        text = text + " " + mask if masked and mask else text
        ids = tokenizer.encode(text).ids
        unknown = tokenizer.token_to_id("<unk>")
        if len(set(i for i in ids if i != unknown)) > 2 and len(ids) > 3:
            return text, ids
    text = "<s>\n</s>ż\n<pad>\n<unk>ż<s>\nż\n"
    return text, tokenizer.encode(text).ids


def ids_of(folder, name):
    path = os.path.join(folder, "tokenizer.json")
    if os.path.exists(path):
        return text_of(Tokenizer.from_file(path), name in MASKED)
    from transformers import AutoTokenizer
    text = "Nie wiem, gdzie on <mask>."
    return text, AutoTokenizer.from_pretrained(folder)(text)["input_ids"]


def answers(name):
    folder, paths = MODELS[name]
    auto = AutoModelForMaskedLM if name in MASKED else AutoModelForCausalLM
    attention = "sdpa" if name in SDPA else "eager"
    model = auto.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention).eval()
    follows = [] if name in MASKED else generated(model, ids_of(folder, name)[1])
    if name in mixtures.NAMES:
        mixtures.spread(model)
    layers = model.config.num_hidden_layers
    text, ids = ids_of(folder, name)
    run = Run(model, paths, ids, name)
    head = head_of(model)
    lens = [head(x) for x in run.states]
    # The head of this script is the model's own.
    assert (lens[-1] - run.logits).abs().max() < 1e-4, name
    p = len(ids) - 1
    additive = name not in MASKED and name != "opt-post"
    target = int(run.logits[p].argmax()) if not additive else int(torch.argsort(run.logits[p])[-3])
    against = int(torch.argsort(run.logits[p])[-1])
    found = {"text": text, "ids": ids, "position": p, "target": target, "against": against,
             "predictions": best(run.logits[p]),
             "lens": [[best(x, 1)[0] for x in state] for state in lens],
             "target_lens": [float(x[p, target]) for x in lens],
             "attribution": None, "neurons": [], "heads": []}
    if additive:
        found["attribution"], found["neurons"], found["heads"] = attribution(model, paths, run, name, p, target, against)
    else:
        sizes = []
        for l in range(layers):
            ff = at(model.base_model, paths[2].format(l))
            m = run.m[l][p]
            size = m.abs() * (ff(torch.eye(len(m))) - ff(torch.zeros(len(m)))).norm(dim=-1)
            sizes += [{"layer": l, "neuron": i, "activation": float(m[i]), "size": float(size[i])} for i in range(len(m))]
        found["neurons"] = sorted(sizes, key=lambda x: -x["size"])[:K]
    found["changes"] = changes(model, paths, ids, name, p, run, found)
    answer = {"prompt": found, "hooks": hooks(run, name, layers), "logits": kept(run.logits)}
    if name not in MASKED:
        answer["generated"] = follows
    return answer


def generated(model, ids, tokens=8):
    """Greedily, by the model's own cache; special tokens end nothing."""
    model.generation_config.eos_token_id = None
    tokens = min(tokens, getattr(model.config, "max_position_embeddings", 1 << 20) - len(ids))
    text = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                          max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    return text[0, len(ids):].tolist()


def main():
    torch.set_grad_enabled(False)
    path = os.path.join(HERE, "answers.json")
    names = sys.argv[1:] or list(MODELS)
    found = json.load(open(path, encoding="utf-8")) if sys.argv[1:] and os.path.exists(path) else {}
    for name in names:
        found[name] = answers(name)
        print(name, len(found[name]["prompt"]["ids"]), repr(found[name]["prompt"]["text"]))
    rounding = lambda x: ({k: rounding(v) for k, v in x.items()} if isinstance(x, dict) else
                          [rounding(v) for v in x] if isinstance(x, list) else
                          float(f"{x:.6g}") if isinstance(x, float) else x)
    with open(path, "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(rounding(v), ensure_ascii=False)}" for k, v in found.items()) + "\n}\n")


if __name__ == "__main__":
    main()
