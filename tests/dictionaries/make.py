"""Tiny dictionaries in every layout that is recognised, for tests/families/gemma2, and what their
directions are as words, in float64. Needs numpy, torch and safetensors. Writes files/ and expected.json."""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file

HERE = Path(__file__).parent
MODEL = HERE.parent / "families" / "gemma2"
FILES = HERE / "files"
D, Z, LAYERS, HEADS, KV, HEAD = 24, 32, 2, 4, 2, 8
TOP = 5

weights = {k: v.double().numpy() for k, v in load_file(MODEL / "model.safetensors").items()}
E = weights["model.embed_tokens.weight"]
rng = np.random.default_rng(16)


def norm(layer, name):
    return 1.0 + weights[f"model.layers.{layer}.{name}.weight"]


def read(hook, layer, k, gain):
    """The encoder's rows as directions of the residual stream."""
    if hook == "attn.z":
        v = weights[f"model.layers.{layer}.self_attn.v_proj.weight"]
        parts = [
            k[:, h * HEAD : (h + 1) * HEAD] @ v[h // (HEADS // KV) * HEAD :][:HEAD] for h in range(HEADS)
        ]
        k = sum(parts)
    if gain and hook in ("attn.z", "attn_in"):
        k = k * norm(layer, "input_layernorm")
    if gain and hook == "mlp_in":
        k = k * norm(layer, "pre_feedforward_layernorm")
    return k


def written(hook, layer, v, gain):
    if hook == "attn.z":
        v = v @ weights[f"model.layers.{layer}.self_attn.o_proj.weight"].T
        if gain:
            v = v * norm(layer, "post_attention_layernorm")
    if gain and hook == "mlp_written":
        v = v * norm(layer, "post_feedforward_layernorm")
    return v * (1.0 + weights["model.norm.weight"]) if gain else v


def ends(vector):
    scores = E @ vector
    order = np.lexsort((np.arange(len(scores)), -scores))
    high = [[int(i), float(scores[i])] for i in order[:TOP]]
    order = np.lexsort((np.arange(len(scores)), scores))
    low = [[int(i), float(-scores[i])] for i in order[:TOP]]
    return high, low


cases = []


def case(path, layout, args, reads=None, writes=None, enc=None, dec=None, bias=None, threshold=None):
    """reads, writes: (hook, layer)."""
    row = 3
    columns = {}
    for gain in (False, True):
        of = {}
        if enc is not None:
            k = read(*reads, enc.astype(np.float64), gain)
            of["K"], of["-K"] = ends(k[row])
        if dec is not None:
            v = written(*writes, dec.astype(np.float64), gain)
            of["V"], of["-V"] = ends(v[row])
        columns["gain" if gain else "raw"] = of
    # By cosine, the directions of the dictionary that write, or read, one token most.
    token = 17
    find = {}
    sides = [("K", enc, reads, read), ("V", dec, writes, written)]
    for name, rows, place, through in sides:
        if rows is None:
            continue
        vectors = through(*place, rows.astype(np.float64), False)
        cosine = vectors @ E[token] / np.linalg.norm(vectors, axis=1) / np.linalg.norm(E[token])
        scores = [E @ v for v in vectors]
        ranks = [int((of > of[token]).sum()) + 1 for of in scores]
        best = np.argsort(-cosine, kind="stable")[:3]
        find[name] = [[int(i), float(cosine[i]), ranks[i]] for i in best]
    similar = None
    if dec is not None:
        vectors = written(*writes, dec.astype(np.float64), False)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosine = unit @ unit[row]
        others = [i for i in np.argsort(-abs(cosine), kind="stable") if i != row][:3]
        neurons = []
        for layer in range(LAYERS):
            values = weights[f"model.layers.{layer}.mlp.down_proj.weight"].T
            c = values @ unit[row] / np.linalg.norm(values, axis=1)
            neurons += [(layer, i, float(x)) for i, x in enumerate(c)]
        neurons.sort(key=lambda n: -abs(n[2]))
        similar = {
            "directions": [[int(i), float(cosine[i])] for i in others],
            "neurons": neurons[:3],
        }
    cases.append(
        {
            "path": path,
            "layout": layout,
            "args": args,
            "count": len(enc if enc is not None else dec),
            "reads": reads,
            "writes": writes,
            "row": row,
            "columns": columns,
            "bias": None if bias is None else float(bias[row]),
            "threshold": None if threshold is None else float(threshold[row]),
            "token": token,
            "find": find,
            "similar": similar,
        }
    )


def numbers(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def folder(name):
    path = FILES / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def tell(path, **values):
    path.write_text(json.dumps(values, indent=1))


def saelens(name, width, n, hook_in, hook_out, place_in, place_out, metadata):
    at = folder(name)
    enc, dec, b, t = numbers(n, width), numbers(n, D if place_out[0] != "attn.z" else Z), numbers(n), abs(numbers(n))
    tensors = {
        "W_enc": np.ascontiguousarray(enc.T),
        "W_dec": dec,
        "b_enc": b,
        "b_dec": numbers(dec.shape[1]),
        "threshold": t,
    }
    save_file(tensors, at / "sae_weights.safetensors")
    said = {"model_name": "gemma-2-2b", "hook_name": hook_in}
    if hook_out:
        said["hook_name_out"] = hook_out
    if metadata:
        tell(at / "cfg.json", architecture="jumprelu", d_in=width, d_sae=n, metadata=said)
    else:
        tell(at / "cfg.json", architecture="standard", d_in=width, d_sae=n, hook_layer=1, **said)
    case(name, "SAELens", [], place_in, place_out, enc, dec, b, t)


def main():
    shutil.rmtree(FILES, ignore_errors=True)
    post = ("resid_post", 1)
    # As many directions as the model is wide, too: then only the layout tells rows from columns.
    saelens("saelens", D, 12, "blocks.1.hook_resid_post", None, post, post, False)
    saelens("saelens-square", D, D, "blocks.1.hook_resid_pre", None, ("resid_pre", 1), ("resid_pre", 1), True)
    z = ("attn.z", 1)
    saelens("saelens-z", Z, 10, "blocks.1.attn.hook_z", None, z, z, True)
    saelens(
        "saelens-transcoder",
        D,
        12,
        "blocks.0.ln2.hook_normalized",
        "blocks.0.hook_mlp_out",
        ("mlp_in", 0),
        ("mlp_out", 0),
        True,
    )

    for kind, place, save in [
        ("res", ("resid_post", 1), np.savez_compressed),
        ("att", ("attn.z", 1), np.savez),
        ("transcoders", None, np.savez),
    ]:
        name = f"gemma-scope-2b-pt-{kind}/layer_1/width_12/average_l0_3"
        width = Z if kind == "att" else D
        enc, dec, b, t = numbers(12, width), numbers(12, width), numbers(12), abs(numbers(12))
        save(
            folder(name) / "params.npz",
            W_enc=enc.T,
            W_dec=dec,
            b_enc=b,
            b_dec=numbers(width),
            threshold=t,
        )
        reads, writes = (place, place) if place else (("mlp_in", 1), ("mlp_out", 1))
        case(name, "Gemma Scope", [], reads, writes, enc, dec, b, t)

    name = "gemma-scope-2/transcoder/layer_1_width_12_l0_small"
    enc, dec, b = numbers(12, D), numbers(12, D), numbers(12)
    at = folder(name)
    tensors = {"w_enc": np.ascontiguousarray(enc.T), "w_dec": dec, "b_enc": b, "b_dec": numbers(D)}
    save_file(tensors, at / "params.safetensors")
    tell(
        at / "config.json",
        architecture="jump_relu",
        model_name="google/gemma-3-270m",
        hf_hook_point_in="model.layers.1.pre_feedforward_layernorm.output",
        hf_hook_point_out="model.layers.1.post_feedforward_layernorm.output",
    )
    case(name, "Gemma Scope 2", [], ("mlp_in", 1), ("mlp_out", 1), enc, dec, b)

    # Of all layers in one tensor, a value for each layer that is written to.
    name = "gemma-scope-2/clt/width_6"
    enc, dec = numbers(LAYERS, 6, D), numbers(LAYERS, 6, LAYERS, D)
    at = folder(name)
    save_file({"w_enc": np.ascontiguousarray(enc.transpose(0, 2, 1)), "w_dec": dec}, at / "params.safetensors")
    tell(
        at / "config.json",
        hf_hook_point_in="model.layers.{}.pre_feedforward_layernorm.output",
        hf_hook_point_out="model.layers.{}.post_feedforward_layernorm.output",
    )
    args = ["--layer", "0", "--target", "1"]
    case(name, "Gemma Scope 2", args, ("mlp_in", 0), ("mlp_out", 0), enc[0], dec[0, :, 1])

    enc, dec, b = numbers(12, D), numbers(12, D), numbers(12)
    at = folder("llama-scope")
    (at / "checkpoints").mkdir()
    save_file(
        {
            "encoder.weight": enc,
            "decoder.weight": np.ascontiguousarray(dec.T),
            "encoder.bias": b,
            "decoder.bias": numbers(D),
        },
        at / "checkpoints" / "final.safetensors",
    )
    tell(at / "hyperparams.json", hook_point_in="blocks.1.hook_mlp_out", hook_point_out="blocks.1.hook_mlp_out")
    case("llama-scope", "Llama Scope", [], ("mlp_out", 1), ("mlp_out", 1), enc, dec, b)

    for name, place in [("sparsify/layers.1", post), ("sparsify/layers.0.mlp", ("mlp_written", 0))]:
        enc, dec, b = numbers(12, D), numbers(12, D), numbers(12)
        at = folder(name)
        save_file(
            {"encoder.weight": enc, "encoder.bias": b, "W_dec": dec, "b_dec": numbers(D)},
            at / "sae.safetensors",
        )
        tell(at / "cfg.json", expansion_factor=32, normalize_decoder=True, num_latents=12, k=3, d_in=D)
        case(name, "sparsify", [], place, place, enc, dec, b)

    enc, dec, b = numbers(12, D), numbers(12, D), numbers(12)
    at = folder("dictionary_learning/resid_post_layer_1/trainer_0")
    torch.save(
        {
            "bias": torch.from_numpy(numbers(D)),
            "encoder.weight": torch.from_numpy(enc),
            "encoder.bias": torch.from_numpy(b),
            "decoder.weight": torch.from_numpy(np.ascontiguousarray(dec.T)),
        },
        at / "ae.pt",
    )
    tell(at / "config.json", trainer={"dict_class": "AutoEncoder", "layer": 1, "lm_name": "google/gemma-2-2b"})
    name = "dictionary_learning/resid_post_layer_1/trainer_0"
    case(name, "dictionary_learning", [], post, post, enc, dec, b)

    at = folder("circuit-tracer")
    for layer in range(LAYERS):
        enc, dec, b, t = numbers(12, D), numbers(12, D), numbers(12), abs(numbers(12))
        tensors = {
            "W_enc": enc,
            "W_dec": dec,
            "b_enc": b,
            "b_dec": numbers(D),
            "activation_function.threshold": t,
            "W_skip": numbers(D, D),
        }
        save_file(tensors, at / f"layer_{layer}.safetensors")
    (at / "config.yaml").write_text(
        'model_name: "google/gemma-2-2b"\nmodel_kind: transcoder_set\n'
        "feature_input_hook: mlp.hook_in # after the norm\nfeature_output_hook: hook_mlp_out\n"
    )
    args = ["--layer", "1"]
    case("circuit-tracer", "circuit-tracer transcoder", args, ("mlp_in", 1), ("mlp_out", 1), enc, dec, b, t)

    at = folder("circuit-tracer-clt")
    kept = {}
    for layer in range(LAYERS):
        enc, dec, b = numbers(6, D), numbers(6, LAYERS - layer, D), numbers(6)
        save_file({f"W_enc_{layer}": enc, f"b_enc_{layer}": b}, at / f"W_enc_{layer}.safetensors")
        save_file({f"W_dec_{layer}": dec}, at / f"W_dec_{layer}.safetensors")
        kept[layer] = enc, dec, b
    (at / "config.yaml").write_text("feature_input_hook: hook_resid_mid\nfeature_output_hook: hook_mlp_out\n")
    title = "circuit-tracer cross-layer transcoder"
    enc, dec, b = kept[0]
    case("circuit-tracer-clt", title, ["--layer", "0"], ("resid_mid", 0), ("mlp_out", 0), enc, dec[:, 0], b)
    args = ["--layer", "0", "--target", "1"]
    case("circuit-tracer-clt", title, args, ("resid_mid", 0), ("mlp_out", 0), enc, dec[:, 1], b)

    plain = FILES / "plain"
    plain.mkdir()
    rows = numbers(7, D)
    np.save(plain / "columns.npy", np.asfortranarray(rows.astype(np.float16)))
    case("plain/columns.npy", "matrix", [], None, ("resid_post", None), None, rows.astype(np.float16))
    np.save(plain / "double.npy", rows.astype(np.float64))
    args = ["--side", "reads", "--hook", "mlp_in", "--layer", "0"]
    case("plain/double.npy", "matrix", args, ("mlp_in", 0), None, rows)
    torch.save(torch.from_numpy(rows), plain / "tensor.pt")
    case("plain/tensor.pt", "matrix", [], None, ("resid_post", None), None, rows)
    save_file({"a": rows, "b": numbers(5, D)}, plain / "two.safetensors")
    args = ["--tensor", "a"]
    case("plain/two.safetensors", "matrix", args, None, ("resid_post", None), None, rows)

    # What cannot be read.
    bad = FILES / "bad"
    bad.mkdir()
    hole = rows.copy()
    hole[2, 5] = np.nan
    np.save(bad / "nan.npy", hole)
    np.save(bad / "wide.npy", numbers(4, D + 1))
    np.save(bad / "deep.npy", numbers(2, 3, D))
    np.save(bad / "whole-numbers.npy", np.ones((4, D), dtype=np.int64))
    archive = (FILES / "gemma-scope-2b-pt-res/layer_1/width_12/average_l0_3/params.npz").read_bytes()
    (bad / "cut.npz").write_bytes(archive[:-40])
    (bad / "text.npy").write_text("no array")
    (bad / "rows.csv").write_text("1,2\n")

    (HERE / "expected.json").write_text(json.dumps(cases, separators=(",", ":")))


main()
