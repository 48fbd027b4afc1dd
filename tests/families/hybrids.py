#!/usr/bin/env python3
"""Make the tiny checkpoints of families whose layers differ, and what PyTorch answers about them.

    python hybrids.py [NAME ...]

As make.py and experts.py, whose answers about heads, experts and states these are too. Heads are asked for in layers that
have some, neurons in every layer that has any.

Needs: torch, transformers, tokenizers, safetensors.
"""
import json
import os
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM

import experts
import make
from make import DISTANCE, HERE, SMALL, VOCAB, at, best, matrix

make.K = 8

EXPERTS = experts.EXPERTS
MIXTURE = dict(num_experts=EXPERTS, num_experts_per_tok=2, moe_intermediate_size=12)
OWN_HEADS = dict(SMALL, head_dim=8)
DELTA = dict(OWN_HEADS, num_hidden_layers=3, linear_conv_kernel_dim=4, linear_key_head_dim=6, linear_value_head_dim=4,
             linear_num_key_heads=2, linear_num_value_heads=4,
             layer_types=["linear_attention", "full_attention", "linear_attention"])
OWN = dict(OWN_HEADS, num_hidden_layers=3)
WIDE = {k: v for k, v in OWN.items() if k != "head_dim"}
MAMBA = dict(mamba_n_heads=4, mamba_n_groups=2, mamba_d_state=5, mamba_d_head=8, mamba_d_conv=4, mamba_expand=2)
BESIDE = dict(OWN_HEADS, hidden_size_per_layer_input=4, vocab_size_per_layer_input=VOCAB, sliding_window=8,
              num_kv_shared_layers=2)
GEMMA4 = dict(BESIDE, global_head_dim=16, num_hidden_layers=5, layer_types=[
    "sliding_attention", "full_attention", "sliding_attention", "sliding_attention", "full_attention"])
LAYERS = "layers.{}."
HEADS = dict(attention=LAYERS + "self_attn", attention_out=LAYERS + "self_attn.o_proj")
LLAMA = dict(HEADS, inputs=[LAYERS + "mlp.gate_proj", LAYERS + "mlp.up_proj"], output=LAYERS + "mlp.down_proj")
FED = dict(HEADS, inputs=[LAYERS + "feed_forward.gate_proj", LAYERS + "feed_forward.up_proj"],
           output=LAYERS + "feed_forward.down_proj")
NUMBERED = dict(attention=LAYERS + "self_attn", attention_out=LAYERS + "self_attn.out_proj",
                inputs=[LAYERS + "feed_forward.w1", LAYERS + "feed_forward.w3"], output=LAYERS + "feed_forward.w2")
MIXED = dict(attention=LAYERS + "mixer", attention_out=LAYERS + "mixer.o_proj", inputs=[LAYERS + "mixer.up_proj"],
             output=LAYERS + "mixer.down_proj")

# name: model_type, configuration, paths of modules, the layers with heads that are asked about.
FAMILIES = {
    "qwen3-next": ("qwen3_next", dict(DELTA, **MIXTURE, shared_expert_intermediate_size=20, norm_topk_prob=True,
                                      mlp_only_layers=[0]), LLAMA, [1]),
    "qwen3-5": ("qwen3_5_text", dict(DELTA, linear_num_key_heads=4), LLAMA, [1]),
    "qwen3-5-moe": ("qwen3_5_moe_text", dict(DELTA, **MIXTURE, shared_expert_intermediate_size=20), LLAMA, [1]),
    "lfm2": ("lfm2", dict(WIDE, full_attn_idxs=[1], block_multiple_of=8, conv_bias=True), NUMBERED, [1]),
    "lfm2-moe": ("lfm2_moe", dict(WIDE, layer_types=["conv", "full_attention", "conv"], num_dense_layers=1, **MIXTURE,
                                  norm_topk_prob=True, routed_scaling_factor=1.5), NUMBERED, [1]),
    "granitemoehybrid": ("granitemoehybrid", dict(
        WIDE, **MAMBA, layer_types=["linear_attention", "full_attention", "linear_attention"], intermediate_size=12,
        shared_intermediate_size=20, num_local_experts=EXPERTS, num_experts_per_tok=2, embedding_multiplier=6.0,
        residual_multiplier=0.3, attention_multiplier=0.2, logits_scaling=3.0, position_embedding_type="rope"),
        LLAMA, [1]),
    "nemotron-h": ("nemotron_h", dict(
        OWN_HEADS, layers_block_type=["linear_attention", "moe", "full_attention", "mlp"], mamba_num_heads=4,
        mamba_head_dim=8, n_groups=2, ssm_state_size=5, conv_kernel=4, n_routed_experts=EXPERTS, num_experts_per_tok=2,
        moe_intermediate_size=12, moe_shared_expert_intermediate_size=10), MIXED, [2]),
    "falcon-h1": ("falcon_h1", dict(OWN_HEADS, **MAMBA, mamba_d_ssm=32), FED, [0, 1]),
    "bamba": ("bamba", dict(WIDE, **MAMBA, attn_layer_indices=[1]), FED, [1]),
    # The last two layers attend to keys and values of the first two.
    "gemma3n-text": ("gemma3n_text", dict(
        BESIDE, intermediate_size=[40, 32, 40, 40], num_hidden_layers=4, laurel_rank=4, altup_num_inputs=2,
        activation_sparsity_pattern=[0.95, 0.0, 0.0, 0.0],
        layer_types=["sliding_attention", "full_attention"] * 2), LLAMA, [1, 3]),
    "gemma4-text": ("gemma4_text", dict(GEMMA4, num_global_key_value_heads=1, attention_k_eq_v=True,
                                        use_double_wide_mlp=True), LLAMA, [0, 1, 4]),
    "gemma4-moe": ("gemma4_text", dict(GEMMA4, num_kv_shared_layers=0, enable_moe_block=True, top_k_experts=2,
                                       hidden_size_per_layer_input=0,
                                       **{k: v for k, v in MIXTURE.items() if k != "num_experts_per_tok"}),
                   LLAMA, [0, 1]),
}
# Those of which no states are held.
NOT_RUN = {"falcon-h1", "gemma3n-text", "gemma4-text", "gemma4-moe"}
# name: the same model with the text model's configuration nested, and its model_type.
NESTED = {"qwen3-5": ("qwen3-5-nested", "qwen3_5"), "qwen3-5-moe": ("qwen3-5-moe-nested", "qwen3_5_moe"),
          "gemma3n-text": ("gemma3n", "gemma3n"), "gemma4-text": ("gemma4", "gemma4")}


def nested(model_type):
    """With images: the text model's configuration inside."""
    def of(config):
        outside = ("architectures", "tie_word_embeddings")
        return {"model_type": model_type, "tie_word_embeddings": config["tie_word_embeddings"],
                "text_config": {k: v for k, v in config.items() if k not in outside}}
    return of


def beside(tensor):
    """A tensor's name where encoders of images and sound are beside the text model."""
    return "model.language_model." + tensor[6:] if tensor.startswith("model.") else tensor


def construct(name, seed):
    kind, config = FAMILIES[name][:2]
    mixture = any("experts" in key for key in config)
    more = dict(experts_implementation="eager") if mixture else {}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **config), **more).eval().float()
    make.randomise(model, seed)
    for module_name, module in model.named_modules():
        # Of these norms the gain is what is stored, whatever the others do.
        if "Gated" in type(module).__name__ and hasattr(module, "variance_epsilon"):
            module.weight.copy_((module.weight - module.weight.mean() + 1.0).bfloat16().float())
    for buffer_name, buffer in model.named_buffers():
        if buffer_name.endswith(("e_score_correction_bias", "expert_bias")):
            buffer.copy_((torch.randn_like(buffer) * 0.3).bfloat16().float())
    return model


def choosing(layer):
    """The module of a layer that has experts, if one has."""
    parts = [getattr(layer, name, None) for name in ("mlp", "block_sparse_moe", "feed_forward", "mixer")] + [layer]
    return next((part for part in parts if hasattr(part, "experts")), None)


def chosen(layer, expert):
    """Keys `[d, f]` by their name, and values `[f, d]`, of an expert or of that of every token (`None`)."""
    mlp = choosing(layer)
    if expert is not None:
        down = mlp.experts.down_proj[expert].T
        if hasattr(mlp.experts, "up_proj"):
            return {"gate": mlp.experts.up_proj[expert].T}, down
        gate, up = mlp.experts.gate_up_proj[expert].chunk(2, dim=0)
        return {"gate": gate.T, "up": up.T}, down
    if hasattr(layer, "shared_mlp"):
        gate, up = layer.shared_mlp.input_linear.weight.chunk(2, dim=0)
        return {"gate": gate.T, "up": up.T}, layer.shared_mlp.output_linear.weight.T
    shared = layer.mlp if mlp is layer else getattr(mlp, "shared_expert", None) or getattr(mlp, "shared_experts", None)
    if shared is None:
        return {}, None
    keys = {"gate": shared.gate_proj.weight.T, "up": shared.up_proj.weight.T} if hasattr(shared, "gate_proj") else {
        "gate": shared.up_proj.weight.T}
    return keys, shared.down_proj.weight.T


def neurons(model, read, written, paths):
    """Neurons of each layer that has any, experts' by their numbers in the layer."""
    found, width, base = [], read.shape[1], model.base_model
    for number, layer in enumerate(base.layers):
        if choosing(layer) is None and hasattr(layer, "shared_mlp"):
            sources, values = chosen(layer, None)
            places = [(None, 5 + number, 0, sources, values)]
        elif choosing(layer) is None:
            try:
                sources = [matrix(at(base, path.format(number)), width) for path in paths["inputs"]]
            except AttributeError:
                continue
            values = matrix(at(base, paths["output"].format(number)), sources[0].shape[1])
            places = [(None, sources[0].shape[1] - 1 - number, 0, dict(zip(["gate", "up"], sources)), values)]
        else:
            each = chosen(layer, 0)[1].shape[0]
            places = [(dict(number=e, neuron=n), n, e * each, *chosen(layer, e)) for e, n in [(2, 5), (3, each - 1)]]
            shared, values = chosen(layer, None)
            places.append((dict(number="shared", neuron=3), 3, EXPERTS * each, shared, values))
        for expert, neuron, first, sources, values in places:
            for key, source in sources.items():
                found.append({"layer": number, "neuron": first + neuron, "key": key, "expert": expert,
                              "columns": experts.columns(read, written, source[:, neuron], values[neuron])})
    return found


def routers(model, read):
    """As those of experts.py."""
    found = []
    for number, layer in enumerate(model.base_model.layers):
        mlp = choosing(layer)
        if mlp is not None:
            router = mlp.gate if hasattr(mlp, "gate") else mlp.router
            rows = router.proj.weight if hasattr(router, "proj") else router.weight
            apart = rows - rows.mean(0)
            scores = read @ apart[1]
            found.append({"layer": number, "expert": 1, "calls": best(scores), "turns_away": best(-scores),
                          "first": (read @ rows.T).argmax(-1).tolist()})
    return found


def keys_of(model, layer):
    """The layer whose keys and values a layer attends to."""
    config = model.config
    first = len(model.base_model.layers) - getattr(config, "num_kv_shared_layers", 0)
    if layer < first:
        return layer
    return max(i for i in range(first) if config.layer_types[i] == config.layer_types[layer])


def pairs(model, read, written, paths, layers):
    """VO and QK of heads, near and far."""
    base, found = model.base_model, []
    turning = any("otary" in type(m).__name__ for m in base.modules())
    for layer in layers:
        attention, of_keys = [at(base, paths["attention"].format(i)) for i in (layer, keys_of(model, layer))]
        for head, distance in [(1, 0), (2, 0)] + [(2, DISTANCE), (0, DISTANCE)] * turning:
            q, _, _ = make.caught(base, attention, read, distance if turning else None)
            _, k, v = make.caught(base, of_keys, read, 0 if turning else None)
            of_key = head * k.shape[0] // q.shape[0]
            # What all keys are multiplied with is in no list.
            scores = q[head] @ k[of_key].T / getattr(model.config, "key_multiplier", 1.0)
            found.append({"form": "qk", "layer": layer, "head": head, "distance": distance,
                          "highest": best(scores), "lowest": best(scores, largest=False)})
            if distance == 0:
                each = q.shape[-1]
                mixed = torch.zeros(VOCAB, q.shape[0] * each)
                mixed[:, head * each:(head + 1) * each] = v[of_key]
                out = at(base, paths["attention_out"].format(layer))(mixed) @ written.T
                found.append({"form": "vo", "layer": layer, "head": head, "distance": 0,
                              "highest": best(out), "lowest": best(out, largest=False)})
    return found


def answers(model, name, paths, layers):
    """What PyTorch says of a model; `name`: the checkpoint here that has its layout."""
    read, written = model.get_input_embeddings().weight.detach(), model.get_output_embeddings().weight.detach()
    found = {"states": [] if name in NOT_RUN else make.states_of(model.base_model, name)}
    make.linearised(model)
    found["neuron"] = neurons(model, read, written, paths)
    found["pairs"] = pairs(model, read, written, paths, layers)
    router = routers(model, read)
    return dict(found, router=router) if router else found


# Norms before attention and before the feed-forward part.
NORMS = {"qwen3-5": ("input_layernorm", "post_attention_layernorm"), "lfm2": ("operator_norm", "ffn_norm"),
         "bamba": ("input_layernorm", "pre_ff_layernorm")}


def alone(name):
    """What comes out for every token alone, as conventions.py has it."""
    paths = FAMILIES[name][2]
    model = construct(name, list(FAMILIES).index(name) + 200)
    base, read = model.base_model, model.get_input_embeddings().weight.detach()
    of_attention, of_neurons = [LAYERS + norm for norm in NORMS[name]]
    inputs = [at(base, paths["inputs"][0].format(layer))(at(base, of_neurons.format(layer))(read))[:, 3]
              for layer in range(2)]
    tokens, attention = at(base, of_attention.format(1))(read), at(base, paths["attention"].format(1))
    found = []
    for distance in [0, DISTANCE]:
        q, _, _ = make.caught(base, attention, tokens, distance)
        _, k, _ = make.caught(base, attention, tokens, 0)
        found.append({"distance": distance, "highest": best(q[2] @ k[2 * k.shape[0] // q.shape[0]].T)})
    return {"inputs": [[round(float(x), 5) for x in tokens] for tokens in inputs], "pairs": found}


def write(name, seed):
    paths, layers = FAMILIES[name][2:]
    model = construct(name, seed)
    make.write(os.path.join(HERE, name), model, name)
    if name in NESTED:
        other, kind = NESTED[name]
        make.write(os.path.join(HERE, other), model, name, nested(kind), beside)
    found = answers(model, name, paths, layers)
    for out in [name] + ([NESTED[name][0]] if name in NESTED else []):
        with open(os.path.join(HERE, out + ".json"), "w", encoding="utf-8") as f:
            json.dump(found, f)
            f.write("\n")
    print(name)


def main():
    torch.set_grad_enabled(False)
    for seed, name in enumerate(FAMILIES):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            write(name, seed + 200)


if __name__ == "__main__":
    main()
