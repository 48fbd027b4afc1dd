#!/usr/bin/env python3
"""Make the tiny adapters of this folder and, beside each, what merge_and_unload makes of it.

    python make.py

Adapters are made by `peft` on tiny checkpoints of the other tests, with random factors; the files in
the formats of llama.cpp and MLX hold the same numbers in their names and orders. The answers, in
answers.json, are of `merge_and_unload` in float32: of every tensor that the adapter changes some of
its numbers, and what the merged model predicts.

Needs: torch, transformers, peft, safetensors, gguf.
"""
import json
import os
import shutil

import gguf
import torch
from peft import IA3Config, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
TEXT = [5, 17, 40, 8, 33, 61, 9]
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
FEED_FORWARD = ["gate_proj", "up_proj", "down_proj"]

# name: base, configuration
ADAPTERS = {
    "gpt2-lora": ("reference/gpt2-safetensors", dict(
        r=3, lora_alpha=6, fan_in_fan_out=True, target_modules=["c_attn", "c_fc", "c_proj"])),
    "gpt2-dora": ("reference/gpt2-safetensors", dict(
        r=2, lora_alpha=4, fan_in_fan_out=True, use_dora=True, target_modules=["c_attn", "mlp.c_proj", "wte"])),
    "llama-patterns": ("families/llama", dict(
        r=2, lora_alpha=3, use_rslora=True, target_modules=r".*\.(q_proj|v_proj|o_proj|gate_proj|down_proj)",
        rank_pattern={"down_proj": 5, r".*layers\.1\.self_attn\.q_proj": 1},
        alpha_pattern={"layers.0.mlp.gate_proj": 9, "down_proj": 7})),
    "llama-saved": ("families/llama", dict(
        r=2, lora_alpha=2, target_modules=["embed_tokens", "v_proj"], modules_to_save=["lm_head", "norm"])),
    "llama-plain": ("families/llama", dict(r=2, lora_alpha=4, target_modules=ATTENTION + FEED_FORWARD)),
    "qwen2-dora": ("families/qwen2", dict(
        r=2, lora_alpha=4, use_dora=True, bias="all", target_modules=ATTENTION + FEED_FORWARD + ["embed_tokens"])),
    "bert-bias": ("reference/bert-safetensors", dict(
        r=2, lora_alpha=2, bias="lora_only", target_modules=r"bert\.encoder\..*(query|value|dense)")),
}


def base_model(path, config):
    masked = "bert" in path
    # What a file does not hold is drawn, each time the same.
    torch.manual_seed(0)
    auto = AutoModelForMaskedLM if masked else AutoModelForCausalLM
    model = auto.from_pretrained(os.path.join(TESTS, path), dtype=torch.float32, attn_implementation="eager")
    return model.eval()


def randomised(model, generator):
    for name, parameter in model.named_parameters():
        if not any(part in name for part in ["lora_", "modules_to_save"]) and not parameter.requires_grad:
            continue
        noise = torch.randn(parameter.shape, generator=generator)
        if "magnitude" in name:
            parameter.data *= 1 + 0.1 * noise
        elif "modules_to_save" in name or name.endswith("bias"):
            parameter.data += 0.05 * noise
        else:
            parameter.data = 0.1 * noise


def sample(tensor):
    """Some numbers of a tensor, by their places, and the sum of the squares of all."""
    flat = tensor.reshape(-1)
    at = [(i * 7919 + 13) % flat.numel() for i in range(8)]
    places = [[i // tensor.shape[-1], i % tensor.shape[-1]] for i in at]
    return dict(shape=list(tensor.shape), at=places, numbers=[float(flat[i]) for i in at],
                squares=float((flat.double() ** 2).sum()))


def answers(base, merged, masked):
    before, after = base.state_dict(), merged.state_dict()
    changed = {name: sample(after[name]) for name in after if not torch.equal(before[name], after[name])}
    with torch.no_grad():
        logits = merged(torch.tensor([TEXT])).logits[0, -1]
    best = torch.topk(logits, 5)
    forms = {} if "model.layers.0.self_attn.q_proj.weight" not in after else changes(before, after, merged.config)
    return dict(tensors=changed, forms=forms, predictions=[dict(id=int(i), logit=float(x)) for x, i in zip(*best)])


def changes(before, after, config):
    """How far the forms of the heads and the maps of the neurons moved, and the singular values of what changed."""
    found = {}

    def add(name, new, old):
        new, old = new.double(), old.double()
        found[name] = dict(relative=float((new - old).norm() / old.norm()),
                           cosine=float((new * old).sum() / new.norm() / old.norm()),
                           values=torch.linalg.svdvals(new - old)[:6].tolist())

    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    shared = config.num_attention_heads // config.num_key_value_heads

    def forms(tensors, layer, head):
        of = lambda name: tensors[f"model.layers.{layer}.self_attn.{name}_proj.weight"].double()
        own, group = [slice(i * width, (i + 1) * width) for i in (head, head // shared)]
        return of("v")[group].T @ of("o")[:, own].T, of("q")[own].T @ of("k")[group]

    for layer in range(config.num_hidden_layers):
        for head in range(config.num_attention_heads):
            for name, new, old in zip(["VO", "QK"], forms(after, layer, head), forms(before, layer, head)):
                add(f"L{layer}.H{head}.{name}", new, old)
        for part, name in [("ff-gate", "gate"), ("ff-up", "up"), ("ff-out", "down")]:
            tensor = f"model.layers.{layer}.mlp.{name}_proj.weight"
            add(f"L{layer} {part}", after[tensor], before[tensor])
    return found


def main():
    found = {}
    for number, (name, (base, settings)) in enumerate(ADAPTERS.items()):
        folder = os.path.join(HERE, name)
        shutil.rmtree(folder, ignore_errors=True)
        model = get_peft_model(base_model(base, settings), LoraConfig(**settings))
        randomised(model, torch.Generator().manual_seed(number))
        model.save_pretrained(folder, save_embedding_layers=False)
        named(folder, base)
        # From the files, as another program would read them.
        loaded = PeftModel.from_pretrained(base_model(base, settings), folder).eval()
        found[name] = dict(base=base, **answers(base_model(base, settings), loaded.merge_and_unload(), "bert" in base))
    of_mlx("llama-plain", "mlx-lora", found)
    of_llama_cpp("llama-plain", "llama-lora.gguf", found)
    refused()
    json.dump(found, open(os.path.join(HERE, "answers.json"), "w"), separators=(",", ":"))


def named(folder, base):
    """Says the base by its name, and not by where it lay."""
    config_file = os.path.join(folder, "adapter_config.json")
    config = json.load(open(config_file))
    config["base_model_name_or_path"] = os.path.basename(base)
    json.dump(config, open(config_file, "w"), indent=1, sort_keys=True)
    os.remove(os.path.join(folder, "README.md"))


def factors(name):
    tensors = load_file(os.path.join(HERE, name, "adapter_model.safetensors"))
    modules = sorted({key.rsplit(".lora_", 1)[0] for key in tensors})
    for module in modules:
        yield (module.removeprefix("base_model.model."), tensors[f"{module}.lora_A.weight"],
               tensors[f"{module}.lora_B.weight"])


def of_mlx(name, to, found):
    """As mlx_lm.lora saves it: y = x·W + scale · (x·a)·b."""
    folder = os.path.join(HERE, to)
    os.makedirs(folder, exist_ok=True)
    tensors = {}
    for module, a, b in factors(name):
        tensors[f"{module}.lora_a"] = a.T.contiguous()
        tensors[f"{module}.lora_b"] = b.T.contiguous()
    save_file(tensors, os.path.join(folder, "adapters.safetensors"))
    config = dict(fine_tune_type="lora", model="llama", num_layers=2,
                  lora_parameters=dict(rank=2, scale=2.0, dropout=0.0, keys=["self_attn.q_proj"]))
    json.dump(config, open(os.path.join(folder, "adapter_config.json"), "w"), indent=1)
    found[to] = found[name]


def of_llama_cpp(name, to, found):
    """As convert_lora_to_gguf.py writes it: GGUF's names, queries' and keys' rows in llama.cpp's order."""
    names = dict(q_proj="attn_q", k_proj="attn_k", v_proj="attn_v", o_proj="attn_output", gate_proj="ffn_gate",
                 up_proj="ffn_up", down_proj="ffn_down")
    heads = dict(q_proj=4, k_proj=2)
    writer = gguf.GGUFWriter(os.path.join(HERE, to), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    writer.add_string("general.base_model.0.repo_url", "https://huggingface.co/someone/llama")
    writer.add_uint32("general.base_model.count", 1)
    for module, a, b in factors(name):
        parts = module.split(".")
        if parts[-1] in heads:
            n = heads[parts[-1]]
            b = b.reshape(n, 2, b.shape[0] // n // 2, b.shape[1]).swapaxes(1, 2).reshape(b.shape)
        tensor = f"blk.{parts[2]}.{names[parts[-1]]}.weight"
        writer.add_tensor(tensor + ".lora_a", a.numpy())
        writer.add_tensor(tensor + ".lora_b", b.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found[to] = found[name]


def refused():
    folder = os.path.join(HERE, "ia3")
    model = base_model("families/llama", {})
    get_peft_model(model, IA3Config(target_modules=["k_proj"], feedforward_modules=[])).save_pretrained(folder)
    named(folder, "families/llama")


if __name__ == "__main__":
    main()
