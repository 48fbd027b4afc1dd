#!/usr/bin/env python3
"""Make later.json: for checkpoints of ../families what a GGUF file of each holds, as llama.cpp's converter writes it
(conversion/*.py). The test writes the files from it and from the checkpoints' own numbers, so that none is stored twice.

    python later.py

    {NAME: {"instead": what GGUF cannot say, and so the checkpoint's configuration must, "keys": [[key, type, value]…],
            "tensors": [[name, type, shape, "runs" | "numbers" | "bytes", content]…]}}

type of a key: u32, f32, bool, string, or one of them with [] behind it. Shapes are PyTorch's. runs: [first, count, step]…
of the checkpoint's 16-bit numbers, counted from the start of its data; numbers of F32 are widened. numbers: as they are.
bytes: in hexadecimal. Needs: numpy, gguf, safetensors, torch.
"""
import json
import os
import struct

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from safetensors.torch import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
FAMILIES = os.path.join(HERE, "..", "families")

# checkpoint: architecture
MODELS = {
    "olmo": "olmo", "olmo2": "olmo2", "olmo3": "olmo2", "starcoder2": "starcoder2", "stablelm": "stablelm", "stablelm-qk": "stablelm",
    "cohere": "command-r", "cohere2": "cohere2", "granite": "granite", "smollm3": "smollm3", "mistral3": "mistral3",
    "ministral3": "mistral3", "glm": "chatglm", "glm4": "glm4", "exaone4": "exaone4", "seed-oss": "seed_oss", "ernie4-5": "ernie4_5",
    "nemotron": "nemotron", "arcee": "arcee", "mixtral": "llama", "qwen2-moe": "qwen2moe", "qwen3-moe": "qwen3moe", "olmoe": "olmoe",
    "gpt-oss": "gpt-oss", "gpt-oss-mxfp4": "gpt-oss", "granitemoe": "granitemoe", "deepseek-v2": "deepseek2",
    "deepseek-v3": "deepseek2", "glm4-moe": "glm4moe", "xlm-roberta": "bert",
}
PERMUTED = {"llama", "mistral3", "granite", "granitemoe", "smollm3", "arcee", "olmo"}
# What no key of GGUF says: llama.cpp has it in its code, or does without.
INSTEAD = {
    "smollm3": {"no_rope_layers": [1, 1], "no_rope_layer_interval": 4},
    "cohere2": {"layer_types": ["sliding_attention", "sliding_attention"]},
    "gpt-oss": {"swiglu_limit": 7.0},
    "deepseek-v3": {"rope_parameters": {"factor": 4.0, "mscale": 0.7, "mscale_all_dim": 0.7, "original_max_position_embeddings": 26,
                                        "rope_theta": 10000.0, "rope_type": "yarn"}},
}


def permute(w, heads):
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def runs(index):
    """Indices as [first, count, step]…"""
    index = [int(i) for i in index.ravel()]
    found, at = [], 0
    while at < len(index):
        step = index[at + 1] - index[at] if at + 1 < len(index) else 1
        end = at + 1
        while end < len(index) and index[end] - index[end - 1] == step:
            end += 1
        found.append([index[at], end - at, step])
        at = end
    return found


def keys(name, arch, config, shapes):
    w = gguf.GGUFWriter("/dev/null", arch)
    c = config.get
    layers, heads, d = c("num_hidden_layers"), c("num_attention_heads"), c("hidden_size")
    kv = c("num_key_value_heads") or heads
    d_head = c("head_dim") or d // heads
    predicting = 1 if arch == "glm4moe" else 0
    w.add_block_count(layers + predicting)
    if predicting:
        w.add_nextn_predict_layers(predicting)
    w.add_context_length(c("max_position_embeddings") - (c("pad_token_id") + 1 if arch == "bert" else 0))
    w.add_embedding_length(d)
    w.add_feed_forward_length(c("intermediate_size"))
    w.add_head_count(heads)
    w.add_head_count_kv(1 if name == "deepseek-v3" else kv)
    w.add_vocab_size(c("vocab_size"))
    eps = c("layer_norm_eps") or c("norm_epsilon") or c("norm_eps")
    if "rms_norm_eps" in config:
        w.add_layer_norm_rms_eps(config["rms_norm_eps"])
    elif arch == "olmo" or eps:
        w.add_layer_norm_eps(eps or 1e-5)
    if c("head_dim") and arch not in ("granite", "granitemoe", "deepseek2"):
        w.add_key_length(d_head)
        w.add_value_length(d_head)
    if arch == "bert":
        w.add_causal_attention(False)
        return w
    rope = c("rope_parameters") or {}
    rope = rope.get("full_attention", rope)
    w.add_rope_freq_base(rope["rope_theta"])
    if arch == "deepseek2":
        w.add_rope_dimension_count(c("qk_rope_head_dim"))
    else:
        w.add_rope_dimension_count(int(d_head * rope.get("partial_rotary_factor", 1.0)))
    if rope["rope_type"] == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(rope["factor"])
        w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        for key, add in (("beta_fast", w.add_rope_scaling_yarn_beta_fast), ("beta_slow", w.add_rope_scaling_yarn_beta_slow)):
            if key in rope:
                add(rope[key])
        if "mscale_all_dim" in rope:
            w.add_rope_scaling_yarn_log_mul(rope["mscale_all_dim"] * (0.1 if arch == "deepseek2" else 1))
        if "llama_4_scaling_beta" in rope:
            w.add_attn_temperature_scale(rope["llama_4_scaling_beta"])
    elif arch in ("command-r", "cohere2", "nemotron"):
        w.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    if c("sliding_window") and arch != "llama":
        w.add_sliding_window(config["sliding_window"])
        if arch in ("olmo2", "exaone4"):
            w.add_sliding_window_pattern([kind == "sliding_attention" for kind in config["layer_types"]])
    elif arch == "llama":
        w.add_sliding_window(config["sliding_window"])
    if "use_parallel_residual" in config:
        w.add_parallel_residual(config["use_parallel_residual"])
    if c("clip_qkv"):
        w.add_clamp_kqv(config["clip_qkv"])
    for key, add in (("attention_multiplier", w.add_attention_scale), ("embedding_multiplier", w.add_embedding_scale),
                     ("residual_multiplier", w.add_residual_scale), ("logits_scaling", w.add_logit_scale), ("logit_scale", w.add_logit_scale)):
        if c(key):
            add(config[key])
    experts = c("num_local_experts") or c("num_experts") or c("n_routed_experts")
    if experts:
        w.add_expert_count(experts)
        w.add_expert_used_count(c("num_experts_per_tok"))
        if c("moe_intermediate_size") or arch == "gpt-oss":
            w.add_expert_feed_forward_length(c("moe_intermediate_size") or c("intermediate_size"))
        if c("shared_expert_intermediate_size"):
            w.add_expert_shared_feed_forward_length(config["shared_expert_intermediate_size"])
    if "n_routed_experts" in config:
        w.add_expert_shared_count(c("n_shared_experts"))
        w.add_leading_dense_block_count(c("first_k_dense_replace"))
        w.add_expert_weights_scale(c("routed_scaling_factor"))
        w.add_expert_weights_norm(c("norm_topk_prob"))
        w.add_expert_gating_func(gguf.ExpertGatingFuncType.SOFTMAX if name == "deepseek-v2" else gguf.ExpertGatingFuncType.SIGMOID)
        w.add_expert_group_count(c("n_group"))
        w.add_expert_group_used_count(c("topk_group"))
    if arch == "deepseek2":
        rank, of_key = c("kv_lora_rank"), c("qk_nope_head_dim") + c("qk_rope_head_dim")
        if c("q_lora_rank"):
            w.add_q_lora_rank(config["q_lora_rank"])
        w.add_kv_lora_rank(rank)
        if name == "deepseek-v2":  # as the converter wrote it before it split the map
            w.add_key_length(of_key)
            w.add_value_length(c("v_head_dim"))
        else:
            w.add_key_length(rank + c("qk_rope_head_dim"))
            w.add_value_length(rank)
            w.add_key_length_mla(of_key)
            w.add_value_length_mla(c("v_head_dim"))
    return w


def stored(writer):
    kinds = {"UINT32": "u32", "FLOAT32": "f32", "BOOL": "bool", "STRING": "string", "INT32": "u32"}
    for key, value in writer.kv_data[0].items():
        if value.type.name == "ARRAY":
            inner = "bool" if isinstance(value.value[0], bool) else "u32"
            yield [key, inner + "[]", list(value.value)]
        else:
            yield [key, kinds[value.type.name], value.value if not hasattr(value.value, "value") else value.value.value]


def nibbles(blocks, scales):
    """A block of GGUF: its exponent, then number i in the low bits of byte i and number i + 16 in the high ones."""
    codes = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*blocks.shape[:-1], 32)
    joined = codes[..., :16] | codes[..., 16:] << 4
    return np.concatenate([scales[..., None], joined], axis=-1).astype(np.uint8)


def tensors(name, arch, config, path):
    raw = open(path, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    numbers = load_file(path)
    layers, heads = config["num_hidden_layers"], config["num_attention_heads"]
    kv = config.get("num_key_value_heads") or heads
    names = gguf.get_tensor_name_map({v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch], layers)
    # Qwen2-MoE's has no layers without experts, which one here is.
    plain = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, layers)
    fused, norms = {}, {}

    def put(full, index, kind="runs"):
        suffixes = (".weight", ".bias")
        new = names.get_name(full, try_suffixes=suffixes) or plain.get_name(full, try_suffixes=suffixes)
        if new is None:
            raise SystemExit(f"{name}: {full}")
        if kind == "numbers":
            return [new, "F32", list(index.shape), kind, [float(x) for x in index.ravel()]]
        return [new, "F32" if index.ndim == 1 or ".attn_q_norm" in new or ".attn_k_norm" in new else "BF16", list(index.shape), kind, runs(index)]

    for full, about in header.items():
        short = full.replace("language_model.model.", "model.").replace("language_model.lm_head", "lm_head")
        short = short.removeprefix("roberta.")
        if arch == "bert" and short.startswith("lm_head"):
            continue
        if about["dtype"] == "U8":
            if short.endswith("_scales"):
                continue
            blocks, scales = numbers[full].numpy(), numbers[full.replace("_blocks", "_scales")].numpy()
            halves = {"down_proj": slice(None)} if "down_proj" in short else {"gate_proj": slice(0, None, 2), "up_proj": slice(1, None, 2)}
            for half, rows in halves.items():
                made = nibbles(blocks[:, rows], scales[:, rows])
                new = names.get_name(short.split(".experts.")[0] + f".experts.{half}")
                yield [new + ".weight", "MXFP4", [*made.shape[:2], made.shape[2] * 32], "bytes", made.tobytes().hex()]
            continue
        assert about["dtype"] == "BF16"
        index = np.arange(np.prod(about["shape"]), dtype=np.int64).reshape(about["shape"]) + about["data_offsets"][0] // 2
        layer = short.split("layers.")[1].split(".")[0] if "layers." in short else None
        before = f"model.layers.{layer}."
        if arch in PERMUTED and ".q_proj." in short:
            index = permute(index, heads)
        if arch in PERMUTED and ".k_proj." in short:
            index = permute(index, kv)
        if arch == "nemotron" and short.endswith("norm.weight"):
            yield put(short, numbers[full].float().numpy() + 1, "numbers")
        elif arch == "bert" and short == "embeddings.position_embeddings.weight":
            yield put(short, index[config["pad_token_id"] + 1:])
        elif short.endswith("gate_up_proj") or short.endswith("gate_up_proj_bias") or short.endswith("input_linear.weight"):
            kind = "bias" if short.endswith("_bias") else "weight"
            if arch == "gpt-oss":
                index = index.swapaxes(-1, -2) if kind == "weight" else index
                halves = index[:, 0::2], index[:, 1::2]
            else:
                halves = np.split(index, 2, axis=1)
            for half, part in zip(("gate", "up"), halves):
                yield [f"blk.{layer}.ffn_{half}_exps.{kind}", "F32" if kind == "bias" else "BF16", list(part.shape), "runs", runs(part)]
        elif ".experts." in short and short.endswith(("experts.down_proj", "down_proj_bias")):
            kind = "bias" if short.endswith("_bias") else "weight"
            index = index.swapaxes(-1, -2) if arch == "gpt-oss" and kind == "weight" else index
            yield [f"blk.{layer}.ffn_down_exps.{kind}", "F32" if kind == "bias" else "BF16", list(index.shape), "runs", runs(index)]
        elif ".experts." in short:
            where, number, part, kind = short.rsplit(".", 3)
            fused.setdefault((where, part, kind), {})[int(number)] = index
        elif "_layernorm.norms." in short:
            where, _, number, kind = short.rsplit(".", 3)
            norms.setdefault(where, {})[int(number)] = index
        elif short.endswith("kv_b_proj.weight") and name == "deepseek-v3":
            nope, value = config["qk_nope_head_dim"], config["v_head_dim"]
            by_head = index.reshape(heads, nope + value, -1)
            yield put(before + "self_attn.k_b_proj.weight", by_head[:, :nope].swapaxes(1, 2))
            yield put(before + "self_attn.v_b_proj.weight", by_head[:, nope:])
        elif short.endswith("e_score_correction_bias"):
            yield put(short.replace("_bias", ".bias"), index)
        elif short.endswith(".sinks"):
            yield put(short + ".weight", index)
        else:
            yield put(short, index)
    for (where, part, kind), each in fused.items():
        where = where.replace("model.", "").replace("block_sparse_moe", "feed_forward") if "block_sparse_moe" in where else where
        yield put(f"{where}.{part}.{kind}", np.stack([each[i] for i in sorted(each)]))
    for where, each in norms.items():
        yield put(where + ".weight", np.stack([each[i] for i in sorted(each)]))


def model(name, arch):
    path = os.path.join(FAMILIES, name)
    config = json.load(open(os.path.join(path, "config.json")))
    instead = INSTEAD.get(name, {})
    config = {**config, **config.get("text_config", {}), **instead}
    return {"instead": instead, "keys": list(stored(keys(name, arch, config, None))),
            "tensors": list(tensors(name, arch, config, os.path.join(path, "model.safetensors")))}


if __name__ == "__main__":
    made = {name: model(name, arch) for name, arch in MODELS.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}" for name, one in made.items()]
    open(os.path.join(HERE, "later.json"), "w").write("{\n" + ",\n".join(lines) + "\n}\n")
