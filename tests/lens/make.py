"""Jacobians of tiny checkpoints by PyTorch's autograd, for tests/lens: J[i, j] is the mean over
positions p of the sum over positions p' of d h_L[p', i] / d h_l[p, j]. Also lenses as they are
published, and broken ones. Needs torch and transformers. Writes expected.json and files/."""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel

HERE = Path(__file__).parent
FAMILIES = HERE.parent / "families"
REFERENCE = HERE.parent / "reference"
FILES = HERE / "files"
TOKENS = [5, 17, 60, 33, 8, 71, 44, 12, 90, 3]
SKIP = 3

# Each has something of its own: post-norms and softcaps, parallel halves, QK-norm, ALiBi, windows,
# norms after the sums, ReLU.
MODELS = {
    "gpt2": REFERENCE / "gpt2-safetensors",
    "bert": REFERENCE / "bert-safetensors",
    **{
        name: FAMILIES / name
        for name in ["llama", "gemma2", "gemma3-text", "gpt-neox", "qwen3", "phi", "bloom", "opt", "falcon-7b"]
    },
}


def blocks(model):
    for name in ["h", "layers", "decoder.layers", "encoder.layer"]:
        at = model
        try:
            for part in name.split("."):
                at = getattr(at, part)
            return at
        except AttributeError:
            continue
    raise ValueError(model)


def jacobians(folder):
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float64)
    model.eval()
    outputs = []

    def keep(_, __, output):
        outputs.append(output[0] if isinstance(output, tuple) else output)

    for block in blocks(model):
        block.register_forward_hook(keep)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    embedding = model.get_input_embeddings()
    embedding.register_forward_hook(lambda _, __, output: output.requires_grad_(True))
    model(torch.tensor([TOKENS]))
    last = outputs[-1]
    positions = slice(SKIP, len(TOKENS) - 1)
    width = last.shape[-1]
    found = [np.zeros((width, width)) for _ in outputs[:-1]]
    for i in range(width):
        target = last[0, positions, i].sum()
        grads = torch.autograd.grad(target, outputs[:-1], retain_graph=True)
        for of, grad in zip(found, grads):
            of[i] = grad[0, positions].mean(0).numpy()
    return found


def main():
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    expected = {}
    for name, folder in MODELS.items():
        found = jacobians(folder)
        # A few numbers of each, and its size: all are compared by them.
        rng = np.random.default_rng(4)
        width = found[0].shape[0]
        probes = rng.standard_normal((2, width))
        expected[name] = {
            "folder": str(folder.relative_to(HERE.parent)),
            "probes": probes.round(6).tolist(),
            "layers": [
                {"norm": float(np.linalg.norm(j)), "products": (j @ probes.round(6).T).T.tolist()} for j in found
            ],
        }
        if name == "llama":
            published = {
                "J": {layer: torch.from_numpy(j).half() for layer, j in enumerate(found)},
                "source_layers": list(range(len(found))),
                "n_prompts": 25,
                "d_model": width,
                "provenance": {"capture_point": "block_output", "dataset": "tiny"},
            }
            torch.save(published, FILES / "llama_jacobian_lens.pt")
            other = {**published, "provenance": {"capture_point": "mlp_out"}}
            torch.save(other, FILES / "mlp_out.pt")
            deep = {**published, "J": {7: published["J"][0]}}
            torch.save(deep, FILES / "deep.pt")
            torch.save({"weights": torch.zeros(3)}, FILES / "no_lens.pt")
            weights = load_file(folder / "model.safetensors")
            e = weights["lm_head.weight"].double().numpy()
            gain = weights["model.norm.weight"].double().numpy()
            values = weights["model.layers.0.mlp.down_proj.weight"].double().numpy().T
            j = found[0].astype(np.float16).astype(np.float64)
            scores = e @ (gain * (j @ values[5]))
            order = np.argsort(-scores, kind="stable")[:5]
            head = 1
            v = weights["model.layers.0.self_attn.v_proj.weight"].double().numpy()
            o = weights["model.layers.0.self_attn.o_proj.weight"].double().numpy()
            kv = head // 2
            vo = v[kv * 8 : kv * 8 + 8].T @ o[:, head * 8 : head * 8 + 8].T
            e_in = weights["model.embed_tokens.weight"].double().numpy()
            pairs = e_in @ vo @ j.T @ (e * gain).T
            best = np.unravel_index(np.argmax(pairs), pairs.shape)
            expected["lens"] = {
                "neuron": [[int(i), float(scores[i])] for i in order],
                "pair": [int(best[0]), int(best[1]), float(pairs[best])],
            }
        if name == "gemma2":
            save_file({"J.0": torch.from_numpy(found[0]).half()}, FILES / "gemma2.safetensors", {"n_prompts": "1"})
    (HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":")))


main()
