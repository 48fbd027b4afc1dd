#!/usr/bin/env python3
"""Make converted.json: what llama.cpp's own converter makes of checkpoints of ../families, in the form that later.py
describes. The test writes the files from it and from the checkpoints' own numbers, so that none is stored twice.

    python converted.py PATH_OF_LLAMA_CPP

The converter runs twice: on the checkpoint, and on a copy whose numbers are their own places in the file, which tells where
each number of the GGUF file comes from. Numbers that it computes (norms with 1 added, A of -exp(A_log)) are written as they are.
One more entry stands beside those of later.py: "without", ends of names of tensors that the converter cannot take, and that
the checkpoint must do without too. Needs: numpy, torch, safetensors, transformers.
"""
import json
import os
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file as save_numpy

LLAMA_CPP = sys.argv[1]
sys.path[:0] = [LLAMA_CPP, os.path.join(LLAMA_CPP, "gguf-py")]
import gguf  # noqa: E402
from conversion import ModelBase, TextModel, get_model_class, load_all_models  # noqa: E402

from later import runs  # noqa: E402

HERE = Path(__file__).resolve().parent
FAMILIES = HERE.parent / "families"
WORDS = {"linear_attention": "mamba", "full_attention": "attention"}
NOMIC = {"n_positions": 8192, "max_trained_positions": 2048, "activation_function": "swiglu", "causal": False, "qkv_proj_bias": False,
         "mlp_fc1_bias": False, "mlp_fc2_bias": False, "prenorm": False, "rotary_emb_fraction": 1.0,
         "rotary_emb_interleaved": False, "rotary_emb_scale_base": None, "rotary_emb_base": 1000.0}

# checkpoint: the converter's name of it, where the checkpoint's own will not do; "config", keys that it reads and transformers
# does not write, or that it reads in older words; "keys", of the file, that it gets wrong of sizes other than the usual;
# "instead", what no key of GGUF says; "without"; "drop", beginnings of names, a prefix that the hub's files do not have.
MODELS = {
    "qwen3-next": {}, "qwen3-5": {}, "qwen3-5-moe": {}, "falcon-h1": {}, "apertus": {}, "hunyuan": {},
    "gemma4-text": {}, "gemma4-moe": {}, "t5": {}, "t5-gated": {}, "umt5": {},
    "lfm2": {"without": ["conv.bias", "in_proj.bias", "out_proj.bias"], "instead": {"conv_bias": False}},
    "lfm2-moe": {"instead": {"routed_scaling_factor": 1.0}},
    "granitemoehybrid": {"words": WORDS, "instead": {"position_embedding_type": "nope"}},
    "bamba": {"config": {"attn_rotary_emb": 2}},
    "nemotron-h": {"config": {"mamba_d_head": 8}},
    "gemma3n-text": {"config": {"altup_num_inputs": 4}},
    "mpt": {"class": "MPTForCausalLM"},
    "gpt-bigcode": {"keys": {"starcoder.feed_forward_length": 24}},
    "nomic-bert": {"class": "NomicBertModel", "config": NOMIC, "prefix": "nomic_bert.", "without": ["cls."]},
}


def quiet_vocabulary():
    """The test writes a vocabulary of its own."""
    classes = [TextModel]
    for one in classes:
        classes.extend(one.__subclasses__())
        one.set_vocab = lambda self: None


def header(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    about = json.loads(raw[8:8 + size])
    about.pop("__metadata__", None)
    assert all(one["dtype"] == "BF16" for one in about.values())
    return about, np.frombuffer(raw[8 + size:], dtype=np.uint16)


def convert(name, own, tensors, kind):
    """The GGUF file of a checkpoint with these numbers."""
    config = json.loads((FAMILIES / name / "config.json").read_text())
    config.update(own.get("config", {}))
    for key in ("layer_types",):
        if key in config and "words" in own:
            config[key] = [own["words"].get(word, word) for word in config[key]]
    folder = Path(tempfile.mkdtemp())
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = FAMILIES / name / "tokenizer.json"
    (folder / "tokenizer.json").write_text(tokenizer.read_text())
    if "class" in own and "Nomic" in own["class"]:
        (folder / "tokenizer.json").write_text('{"model": {"type": "WordPiece"}}')
    save_numpy(tensors, folder / "model.safetensors")
    made = get_model_class(own.get("class", config["architectures"][0]))
    made.no_mtp = True
    with torch.inference_mode():
        model = made(folder, kind, folder / "made.gguf", eager=True)
        # Decoders of T5 may have more layers than encoders; Qwen's mixtures have layers without experts here.
        table = gguf.get_tensor_name_map(model.model_arch, 8)
        plain = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 8)
        known = table.get_name
        table.get_name = lambda key, try_suffixes=(): known(key, try_suffixes) or plain.get_name(key, try_suffixes)
        model.tensor_map = table
        model.write()
    return gguf.GGUFReader(folder / "made.gguf")


def numbers(tensor):
    if tensor.tensor_type == gguf.GGMLQuantizationType.BF16:
        data = tensor.data.view(np.uint16).astype(np.uint32) << 16
        return data.view(np.float32).ravel()
    assert tensor.tensor_type == gguf.GGMLQuantizationType.F32
    return np.asarray(tensor.data, dtype=np.float32).ravel()


def keys(reader, own):
    kinds = {"UINT32": "u32", "INT32": "u32", "FLOAT32": "f32", "BOOL": "bool", "STRING": "string"}
    for name, field in reader.fields.items():
        if name.startswith(("GGUF.", "general.", "tokenizer.")) and name != "general.architecture":
            continue
        value = own.get("keys", {}).get(name, field.contents())
        if name.endswith("activation_sparsity_scale"):
            value = np.nan_to_num(np.float32(value)).tolist()
        if field.types[0] == gguf.GGUFValueType.ARRAY:
            yield [name, kinds[field.types[-1].name] + "[]", value]
        else:
            yield [name, kinds[field.types[0].name], value]


def tensors(places, converted, original):
    places = {tensor.name: numbers(tensor) for tensor in places.tensors}
    real = (original.astype(np.uint32) << 16).view(np.float32)
    for tensor in converted.tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        values, place = numbers(tensor), places[tensor.name]
        index = np.rint(place).astype(np.int64)
        inside = (index >= 0) & (index < len(real)) & (index == place)
        if inside.all() and (real[index] == values).all():
            yield [tensor.name, tensor.tensor_type.name, shape, "runs", runs(index)]
        else:
            yield [tensor.name, "F32", shape, "numbers", [float(value) for value in values]]


def model(name, own):
    about, original = header(FAMILIES / name / "model.safetensors")
    without = own.get("without", [])
    taken = lambda full: not any(full.endswith(end) or full.startswith(end) for end in without)  # noqa: E731
    real, places = {}, {}
    for full, one in about.items():
        if taken(full):
            first, count = one["data_offsets"][0] // 2, int(np.prod(one["shape"]))
            short = full.removeprefix(own.get("prefix", ""))
            part = original[first:first + count].astype(np.uint32) << 16
            real[short] = part.view(np.float32).reshape(one["shape"])
            places[short] = np.arange(first, first + count, dtype=np.float32).reshape(one["shape"])
    converted = convert(name, own, real, gguf.LlamaFileType.MOSTLY_BF16)
    of_places = convert(name, own, places, gguf.LlamaFileType.ALL_F32)
    return {"instead": own.get("instead", {}), "without": [end for end in without if end != "cls."],
            "keys": list(keys(converted, own)), "tensors": list(tensors(of_places, converted, original))}


if __name__ == "__main__":
    load_all_models()
    quiet_vocabulary()
    made = {name: model(name, own) for name, own in MODELS.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}" for name, one in made.items()]
    (HERE / "converted.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
