#!/usr/bin/env python3
"""Make the tiny checkpoints of families with experts, and what PyTorch answers about them.

    python experts.py [NAME ...]

As make.py, whose answers about heads and states these are too. A neuron of an expert is numbered through the layer:
expert after expert, then the shared one. Its key and value are rows and columns of the module's own parameters, and
"router" is what the router's map makes of the embedding: its row less the mean of the rows.

Needs: torch, transformers, tokenizers, safetensors.
"""
import json
import os
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

import make
from make import DISTANCE, GATED, HERE, OWN_HEADS, VOCAB, YARN, at, best

EXPERTS = 4
PATHS = ("layers.{}.self_attn", ["layers.{}.gate_map", "layers.{}.up_map"], "layers.{}.out_map",
         "layers.{}.self_attn.o_proj")
QWEN = dict(num_experts=EXPERTS, num_experts_per_tok=2, moe_intermediate_size=12, decoder_sparse_step=1)
# Values are wider than queries and keys in none of the models; here they are.
LATENT = dict(GATED, num_key_value_heads=4, moe_intermediate_size=12, n_routed_experts=EXPERTS, num_experts_per_tok=2,
              first_k_dense_replace=1, n_group=2, topk_group=1, routed_scaling_factor=1.5, kv_lora_rank=10,
              qk_nope_head_dim=6, qk_rope_head_dim=4, v_head_dim=12)
FAMILIES = {
    "mixtral": ("mixtral", dict(OWN_HEADS, intermediate_size=12, num_local_experts=EXPERTS, num_experts_per_tok=2,
                                sliding_window=8)),
    "qwen2-moe": ("qwen2_moe", dict(GATED, **QWEN, shared_expert_intermediate_size=20, norm_topk_prob=False,
                                    mlp_only_layers=[0])),
    "gpt-oss": ("gpt_oss", dict(OWN_HEADS, intermediate_size=12, num_local_experts=EXPERTS, num_experts_per_tok=2,
                                sliding_window=8, swiglu_limit=1.5,
                                rope_parameters=dict(YARN, truncate=False))),
    "gpt-oss-mxfp4": ("gpt_oss", dict(OWN_HEADS, hidden_size=32, intermediate_size=32, num_local_experts=EXPERTS,
                                      num_experts_per_tok=2, sliding_window=8)),
    "deepseek-v2": ("deepseek_v2", dict(LATENT, q_lora_rank=None, n_shared_experts=2, norm_topk_prob=False,
                                        topk_method="group_limited_greedy")),
    "deepseek-v3": ("deepseek_v3", dict(LATENT, q_lora_rank=12, n_shared_experts=1, norm_topk_prob=True,
                                        rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=0.7))),
    "glm4-moe": ("glm4_moe", dict(OWN_HEADS, moe_intermediate_size=12, n_routed_experts=EXPERTS, n_shared_experts=1,
                                  num_experts_per_tok=2, first_k_dense_replace=0, use_qk_norm=True,
                                  attention_bias=True, routed_scaling_factor=1.5)),
    "olmoe": ("olmoe", dict(GATED, clip_qkv=0.5, intermediate_size=12, num_experts=EXPERTS, num_experts_per_tok=2,
                            norm_topk_prob=False)),
    "granitemoe": ("granitemoe", dict(GATED, intermediate_size=12, num_local_experts=EXPERTS, num_experts_per_tok=2,
                                      embedding_multiplier=6.0, residual_multiplier=0.3, attention_multiplier=0.2,
                                      logits_scaling=3.0)),
    "qwen3-moe": ("qwen3_moe", dict(OWN_HEADS, **QWEN, norm_topk_prob=True)),
}
# Saved with all experts of a layer in one tensor.
FUSED = {"qwen2-moe"}


def part(layer):
    """The feed-forward part."""
    return layer.mlp if hasattr(layer, "mlp") else layer.block_sparse_moe


def maps_of(mlp, expert):
    """Gate and up `[d, f]` and down `[f, d]` of an expert; of the shared one with `None`."""
    if expert is None:
        shared = getattr(mlp, "shared_expert", None) or mlp.shared_experts
        return shared.gate_proj.weight.T, shared.up_proj.weight.T, shared.down_proj.weight.T
    inputs, down = mlp.experts.gate_up_proj[expert], mlp.experts.down_proj[expert]
    if hasattr(mlp.experts, "gate_up_proj_bias"):
        return inputs[:, ::2], inputs[:, 1::2], down
    gate, up = inputs.chunk(2, dim=0)
    return gate.T, up.T, down.T


def attach(layer, maps):
    """The maps as linear modules of a layer, for make.py to look at."""
    for name, weight in zip(["gate_map", "up_map", "out_map"], maps):
        module = torch.nn.Linear(*weight.shape, bias=False)
        module.weight.copy_(weight.T)
        setattr(layer, name, module)


def columns(read, written, source, value):
    k, v = read @ source, written @ value
    return {"K": best(k), "V": best(v), "-K": best(-k), "-V": best(-v)}


def neurons(model, read, written):
    found = []
    for number, layer in enumerate(model.base_model.layers):
        mlp = part(layer)
        if not hasattr(mlp, "experts"):
            places = [(None, 7)]
        else:
            each = maps_of(mlp, 0)[0].shape[1]
            places = [(2, 5), (EXPERTS - 1, each - 1)]
            places += [("shared", 3)] * (hasattr(mlp, "shared_expert") or hasattr(mlp, "shared_experts"))
        for expert, neuron in places:
            if expert is None:
                maps, first = (mlp.gate_proj.weight.T, mlp.up_proj.weight.T, mlp.down_proj.weight.T), 0
            else:
                shared = expert == "shared"
                maps, first = maps_of(mlp, None if shared else expert), each * (EXPERTS if shared else expert)
            for key, source in zip(["gate", "up"], maps):
                found.append({"layer": number, "neuron": first + neuron, "key": key,
                              "expert": None if expert is None else {"number": expert, "neuron": neuron},
                              "columns": columns(read, written, source[:, neuron], maps[2][neuron])})
    return found


def routers(model, read):
    """By layer: the words that call an expert, and of every token the expert that its embedding has first."""
    found = []
    for number, layer in enumerate(model.base_model.layers):
        mlp = part(layer)
        if hasattr(mlp, "experts"):
            rows = (mlp.gate if hasattr(mlp, "gate") else mlp.router).weight
            apart = rows - rows.mean(0)
            scores = read @ apart[1]
            found.append({"layer": number, "expert": 1, "calls": best(scores), "turns_away": best(-scores),
                          "first": (read @ rows.T).argmax(-1).tolist()})
    return found


def fuse(folder):
    """All experts of a layer in one tensor, as transformers holds them in memory."""
    weights = os.path.join(folder, "model.safetensors")
    tensors = load_file(weights)
    layers = sorted({n.split(".mlp.experts.")[0] for n in tensors if ".mlp.experts." in n})
    for layer in layers:
        one = [{m: tensors.pop(f"{layer}.mlp.experts.{e}.{m}_proj.weight") for m in ["gate", "up", "down"]}
               for e in range(EXPERTS)]
        tensors[f"{layer}.mlp.experts.gate_up_proj"] = torch.stack([torch.cat([e["gate"], e["up"]]) for e in one])
        tensors[f"{layer}.mlp.experts.down_proj"] = torch.stack([e["down"] for e in one])
    save_file(tensors, weights, metadata={"format": "pt"})


def blocks(model, folder, seed):
    """Experts as 4-bit floats in blocks, drawn anew; the model takes what transformers makes of them."""
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    weights = os.path.join(folder, "model.safetensors")
    tensors = load_file(weights)
    torch.manual_seed(seed)
    for number, layer in enumerate(model.base_model.layers):
        for name in ["gate_up_proj", "down_proj"]:
            parameter = getattr(layer.mlp.experts, name)
            experts, inputs, outputs = parameter.shape
            codes = torch.randint(0, 256, (experts, outputs, inputs // 32, 16), dtype=torch.uint8)
            scales = torch.randint(122, 126, (experts, outputs, inputs // 32), dtype=torch.uint8)
            parameter.copy_(convert_moe_packed_tensors(codes, scales).float())
            full = f"model.layers.{number}.mlp.experts.{name}"
            del tensors[full]
            tensors.update({f"{full}_blocks": codes, f"{full}_scales": scales})
    save_file(tensors, weights, metadata={"format": "pt"})
    path = os.path.join(folder, "config.json")
    config = json.load(open(path, encoding="utf-8"))
    config["quantization_config"] = {"quant_method": "mxfp4"}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
        f.write("\n")


def latent_pairs(model, read, written):
    """Pair lists of latent attention by its modules: VO; QK of the channels without positions, and at a distance of
    those that rotate."""
    found = []
    config = model.config
    nope, value, rank = config.qk_nope_head_dim, config.v_head_dim, config.kv_lora_rank
    for number, head in [(0, 1), (1, 2)]:
        attention = model.base_model.layers[number].self_attn
        if config.q_lora_rank is None:
            queries = attention.q_proj(read)
        else:
            queries = attention.q_b_proj(attention.q_a_proj(read) * attention.q_a_layernorm.weight)
        queries = queries.view(VOCAB, config.num_attention_heads, -1)[:, head]
        latent, turning = attention.kv_a_proj_with_mqa(read).split([rank, config.qk_rope_head_dim], -1)
        up = attention.kv_b_proj(latent * attention.kv_a_layernorm.weight).view(VOCAB, -1, nope + value)[:, head]
        mixed = torch.zeros(VOCAB, config.num_attention_heads * value)
        mixed[:, head * value:(head + 1) * value] = up[:, nope:]
        scores = [("vo", 0, attention.o_proj(mixed) @ written.T), ("qk", 0, queries[:, :nope] @ up[:, :nope].T)]
        # Pairs of neighbours as complex numbers, turned by the distance.
        complex_of = lambda x: torch.view_as_complex(x.reshape(VOCAB, -1, 2).contiguous())
        angle = torch.polar(torch.ones_like(model.base_model.rotary_emb.inv_freq),
                            DISTANCE * model.base_model.rotary_emb.inv_freq)
        turned = complex_of(queries[:, nope:]) * angle
        scores.append(("qk", DISTANCE, (turned @ complex_of(turning).conj().T).real))
        for form, distance, score in scores:
            found.append({"form": form, "layer": number, "head": head, "distance": distance,
                          "highest": best(score), "lowest": best(score, largest=False)})
    return found


def construct(name, seed):
    kind, config = FAMILIES[name]
    config = AutoConfig.for_model(kind, **config)
    eager = dict(attn_implementation="eager") if kind == "gpt_oss" else {}
    model = AutoModelForCausalLM.from_config(config, experts_implementation="eager", **eager).eval().float()
    make.randomise(model, seed)
    for buffer_name, buffer in model.named_buffers():
        if buffer_name.endswith("e_score_correction_bias"):
            buffer.copy_((torch.randn_like(buffer) * 0.3).bfloat16().float())
    return model


def write(name, seed):
    model = construct(name, seed)
    folder = os.path.join(HERE, name)
    make.write(folder, model, name)
    if name in FUSED:
        fuse(folder)
    if name.endswith("mxfp4"):
        blocks(model, folder, seed)
    read, written = model.get_input_embeddings().weight.detach(), model.get_output_embeddings().weight.detach()
    attach(model.base_model.layers[1], maps_of(part(model.base_model.layers[1]), 0))
    if hasattr(model.config, "kv_lora_rank"):
        found = {"states": make.states_of(model.base_model, name), "neuron": [],
                 "pairs": latent_pairs(model, read, written)}
    else:
        found = make.answers(name, model, PATHS)
    found["neuron"] += neurons(model, read, written)
    found["router"] = routers(model, read)
    with open(os.path.join(HERE, name + ".json"), "w", encoding="utf-8") as f:
        json.dump(found, f)
        f.write("\n")
    print(name)


def main():
    torch.set_grad_enabled(False)
    for seed, name in enumerate(FAMILIES):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            write(name, seed + 100)


if __name__ == "__main__":
    main()
