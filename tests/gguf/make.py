#!/usr/bin/env python3
"""Make the GGUF files of this folder.

    python make.py

NAME.gguf holds the numbers of ../families/NAME (of gpt2 and bert: of the folder NAME here) as llama.cpp's converter writes
them (conversion/*.py): tensors by gguf's own map of names, rows of queries and keys permuted for Llama, 1 added to Gemma's
norms, GPT-2's maps transposed, fused maps regrouped, positions cut. qwen3 is written in three shards, qwen2 with an output
matrix although it is tied.

blocks.gguf is a Llama whose layers have their gate, up and down maps in the types of LAYERS. blocks.safetensors holds rows and
columns of them as gguf's numpy code dequantises them: L.gate and L.up [2, 256] (rows 0, 31), L.down [2, 256] (columns 0, 21),
embedding [3, 256] (rows 0, 50, 95).

Needs: numpy, gguf, safetensors, torch (bfloat16 in safetensors).
"""
import json
import math
import os

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
FAMILIES = os.path.join(HERE, "..", "families")

# checkpoint: architecture
MODELS = {
    "llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma": "gemma",
    "gemma2": "gemma2", "gemma3-text": "gemma3", "phi": "phi2", "phi3": "phi3", "gpt-neox": "gptneox", "gpt2": "gpt2",
    "falcon": "falcon", "falcon-7b": "falcon", "bloom": "bloom", "bert": "bert", "roberta": "bert", "distilbert": "bert",
    "modernbert": "modern-bert",
}


def first(config, *keys):
    return next((config[k] for k in keys if config.get(k) is not None), None)


def permute(w, heads):
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def regroup(w, heads, kv, d_head):
    """Group after group of queries, key, value -> all queries, all keys, all values."""
    g = w.reshape(kv, heads // kv + 2, d_head, *w.shape[1:])
    parts = [g[:, :-2], g[:, [-2]], g[:, [-1]]]
    return np.concatenate([p.reshape(-1, *w.shape[1:]) for p in parts])


def folder(name):
    own = os.path.join(HERE, name)
    return own if os.path.isdir(own) else os.path.join(FAMILIES, name)


def tokens(writer, path):
    vocab = json.load(open(os.path.join(path, "tokenizer.json")))
    special = {t["id"] for t in vocab["added_tokens"] if t["special"]}
    by_id = {i: t for t, i in vocab["model"]["vocab"].items()}
    names = [by_id[i] for i in range(len(by_id))]
    byte = [n.startswith("<0x") for n in names]
    kinds = [3 if i in special else 6 if b else 1 for i, b in enumerate(byte)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(names)
    writer.add_token_scores([-float(i) for i in range(len(names))])
    writer.add_token_types(kinds)
    writer.add_add_space_prefix(False)


def rope(writer, config, d_head, extra):
    given = config.get("rope_parameters") or {}
    full, sliding = given.get("full_attention"), given.get("sliding_attention")
    scaling = config.get("rope_scaling") or full or given
    theta = first(config, "rope_theta", "rotary_emb_base", "global_rope_theta") or scaling.get("rope_theta")
    if theta is None:
        return
    writer.add_rope_freq_base(theta)
    local = (sliding or {}).get("rope_theta") or config.get("local_rope_theta")
    if local:
        writer.add_rope_freq_base_swa(local)
    share = first(config, "partial_rotary_factor", "rotary_pct") or 1.0
    writer.add_rope_dimension_count(int(d_head * share))
    kind = scaling.get("rope_type") or scaling.get("type")
    trained = scaling.get("original_max_position_embeddings") or config.get("original_max_position_embeddings")
    if kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(scaling["factor"])
        writer.add_rope_scaling_orig_ctx_len(trained)
    if kind == "llama3":
        frequencies = 1.0 / theta ** (np.arange(0, d_head, 2, dtype=np.float32) / d_head)
        low, high, factor = scaling["low_freq_factor"], scaling["high_freq_factor"], scaling["factor"]
        factors = []
        for frequency in frequencies:
            length = 2 * math.pi / frequency
            smooth = min(max((trained / length - low) / (high - low), 0), 1)
            factors.append(1 / ((1 - smooth) / factor + smooth))
        extra["rope_freqs.weight"] = np.array(factors, dtype=np.float32)
    if kind == "longrope":
        ratio = config["max_position_embeddings"] / trained
        writer.add_rope_scaling_orig_ctx_len(trained)
        writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(ratio) / math.log(trained)))
        extra["rope_factors_short.weight"] = np.array(scaling["short_factor"], dtype=np.float32)
        extra["rope_factors_long.weight"] = np.array(scaling["long_factor"], dtype=np.float32)


def keys(writer, name, config, sizes, extra):
    layers, heads, kv, d_head, d_model = sizes
    writer.add_context_length(sizes_of_positions(config))
    writer.add_embedding_length(d_model)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(first(config, "intermediate_size", "ffn_hidden_size", "hidden_dim", "n_inner") or 4 * d_model)
    writer.add_head_count(heads)
    # An array where several architectures have one.
    writer.add_head_count_kv([kv] * layers if name == "qwen3" else kv)
    if config.get("head_dim"):
        writer.add_key_length(d_head)
        writer.add_value_length(d_head)
    if "rms_norm_eps" in config:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(first(config, "layer_norm_eps", "layer_norm_epsilon", "norm_eps") or 1e-12)
    if config.get("attn_logit_softcapping"):
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
    if config.get("query_pre_attn_scalar"):
        writer.add_attention_scale(config["query_pre_attn_scalar"] ** -0.5)
    window = first(config, "sliding_window", "local_attention")
    if window:
        writer.add_sliding_window(window)
        if "layer_types" in config:
            writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in config["layer_types"]])
    if "use_parallel_residual" in config:
        writer.add_parallel_residual(config["use_parallel_residual"])
    rope(writer, config, d_head, extra)


def sizes_of_positions(config):
    positions = first(config, "max_position_embeddings", "n_positions") or 2048
    return positions - (config["pad_token_id"] + 1 if config["model_type"] == "roberta" else 0)


def model(name, arch):
    path = folder(name)
    config = json.load(open(os.path.join(path, "config.json")))
    kind = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch]
    layers = first(config, "num_hidden_layers", "n_layer", "n_layers")
    heads = first(config, "num_attention_heads", "n_head", "n_heads")
    d_model = first(config, "hidden_size", "n_embd", "dim")
    kv = first(config, "num_key_value_heads", "num_kv_heads") or heads
    if name == "falcon-7b":
        kv = 1
    d_head = config.get("head_dim") or d_model // heads
    writer = gguf.GGUFWriter(os.path.join(HERE, name + ".gguf"), arch, split_max_tensors=12 if name == "qwen3" else 0)
    extra = {}
    keys(writer, name, config, (layers, heads, kv, d_head, d_model), extra)
    tokens(writer, path)
    names = gguf.get_tensor_name_map(kind, layers)
    out = {}
    for full, tensor in load_file(os.path.join(path, "model.safetensors")).items():
        short = full
        for prefix in ("roberta.", "distilbert.", "bert.") + {"modern-bert": ("model.",), "bloom": ("transformer.",)}.get(arch, ()):
            short = short.removeprefix(prefix)
        new = names.get_name(short, try_suffixes=(".weight", ".bias"))
        if arch in ("bert", "modern-bert") and (new is None or new.startswith("cls")):
            continue
        if new is None:
            raise SystemExit(f"{name}: {full}")
        w = tensor.float().numpy()
        if arch == "llama" and ".attn_q." in new:
            w = permute(w, heads)
        if arch == "llama" and ".attn_k." in new:
            w = permute(w, kv)
        if arch.startswith("gemma") and new.endswith("norm.weight"):
            w = w + 1
        if arch == "gpt2" and w.ndim == 2 and new.startswith("blk."):
            w = w.T
        if arch in ("bloom", "gptneox", "falcon") and ".attn_qkv." in new:
            w = regroup(w, heads, kv, d_head)
        if name == "roberta" and new == "position_embd.weight":
            w = w[config["pad_token_id"] + 1:]
        # As the converter keeps the type: matrices only.
        kind = {torch.bfloat16: T.BF16, torch.float16: T.F16}.get(tensor.dtype, T.F32) if w.ndim == 2 else T.F32
        out[new] = (gguf.quants.quantize(np.ascontiguousarray(w), kind), kind)
    if name == "qwen2":
        out["output.weight"] = out["token_embd.weight"]
    # What no family has is left alone.
    extra["blk.0.unheard_of.weight"] = np.zeros(3, dtype=np.float32)
    for new, w in extra.items():
        writer.add_tensor(new, w)
    for new, (w, kind) in out.items():
        writer.add_tensor(new, w, raw_dtype=kind)
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# By layer: gate, up, down. No code here reads IQ2_XXS.
LAYERS = [(T.Q4_0, T.Q4_1, T.Q4_0), (T.Q5_0, T.Q5_1, T.Q4_1), (T.Q8_0, T.Q2_K, T.Q5_0), (T.Q3_K, T.Q4_K, T.Q5_1), (T.Q5_K, T.Q6_K, T.Q8_0),
          (T.IQ4_NL, T.IQ4_XS, T.IQ4_NL), (T.MXFP4, T.F16, T.MXFP4), (T.IQ2_XXS, T.Q6_K, T.Q4_0)]
# Where a block's scales in f16 begin; all else may be any bits.
SCALES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2],
          T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0], T.IQ2_XXS: [0]}


def stored(rng, kind, shape):
    """Random blocks of a type, and their numbers."""
    numbers, size = gguf.GGML_QUANT_SIZES[kind]
    if kind in (T.F32, T.F16, T.BF16):
        raw = gguf.quants.quantize(rng.standard_normal(shape, dtype=np.float32) / 8, kind)
    else:
        blocks = rng.integers(0, 256, (math.prod(shape) // numbers, size), dtype=np.uint8)
        for at in SCALES.get(kind, []):
            scale = (rng.uniform(0.5, 2, len(blocks)) * rng.choice([-1, 1], len(blocks)) / 4096).astype(np.float16)
            blocks[:, at:at + 2] = scale.view(np.uint8).reshape(-1, 2)
        if kind == T.MXFP4:
            blocks[:, 0] = rng.integers(118, 126, len(blocks))
            blocks[0, 0], blocks[1, 0] = 0, 1
        raw = blocks.reshape(*shape[:-1], shape[-1] // numbers * size)
    return raw, gguf.quants.dequantize(raw, kind).astype(np.float32).reshape(shape)


def blocks():
    rng = np.random.default_rng(3)
    d_model, d_ff, vocab = 256, 32, 96
    writer = gguf.GGUFWriter(os.path.join(HERE, "blocks.gguf"), "llama")
    config = dict(max_position_embeddings=64, intermediate_size=d_ff, rms_norm_eps=1e-5, head_dim=4, rope_theta=10000.0, model_type="llama")
    keys(writer, "blocks", config, (len(LAYERS), 1, 1, 4, d_model), {})
    tokens(writer, folder("llama"))
    answers = {}

    def add(name, kind, shape):
        raw, numbers = stored(rng, kind, shape)
        writer.add_tensor(name, raw, raw_dtype=kind)
        return numbers

    answers["embedding"] = add("token_embd.weight", T.Q6_K, (vocab, d_model))[[0, 50, 95]]
    add("output_norm.weight", T.F32, (d_model,))
    for i, (gate, up, down) in enumerate(LAYERS):
        b = f"blk.{i}."
        for norm in ("attn_norm", "ffn_norm"):
            add(f"{b}{norm}.weight", T.F32, (d_model,))
        for m in ("q", "k", "v"):
            add(f"{b}attn_{m}.weight", T.Q8_0, (4, d_model))
        add(f"{b}attn_output.weight", T.F16, (d_model, 4))
        answers[f"{i}.gate"] = add(f"{b}ffn_gate.weight", gate, (d_ff, d_model))[[0, 31]]
        answers[f"{i}.up"] = add(f"{b}ffn_up.weight", up, (d_ff, d_model))[[0, 31]]
        answers[f"{i}.down"] = add(f"{b}ffn_down.weight", down, (d_model, d_ff))[:, [0, 21]].T
    finish(writer)
    save_file({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in answers.items()}, os.path.join(HERE, "blocks.safetensors"))


def random_checkpoint(name, config, shapes):
    path = os.path.join(HERE, name)
    os.makedirs(path, exist_ok=True)
    rng = np.random.default_rng(len(name))
    tensors = {k: torch.from_numpy(rng.standard_normal(s, dtype=np.float32) / 4).bfloat16() for k, s in shapes.items()}
    save_file(tensors, os.path.join(path, "model.safetensors"))
    open(os.path.join(path, "config.json"), "w").write(json.dumps(config, indent=1) + "\n")
    shared = open(os.path.join(FAMILIES, "llama", "tokenizer.json")).read()
    open(os.path.join(path, "tokenizer.json"), "w").write(shared)


def gpt2_and_bert():
    d, v, f, p = 16, 96, 64, 32
    norm = lambda n: {f"{n}.weight": (d,), f"{n}.bias": (d,)}
    h = {"wte.weight": (v, d), "wpe.weight": (p, d), **norm("ln_f")}
    for i in range(2):
        b = f"h.{i}."
        h |= {**norm(b + "ln_1"), **norm(b + "ln_2")}
        for m, (n_in, n_out) in {"attn.c_attn": (d, 3 * d), "attn.c_proj": (d, d), "mlp.c_fc": (d, f), "mlp.c_proj": (f, d)}.items():
            h |= {f"{b}{m}.weight": (n_in, n_out), f"{b}{m}.bias": (n_out,)}
    config = dict(model_type="gpt2", n_embd=d, n_head=4, n_layer=2, n_positions=p, vocab_size=v, layer_norm_epsilon=1e-5)
    random_checkpoint("gpt2", config, {"transformer." + k: s for k, s in h.items()})
    e = "embeddings."
    h = {e + "word_embeddings.weight": (v, d), e + "position_embeddings.weight": (p, d), e + "token_type_embeddings.weight": (2, d),
         **norm(e + "LayerNorm")}
    for i in range(2):
        b = f"encoder.layer.{i}."
        h |= {**norm(b + "attention.output.LayerNorm"), **norm(b + "output.LayerNorm")}
        for m, (n_in, n_out) in {"attention.self.query": (d, d), "attention.self.key": (d, d), "attention.self.value": (d, d),
                                 "attention.output.dense": (d, d), "intermediate.dense": (d, f), "output.dense": (f, d)}.items():
            h |= {f"{b}{m}.weight": (n_out, n_in), f"{b}{m}.bias": (n_out,)}
    config = dict(model_type="bert", hidden_size=d, num_attention_heads=4, num_hidden_layers=2, intermediate_size=f,
                  max_position_embeddings=p, vocab_size=v, type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12)
    random_checkpoint("bert", config, {"bert." + k: s for k, s in h.items()})


if __name__ == "__main__":
    gpt2_and_bert()
    for name, arch in MODELS.items():
        model(name, arch)
    blocks()
