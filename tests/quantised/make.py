"""A tiny Llama of one layer in every scheme of quantised checkpoints that is read, and what it is once it is dequantised.

    python make.py   writes NAME/config.json, NAME/model.safetensors and expected.json beside this file

Codes are packed, and dequantised again, by numpy as the schemes' definitions say: the code of no other reader is used.
expected.json has for each matrix its first four numbers and a CRC-32 of all of them, little-endian f32, row after row.

Needs: numpy, torch, safetensors.
"""
import json
import os
import shutil
import zlib

import numpy as np
import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, NEURONS, VOCAB, GROUP = 32, 64, 32, 16
CONFIG = {
    "model_type": "llama", "hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
    "intermediate_size": NEURONS, "vocab_size": VOCAB, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": True,
    "max_position_embeddings": 64,
}
LAYER = "model.layers.0."
# [out, in]
MATRICES = {"mlp.up_proj": (NEURONS, WIDTH), "mlp.down_proj": (WIDTH, NEURONS), "self_attn.q_proj": (WIDTH, WIDTH)}
rng = np.random.default_rng(7)
f32 = np.float32


def plain():
    """All tensors that are not quantised."""
    number = lambda *shape: torch.tensor(rng.standard_normal(shape), dtype=torch.float16)
    tensors = {"model.embed_tokens.weight": number(VOCAB, WIDTH), "model.norm.weight": number(WIDTH)}
    for norm in ("input_layernorm", "post_attention_layernorm"):
        tensors[LAYER + norm + ".weight"] = number(WIDTH)
    for part in ("k_proj", "v_proj", "o_proj"):
        tensors[f"{LAYER}self_attn.{part}.weight"] = number(WIDTH, WIDTH)
    tensors[LAYER + "mlp.gate_proj.weight"] = number(NEURONS, WIDTH)
    return tensors


def pack(codes, bits, order=None):
    """Words of 32 bits along the last axis: code i in bits i * bits and up, or code order[i]."""
    per = 32 // bits
    padded = np.zeros(codes.shape[:-1] + (-(-codes.shape[-1] // per) * per,), np.uint32)
    padded[..., : codes.shape[-1]] = codes
    split = padded.reshape(padded.shape[:-1] + (-1, per))
    words = np.zeros(split.shape[:-1], np.uint32)
    for i in range(per):
        words |= split[..., order[i] if order else i] << np.uint32(i * bits)
    return torch.tensor(words.view(np.int32))


def half(array):
    """The numbers that a file of 16 bits keeps of them, and the tensor."""
    tensor = torch.tensor(array, dtype=torch.float16)
    return tensor.float().numpy(), tensor


def gptq(bits, act_order, version=1):
    def one(out, inputs):
        groups = inputs // GROUP
        q = rng.integers(0, 2**bits, (inputs, out))
        zeros = rng.integers(0, 2**bits, (groups, out))
        scales, kept = half(rng.random((groups, out)) / 8)
        g_idx = rng.permutation(np.repeat(np.arange(groups), GROUP)) if act_order else np.arange(inputs) // GROUP
        stored = (zeros - 1) % 2**bits if version == 1 else zeros
        parts = {"qweight": pack(q.T, bits).T.contiguous(), "qzeros": pack(stored, bits), "scales": kept}
        if act_order:
            parts["g_idx"] = torch.tensor(g_idx, dtype=torch.int32)
        w = (q.astype(f32) - zeros[g_idx].astype(f32)) * scales[g_idx]
        return parts, w.T
    config = {"quant_method": "gptq", "bits": bits, "group_size": GROUP, "desc_act": act_order}
    if version == 2:
        config["checkpoint_format"] = "gptq_v2"
    return one, {"quantization_config": config}


def awq():
    def one(out, inputs):
        order = [0, 2, 4, 6, 1, 3, 5, 7]
        groups = inputs // GROUP
        q, zeros = rng.integers(0, 16, (inputs, out)), rng.integers(0, 16, (groups, out))
        scales, kept = half(rng.random((groups, out)) / 8)
        parts = {"qweight": pack(q, 4, order), "qzeros": pack(zeros, 4, order), "scales": kept}
        g = np.arange(inputs) // GROUP
        return parts, ((q.astype(f32) - zeros[g].astype(f32)) * scales[g]).T
    return one, {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": GROUP, "version": "gemm", "zero_point": True}}


def e4m3(codes):
    """One sign bit, four bits of exponent with bias 7, three of mantissa; no infinities."""
    exponent, mantissa = (codes >> 3) & 15, (codes & 7).astype(f32)
    size = np.where(exponent == 0, mantissa / 8 * f32(2.0**-6), (1 + mantissa / 8) * np.exp2(exponent.astype(f32) - 7))
    return np.where(codes >> 7, -size, size).astype(f32)


def fp8(kind):
    def one(out, inputs):
        codes = rng.integers(0, 256, (out, inputs)).astype(np.uint8)
        codes[(codes & 127) == 127] = 0  # not a number
        down, right = {"block": (24, 16), "tensor": (out, inputs), "channel": (1, inputs)}[kind]
        scales = (rng.random((-(-out // down), -(-inputs // right))) / 100).astype(f32)
        kept = torch.tensor(scales)
        if kind == "tensor":
            kept = kept.reshape(())
        name = "weight_scale_inv" if kind == "block" else "weight_scale"
        spread = np.repeat(np.repeat(scales, down, 0), right, 1)[:out, :inputs]
        weight = torch.tensor(codes).view(torch.float8_e4m3fn)
        return {"weight": weight, name: kept}, e4m3(codes.astype(np.int32)) * spread
    if kind == "block":
        return one, {"quantization_config": {"quant_method": "fp8", "weight_block_size": [24, 16]}}
    weights = {"num_bits": 8, "type": "float", "strategy": kind}
    return one, {"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized",
                                         "config_groups": {"group_0": {"weights": weights}}}}


def compressed(bits, zero, packed):
    def one(out, inputs):
        groups = inputs // GROUP
        low = -(2 ** (bits - 1))
        q = rng.integers(low, -low, (out, inputs))
        scales, kept = half(rng.random((out, groups)) / 8)
        zeros = rng.integers(low, -low, (out, groups)) if zero else np.zeros((out, groups), int)
        parts = {"weight_scale": kept}
        if packed:
            parts["weight_packed"] = pack(q - low, bits)
            parts["weight_shape"] = torch.tensor([out, inputs], dtype=torch.int64)
        else:
            parts["weight"] = torch.tensor(q, dtype=torch.int8)
        if zero:
            parts["weight_zero_point"] = pack((zeros - low).T, bits).T.contiguous() if packed else torch.tensor(zeros, dtype=torch.int8)
        g = np.arange(inputs) // GROUP
        return parts, (q - zeros[:, g]).astype(f32) * scales[:, g]
    weights = {"num_bits": bits, "type": "int", "strategy": "group", "group_size": GROUP, "symmetric": not zero}
    return one, {"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized" if packed else "int-quantized",
                                         "config_groups": {"group_0": {"weights": weights}}}}


def bnb8():
    def one(out, inputs):
        q = rng.integers(-127, 128, (out, inputs))
        scb = rng.random(out).astype(f32) * 3
        return {"weight": torch.tensor(q, dtype=torch.int8), "SCB": torch.tensor(scb)}, q.astype(f32) * (scb / f32(127))[:, None]
    return one, {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}


def bnb4(kind, nested):
    def one(out, inputs):
        block, inner = 64, 8
        q = rng.integers(0, 16, out * inputs)
        table = np.sort(rng.standard_normal(16)).astype(f32)
        blocks = out * inputs // block
        state = {"quant_type": kind, "blocksize": block, "dtype": "bfloat16", "shape": [out, inputs]}
        parts = {"weight": torch.tensor((q[::2] << 4 | q[1::2]).astype(np.uint8)).reshape(-1, 1), "weight.quant_map": torch.tensor(table)}
        if nested:
            codes = rng.integers(0, 256, blocks)
            again, absmax, offset = rng.standard_normal(256).astype(f32), rng.random(-(-blocks // inner)).astype(f32), 0.25
            scales = again[codes] * absmax[np.arange(blocks) // inner] + f32(offset)
            state |= {"nested_blocksize": inner, "nested_dtype": "float32", "nested_offset": offset}
            parts |= {"weight.absmax": torch.tensor(codes.astype(np.uint8)), "weight.nested_absmax": torch.tensor(absmax),
                      "weight.nested_quant_map": torch.tensor(again)}
        else:
            scales = rng.random(blocks).astype(f32)
            parts["weight.absmax"] = torch.tensor(scales)
        parts[f"weight.quant_state.bitsandbytes__{kind}"] = torch.tensor(np.frombuffer(json.dumps(state).encode(), np.uint8).copy())
        return parts, (table[q] * scales[np.arange(len(q)) // block]).reshape(out, inputs)
    return one, {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}


def mlx(bits):
    def one(out, inputs):
        groups = inputs // GROUP
        q = rng.integers(0, 2**bits, (out, inputs))
        (scales, kept), (biases, beside) = half(rng.random((out, groups)) / 8), half(rng.standard_normal((out, groups)))
        g = np.arange(inputs) // GROUP
        parts = {"weight": pack(q, bits).view(torch.uint32), "scales": kept, "biases": beside}
        return parts, q.astype(f32) * scales[:, g] + biases[:, g]
    return one, {"quantization": {"group_size": GROUP, "bits": bits}}


SCHEMES = {
    "gptq-4": gptq(4, False), "gptq-4-act-order": gptq(4, True), "gptq-8": gptq(8, False), "gptq-2-v2": gptq(2, False, 2), "awq": awq(),
    "fp8-block": fp8("block"), "fp8-tensor": fp8("tensor"), "fp8-channel": fp8("channel"),
    "compressed-int4": compressed(4, False, True), "compressed-int4-zeros": compressed(4, True, True),
    "compressed-int8": compressed(8, True, False), "bitsandbytes-8": bnb8(), "bitsandbytes-nf4": bnb4("nf4", False),
    "bitsandbytes-nf4-nested": bnb4("nf4", True), "bitsandbytes-fp4": bnb4("fp4", False), "mlx-4": mlx(4), "mlx-8": mlx(8),
}

if __name__ == "__main__":
    expected = {}
    for name, (one, config) in SCHEMES.items():
        folder = os.path.join(HERE, name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        tensors, expected[name] = plain(), {}
        matrices = {LAYER + module: shape for module, shape in MATRICES.items()}
        if name.startswith("mlx"):
            # MLX quantises the embedding too.
            matrices["model.embed_tokens"] = (VOCAB, WIDTH)
            del tensors["model.embed_tokens.weight"]
        for module, shape in matrices.items():
            parts, matrix = one(*shape)
            tensors |= {f"{module}.{part}": tensor for part, tensor in parts.items()}
            matrix = np.ascontiguousarray(matrix, dtype="<f4")
            assert matrix.shape == shape
            crc = "%08x" % zlib.crc32(matrix.tobytes())
            expected[name][f"{module}.weight"] = {"shape": shape, "first": [float(x) for x in matrix.flat[:4]], "crc": crc}
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, os.path.join(folder, "model.safetensors"))
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(CONFIG | config, file, indent=1)
            file.write("\n")
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")
