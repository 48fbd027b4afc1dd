#!/usr/bin/env python3
"""Make the tiny checkpoints of this folder and, beside each, what PyTorch answers about it.

    python make.py [NAME ...]

Weights are random. Nothing here knows how a family stores its weights: the answers come from the
`transformers` modules themselves. A neuron's key is what its input module makes of the unit
vectors, its value what the output module makes of one. Queries, keys and values are caught where
attention is about to multiply them, after the module has split, shared and turned them, with the
embeddings in the place of its input and every token at one position. Biases are zero then, and
norms of queries and keys are reduced to their gains: the lists are of the weights alone.

Needs: torch, transformers, tokenizers, safetensors.
"""
import json
import os
import re
import sys

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

HERE = os.path.dirname(os.path.abspath(__file__))
VOCAB, K = 96, 20
DISTANCE = 3
TEXTS = [[5, 17, 40, 8, 33, 61, 9], [(7 * i * i + 3 * i + 5) % 90 + 4 for i in range(24)]]

WIDE = dict(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=104,
            pad_token_id=None, bos_token_id=1, eos_token_id=2)
GATED = dict(WIDE, intermediate_size=40, num_key_value_heads=2)
OWN_HEADS = dict(GATED, hidden_size=24, head_dim=8)
FALCON = dict(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_hidden_size=40,
              max_position_embeddings=104, bias=False, bos_token_id=1, eos_token_id=2)
SMALL = dict(GATED, hidden_size=16, intermediate_size=24)
ENCODER = dict(WIDE, intermediate_size=40, pad_token_id=0)
SMALL_GPT = dict(vocab_size=VOCAB, n_embd=16, n_layer=2, n_head=4, n_positions=104, bos_token_id=1, eos_token_id=2)
SMALL_OPT = dict(WIDE, hidden_size=16, ffn_dim=24, pad_token_id=3)
SMALL_ENCODER = dict(ENCODER, hidden_size=16, intermediate_size=24)
LLAMA3 = dict(rope_type="llama3", rope_theta=5000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
LONG = dict(rope_type="longrope", rope_theta=10000.0, short_factor=[1.0, 1.2, 1.5, 2.0],
            long_factor=[1.0, 2.0, 4.0, 8.0], original_max_position_embeddings=32)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=26)

# name: (model_type, configuration, module paths: attention; inputs, gate first; output; attention's output)
LLAMA_PATHS = ("layers.{}.self_attn", ["layers.{}.mlp.gate_proj", "layers.{}.mlp.up_proj"], "layers.{}.mlp.down_proj",
               "layers.{}.self_attn.o_proj")
BERT_PATHS = ("encoder.layer.{}.attention.self", ["encoder.layer.{}.intermediate.dense"],
              "encoder.layer.{}.output.dense", "encoder.layer.{}.attention.output.dense")
FUSED_PATHS = ("layers.{}.self_attn", ["layers.{}.mlp.gate_up_proj"], "layers.{}.mlp.down_proj",
               "layers.{}.self_attn.o_proj")
PLAIN_PATHS = ("layers.{}.self_attn", ["layers.{}.mlp.up_proj"], "layers.{}.mlp.down_proj",
               "layers.{}.self_attn.o_proj")
GPT_PATHS = ("h.{}.attn", ["h.{}.mlp.c_fc"], "h.{}.mlp.c_proj", "h.{}.attn.c_proj")
OPT_PATHS = ("decoder.layers.{}.self_attn", ["decoder.layers.{}.fc1"], "decoder.layers.{}.fc2",
             "decoder.layers.{}.self_attn.out_proj")
FALCON_PATHS = ("h.{}.self_attention", ["h.{}.mlp.dense_h_to_4h"], "h.{}.mlp.dense_4h_to_h",
                "h.{}.self_attention.dense")
FAMILIES = {
    "llama": ("llama", dict(GATED, rope_parameters=LLAMA3, attention_bias=True), LLAMA_PATHS),
    "mistral": ("mistral", dict(OWN_HEADS, sliding_window=8), LLAMA_PATHS),
    "qwen2": ("qwen2", dict(GATED, tie_word_embeddings=True, rope_parameters=YARN, use_sliding_window=True,
                            sliding_window=8, max_window_layers=1), LLAMA_PATHS),
    "qwen3": ("qwen3", dict(OWN_HEADS), LLAMA_PATHS),
    "gemma": ("gemma", dict(OWN_HEADS, num_key_value_heads=1), LLAMA_PATHS),
    "gemma2": ("gemma2", dict(OWN_HEADS, query_pre_attn_scalar=12, attn_logit_softcapping=2.0, sliding_window=8),
               LLAMA_PATHS),
    "gemma3-text": ("gemma3_text", dict(OWN_HEADS, query_pre_attn_scalar=12, sliding_window=8,
                                        layer_types=["sliding_attention", "full_attention"]), LLAMA_PATHS),
    "phi": ("phi", dict(WIDE, intermediate_size=40),
            ("layers.{}.self_attn", ["layers.{}.mlp.fc1"], "layers.{}.mlp.fc2", "layers.{}.self_attn.dense")),
    "phi3": ("phi3", dict(GATED, rope_parameters=LONG, original_max_position_embeddings=32),
             ("layers.{}.self_attn", ["layers.{}.mlp.gate_up_proj"], "layers.{}.mlp.down_proj",
              "layers.{}.self_attn.o_proj")),
    "gpt-neox": ("gpt_neox", dict(WIDE, intermediate_size=40, rotary_pct=0.5),
                 ("layers.{}.attention", ["layers.{}.mlp.dense_h_to_4h"], "layers.{}.mlp.dense_4h_to_h",
                  "layers.{}.attention.dense")),
    "gpt-neo": ("gpt_neo", dict(vocab_size=VOCAB, hidden_size=32, num_layers=2, num_heads=4, intermediate_size=40,
                                max_position_embeddings=104, window_size=8, attention_types=[[["global", "local"], 1]],
                                bos_token_id=1, eos_token_id=2),
                ("h.{}.attn.attention", ["h.{}.mlp.c_fc"], "h.{}.mlp.c_proj", "h.{}.attn.attention.out_proj")),
    "gptj": ("gptj", dict(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_inner=40, n_positions=104, rotary_dim=4,
                          bos_token_id=1, eos_token_id=2),
             ("h.{}.attn", ["h.{}.mlp.fc_in"], "h.{}.mlp.fc_out", "h.{}.attn.out_proj")),
    "opt": ("opt", dict(WIDE, ffn_dim=40, word_embed_proj_dim=32, pad_token_id=3),
            ("decoder.layers.{}.self_attn", ["decoder.layers.{}.fc1"], "decoder.layers.{}.fc2",
             "decoder.layers.{}.self_attn.out_proj")),
    "bloom": ("bloom", dict(vocab_size=VOCAB, hidden_size=24, n_layer=2, n_head=3, bos_token_id=1, eos_token_id=2,
                            pad_token_id=3), FALCON_PATHS),
    "falcon": ("falcon", dict(FALCON, new_decoder_architecture=True, num_kv_heads=2), FALCON_PATHS),
    "falcon-7b": ("falcon", dict(FALCON, multi_query=True, parallel_attn=True), FALCON_PATHS),
    "falcon-rw": ("falcon", dict(FALCON, hidden_size=24, num_attention_heads=3, multi_query=False, parallel_attn=False,
                                 alibi=True, bias=True), FALCON_PATHS),
    "roberta": ("roberta", dict(ENCODER, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5), BERT_PATHS),
    "xlm-roberta": ("xlm-roberta", dict(ENCODER, type_vocab_size=1, pad_token_id=1), BERT_PATHS),
    "distilbert": ("distilbert", dict(vocab_size=VOCAB, dim=32, n_layers=2, n_heads=4, hidden_dim=40,
                                      max_position_embeddings=104),
                   ("transformer.layer.{}.attention", ["transformer.layer.{}.ffn.lin1"], "transformer.layer.{}.ffn.lin2",
                    "transformer.layer.{}.attention.out_lin")),
    "modernbert": ("modernbert", dict(ENCODER, local_attention=8, global_attn_every_n_layers=2, cls_token_id=1,
                                      sep_token_id=2),
                   ("layers.{}.attn", ["layers.{}.mlp.Wi"], "layers.{}.mlp.Wo", "layers.{}.attn.Wo")),
    # Choices that a family's configuration leaves open.
    "phi-qk": ("phi", dict(WIDE, intermediate_size=40, qk_layernorm=True),
               ("layers.{}.self_attn", ["layers.{}.mlp.fc1"], "layers.{}.mlp.fc2", "layers.{}.self_attn.dense")),
    "opt-post": ("opt", dict(WIDE, ffn_dim=40, word_embed_proj_dim=32, pad_token_id=3, do_layer_norm_before=False),
                 OPT_PATHS),
    "opt-bare": ("opt", dict(WIDE, ffn_dim=40, word_embed_proj_dim=32, pad_token_id=3, enable_bias=False,
                             layer_norm_elementwise_affine=False, activation_function="gelu"), OPT_PATHS),
    "opt-open": ("opt", dict(WIDE, ffn_dim=40, word_embed_proj_dim=32, pad_token_id=3,
                             _remove_final_layer_norm=True), OPT_PATHS),
    "roberta-pad": ("roberta", dict(ENCODER, type_vocab_size=1, pad_token_id=5), BERT_PATHS),
    "llama-yarn": ("llama", dict(GATED, head_dim=16, rope_parameters=dict(YARN, truncate=False, factor=8.0)),
                   LLAMA_PATHS),
    # Decoders after Llama.
    "ministral3": ("ministral3", dict(SMALL, head_dim=8, rope_parameters=dict(
        YARN, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.1)), LLAMA_PATHS),
    "smollm3": ("smollm3", dict(SMALL, no_rope_layer_interval=2), LLAMA_PATHS),
    "seed-oss": ("seed_oss", dict(SMALL, head_dim=8), LLAMA_PATHS),
    "ernie4-5": ("ernie4_5", dict(SMALL, head_dim=8, use_bias=True), LLAMA_PATHS),
    "helium": ("helium", dict(SMALL, head_dim=4), LLAMA_PATHS),
    "glm": ("glm", dict(SMALL, head_dim=8), FUSED_PATHS),
    "glm4": ("glm4", dict(SMALL, head_dim=8), FUSED_PATHS),
    "olmo": ("olmo", dict(SMALL, clip_qkv=0.5), LLAMA_PATHS),
    "stablelm": ("stablelm", dict(SMALL, hidden_size=32, use_qkv_bias=True), LLAMA_PATHS),
    "stablelm-qk": ("stablelm", dict(SMALL, hidden_size=32, qk_layernorm=True, use_parallel_residual=True),
                    LLAMA_PATHS),
    "olmo2": ("olmo2", dict(SMALL), LLAMA_PATHS),
    "olmo3": ("olmo3", dict(SMALL, sliding_window=8, layer_types=["sliding_attention", "full_attention"]),
              LLAMA_PATHS),
    "exaone4": ("exaone4", dict(SMALL, sliding_window=8, sliding_window_pattern=2), LLAMA_PATHS),
    "granite": ("granite", dict(SMALL, embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.4,
                                logits_scaling=8.0), LLAMA_PATHS),
    "cohere": ("cohere", dict(SMALL, use_qk_norm=True), LLAMA_PATHS),
    "cohere2": ("cohere2", dict(SMALL, sliding_window=8, layer_types=["sliding_attention", "full_attention"],
                                logit_scale=0.25), LLAMA_PATHS),
    "starcoder2": ("starcoder2", dict(SMALL), ("layers.{}.self_attn", ["layers.{}.mlp.c_fc"], "layers.{}.mlp.c_proj",
                                               "layers.{}.self_attn.o_proj")),
    "arcee": ("arcee", dict(SMALL), PLAIN_PATHS),
    "nemotron": ("nemotron", dict(SMALL), PLAIN_PATHS),
    # Encoders after BERT.
    "camembert": ("camembert", dict(SMALL_ENCODER, type_vocab_size=1, pad_token_id=1), BERT_PATHS),
    "electra": ("electra", dict(SMALL_ENCODER, embedding_size=16), BERT_PATHS),
    "mpnet": ("mpnet", dict(SMALL_ENCODER, pad_token_id=1),
              ("encoder.layer.{}.attention.attn", ["encoder.layer.{}.intermediate.dense"],
               "encoder.layer.{}.output.dense", "encoder.layer.{}.attention.attn.o")),
    "deberta": ("deberta", dict(SMALL_ENCODER, relative_attention=True, pos_att_type="c2p|p2c",
                                position_biased_input=False), BERT_PATHS),
    "deberta-v2": ("deberta-v2", dict(SMALL_ENCODER, relative_attention=True, pos_att_type="c2p|p2c",
                                      position_biased_input=False, share_att_key=True, position_buckets=16,
                                      norm_rel_ebd="layer_norm"), BERT_PATHS),
    # Embeddings narrower than the layers.
    "opt-narrow": ("opt", dict(SMALL_OPT, word_embed_proj_dim=8, do_layer_norm_before=False), OPT_PATHS),
    "electra-small": ("electra", dict(SMALL_ENCODER, embedding_size=8), BERT_PATHS),
    "albert": ("albert", dict(SMALL_ENCODER, embedding_size=8, num_hidden_layers=5, num_hidden_groups=2),
               ("encoder.albert_layer_groups.{}.albert_layers.0.attention",
                ["encoder.albert_layer_groups.{}.albert_layers.0.ffn"],
                "encoder.albert_layer_groups.{}.albert_layers.0.ffn_output",
                "encoder.albert_layer_groups.{}.albert_layers.0.attention.dense")),
    # Decoders and encoders with something of their own.
    "gpt-bigcode": ("gpt_bigcode", dict(SMALL_GPT, n_inner=24), GPT_PATHS),
    "gpt-bigcode-heads": ("gpt_bigcode", dict(SMALL_GPT, n_inner=24, multi_query=False), GPT_PATHS),
    "codegen": ("codegen", dict(SMALL_GPT, n_head=8, n_inner=24, rotary_dim=2),
                ("h.{}.attn", ["h.{}.mlp.fc_in"], "h.{}.mlp.fc_out", "h.{}.attn.out_proj")),
    "mpt": ("mpt", dict(vocab_size=VOCAB, d_model=24, n_layers=2, n_heads=3, max_seq_len=104, bos_token_id=1,
                        eos_token_id=2, attn_config=dict(clip_qkv=0.5)),
            ("blocks.{}.attn", ["blocks.{}.ffn.up_proj"], "blocks.{}.ffn.down_proj", "blocks.{}.attn.out_proj")),
    "ministral": ("ministral", dict(SMALL, head_dim=8, sliding_window=8,
                                    layer_types=["sliding_attention", "full_attention"]), LLAMA_PATHS),
    "apertus": ("apertus", dict(SMALL, rope_parameters=LLAMA3), PLAIN_PATHS),
    "hunyuan": ("hunyuan_v1_dense", dict(SMALL, head_dim=8), LLAMA_PATHS),
    "modernbert-decoder": ("modernbert-decoder", dict(SMALL_ENCODER, local_attention=16, cls_token_id=1,
                                                      sep_token_id=2, global_attn_every_n_layers=2),
                           ("layers.{}.attn", ["layers.{}.mlp.Wi"], "layers.{}.mlp.Wo", "layers.{}.attn.Wo")),
    "nomic-bert": ("nomic_bert", dict(SMALL_ENCODER, head_dim=4), LLAMA_PATHS),
}
# Saved as f32; the others as bf16.
FULL = {"llama", "gpt-neox", "roberta"}
# With a text and a distance beyond the length that they were trained with at first.
BEYOND = {"phi3": 48}
# Spelled as before version 5 of transformers.
OLD = {"llama", "phi", "phi3", "gpt-neox", "modernbert", "qwen3", "falcon"}
SPLIT = {"phi3", "modernbert", "glm", "glm4", "modernbert-decoder"}
# Rotated queries and keys are normed, so that no list is of a distance.
STILL = {"hunyuan"}
# Layers that rotate nothing.
UNTURNED = {"smollm3": {1}, "cohere2": {1}, "exaone4": {1}}
# The gains of norms are 1 more than what is stored.
PLUS_ONE = re.compile("Gemma(?!3n|4)|Nemotron(?!H)|Qwen3Next|Qwen3_5")
ENCODERS = {"roberta", "roberta-pad", "xlm-roberta", "distilbert", "modernbert", "camembert", "electra", "mpnet",
            "deberta", "deberta-v2", "electra-small", "albert", "nomic-bert"}
PIECES = {"llama", "mistral", "gemma", "gemma2", "gemma3-text", "phi3", "xlm-roberta"}


def at(model, path):
    for part in path.split("."):
        model = model[int(part)] if part.isdigit() else getattr(model, part)
    return model


def randomise(model, seed):
    torch.manual_seed(seed)
    for name, p in model.named_parameters():
        norm = p.dim() == 1 and "bias" not in name
        plain = norm and not PLUS_ONE.match(type(model).__name__)
        p.copy_(torch.randn_like(p) * (0.25 if p.dim() > 1 else 0.1) + (1.0 if plain else 0.0))
        p.copy_(p.bfloat16().float())


def matrix(module, inputs):
    """[inputs, outputs] of a linear module, whichever way it is stored."""
    return module(torch.eye(inputs))


def best(scores, largest=True):
    flat = scores.flatten()
    order = torch.argsort(flat, descending=largest, stable=True)[:K]
    return [[int(i), round(float(flat[i]), 6)] for i in order]


def caught(model, attention, hidden, position):
    """Queries, keys and values [heads, tokens, width] as attention is about to multiply them."""
    found = {}

    def keep(q, k, v):
        found["qkv"] = [x[0].detach().clone() if x.dim() == 4 else x.detach().clone() for x in (q, k, v)]

    def replace(_, args, kwargs):
        if args:
            return (hidden[None],) + args[1:], kwargs
        return args, dict(kwargs, hidden_states=hidden[None])

    sdpa = torch.nn.functional.scaled_dot_product_attention
    undo = []

    def patched(q, k, v, *args, **kwargs):
        if found.get("inside"):
            keep(q, k, v)
        kwargs.pop("enable_gqa", None)
        n = q.shape[1] // k.shape[1]
        return sdpa(q, k.repeat_interleave(n, 1), v.repeat_interleave(n, 1), *args, **kwargs)

    kind = type(attention).__name__
    if kind == "GPTNeoSelfAttention":
        inner = attention._attn
        attention._attn = lambda q, k, v, *a, **kw: (keep(q, k, v), inner(q, k, v, *a, **kw))[1]
        undo.append(lambda: delattr(attention, "_attn"))
    elif kind == "BloomAttention":
        reshape = attention._reshape

        def watched(fused):
            q, k, v = reshape(fused)
            k = k.transpose(-1, -2) if k.shape[-1] != q.shape[-1] else k
            keep(q, k, v)
            return reshape(fused)
        attention._reshape = watched
        undo.append(lambda: delattr(attention, "_reshape"))
    hooks = []
    if kind == "MptAttention":
        # Its products are its own; queries, keys and values are thirds of one map.
        def thirds(module, args, out):
            if found.get("inside"):
                keep(*(x[0].view(len(hidden), attention.n_heads, -1).transpose(0, 1) for x in out.chunk(3, dim=-1)))
        hooks.append(attention.Wqkv.register_forward_hook(thirds))
    elif kind == "MPNetSelfAttention":
        parts = {}

        def part(name):
            def take(module, args, out):
                parts[name] = out[0].view(out.shape[1], attention.num_attention_heads, -1).transpose(0, 1)
                if found.get("inside") and len(parts) == 3:
                    keep(parts["q"], parts["k"], parts["v"])
            return take
        hooks += [getattr(attention, name).register_forward_hook(part(name)) for name in "qkv"]
    elif kind == "DisentangledSelfAttention":
        split, parts = attention.transpose_for_scores, []

        def scores(x, *heads):
            out = split(x, *heads)
            if found.get("inside") and len(parts) < 3:
                parts.extend(out[0].chunk(3, dim=-1) if hasattr(attention, "in_proj") else [out])
                if len(parts) >= 3:
                    keep(*parts[:3])
            return out
        attention.transpose_for_scores = scores
        undo.append(lambda: delattr(attention, "transpose_for_scores"))
    torch.nn.functional.scaled_dot_product_attention = patched
    hooks += [attention.register_forward_pre_hook(replace, with_kwargs=True),
             attention.register_forward_pre_hook(lambda *a: found.update(inside=True)),
             attention.register_forward_hook(lambda *a: found.update(inside=False))]
    try:
        ids = torch.arange(len(hidden))[None] % VOCAB
        more = {}
        if position is not None:
            more["position_ids"] = torch.full_like(ids, position)
        model(input_ids=ids, **more)
    finally:
        torch.nn.functional.scaled_dot_product_attention = sdpa
        for hook in hooks:
            hook.remove()
        for step in undo:
            step()
    return found["qkv"]


def linearised(model):
    """No biases; norms of queries and keys by their gains alone, and nothing cut off."""
    if hasattr(model.config, "clip_qkv"):
        model.config.clip_qkv = None
    for module in model.modules():
        if type(module).__name__ == "MptAttention":
            module.clip_qkv = None
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            p.zero_()
    linear_norms(model)


def linear_norms(model):
    """Norms of queries and keys by their gains alone."""
    for module in model.modules():
        if hasattr(module, "q_norm"):
            for norm in filter(None, (module.q_norm, getattr(module, "k_norm", None))):
                gain = norm.weight + (1.0 if PLUS_ONE.match(type(norm).__name__) else 0.0)
                mean = (lambda x: x.mean(-1, keepdim=True)) if "LayerNorm" in type(norm).__name__ else lambda x: 0.0
                norm.forward = lambda x, gain=gain, mean=mean: (x - mean(x)) * gain
        if hasattr(module, "v_norm"):
            module.v_norm.forward = lambda x: x
        if "RMS" in type(getattr(module, "q_layernorm", None)).__name__:
            for norm in (module.q_layernorm, module.k_layernorm):
                norm.forward = lambda x, gain=norm.weight: x * gain
        if hasattr(module, "query_layernorm"):
            for norm in (module.query_layernorm, module.key_layernorm):
                norm.forward = lambda x, gain=norm.weight: x * gain
        # Of a layer norm that the mean is taken out is linear too.
        if getattr(module, "qk_layernorm", False):
            norms = [module.q_layernorm, module.k_layernorm]
            if hasattr(norms[0], "norms"):
                norms = [own for norm in norms for own in norm.norms]
            for norm in norms:
                norm.forward = lambda x, gain=norm.weight: (x - x.mean(-1, keepdim=True)) * gain


def embeddings(model):
    """The rows of both sides, [tokens, hidden_size]: as layers have them where they are stored narrower."""
    read = model.get_input_embeddings().weight.detach()
    written = model.get_output_embeddings().weight.detach()
    base = model.base_model
    into, out = {
        "OPTForCausalLM": lambda: (base.decoder.project_in, base.decoder.project_out),
        "ElectraForMaskedLM": lambda: (getattr(base, "embeddings_project", None), model.generator_predictions.dense),
        "AlbertForMaskedLM": lambda: (base.encoder.embedding_hidden_mapping_in, model.predictions.dense),
    }.get(type(model).__name__, lambda: (None, None))()
    if into is not None:
        width = model.config.hidden_size
        read = into(read) - into(torch.zeros(1, read.shape[1]))
        written = written @ (out(torch.eye(width)) - out(torch.zeros(1, width))).T
    return read, written


def states_of(base, name):
    found, before = [], []
    # What comes last of OPT is no longer as wide as the layers where its embedding is not.
    if getattr(getattr(base, "decoder", None), "project_out", None) is not None:
        base.decoder.layers[-1].register_forward_hook(
            lambda module, args, out: before.append(out[0] if isinstance(out, tuple) else out))
    for text in TEXTS + [TEXTS[1] * 3] * (name in BEYOND):
        states = base(torch.tensor([text]), output_hidden_states=True).hidden_states
        if before:
            states = states[:-1] + (before.pop(),)
        found.append({
            "ids": text,
            "norms": [[round(float(x), 5) for x in s[0].norm(dim=-1)] for s in states],
            "last": [[round(float(x), 6) for x in s[0, -1]] for s in states],
        })
    return found


def answers(name, model, paths):
    base = model.base_model
    attention_path, inputs, output, attention_out = paths
    read, written = embeddings(model)
    width = read.shape[1]
    found = {"states": states_of(base, name)}
    if type(model).__name__.startswith(("Gemma2", "GptOss")):
        # The cap on scores needs eager attention; to catch queries it must not be.
        model.config._attn_implementation = "sdpa"
        for module in model.modules():
            if hasattr(module, "attn_logit_softcapping"):
                module.attn_logit_softcapping = None
    linearised(model)
    # Of layers that are one and the same there is one.
    last = getattr(model.config, "num_hidden_groups", 2) - 1
    neurons, layer, neuron = [], last, 5
    sources = [matrix(at(base, path.format(layer)), width) for path in inputs]
    if name in SPLIT:
        sources = list(sources[0].chunk(2, dim=-1))
    values = matrix(at(base, output.format(layer)), sources[0].shape[1])
    for key, source in zip(["gate", "up"], sources):
        k, v = read @ source[:, neuron], written @ values[neuron]
        neurons.append({"layer": layer, "neuron": neuron, "key": key,
                        "columns": {"K": best(k), "V": best(v), "-K": best(-k), "-V": best(-v)}})
    found["neuron"] = neurons
    turning = any("otary" in type(m).__name__ for m in model.modules()) or name == "gptj"
    turning = turning and name != "falcon-rw"
    found["pairs"] = []
    places = [(0, 1, 0), (last, 2, 0)] + [(0, 2, DISTANCE), (1, 1, DISTANCE)] * (turning and name not in STILL)
    places = [place for place in places if place[2] == 0 or place[0] not in UNTURNED.get(name, ())]
    for layer, head, distance in places + [(1, 0, BEYOND.get(name))] * (name in BEYOND):
        attention = at(base, attention_path.format(layer))
        q, k, v = caught(base, attention, read, distance if turning else None)
        of_key = head * k.shape[0] // q.shape[0]
        if turning:
            _, k, _ = caught(base, attention, read, 0)
        # Constants that scale all scores are no part of the lists. OPT scales queries beforehand.
        if type(attention).__name__ == "OPTAttention":
            q = q / attention.scaling
        factor = 1.0
        for module in base.modules():
            factor = getattr(module, "attention_scaling", None) or factor
        found["pairs"].append({"form": "qk", "layer": layer, "head": head, "distance": distance,
                               "highest": best(q[head] @ k[of_key].T / factor ** 2),
                               "lowest": best(q[head] @ k[of_key].T / factor ** 2, largest=False)})
        if distance == 0:
            each = q.shape[-1]
            mixed = torch.zeros(VOCAB, q.shape[0] * each)
            mixed[:, head * each:(head + 1) * each] = v[of_key]
            out = at(base, attention_out.format(layer))(mixed)
            found["pairs"].append({"form": "vo", "layer": layer, "head": head, "distance": 0,
                                   "highest": best(out @ written.T), "lowest": best(out @ written.T, largest=False)})
    return found


def old_spelling(config):
    """rope_parameters as the keys of their own that they were."""
    rope = config.pop("rope_parameters", None)
    config.pop("layer_types", None)
    if rope and "full_attention" in rope:
        config["global_rope_theta"] = rope["full_attention"]["rope_theta"]
        config["local_rope_theta"] = rope["sliding_attention"]["rope_theta"]
    elif rope:
        neox = config["model_type"] == "gpt_neox"
        config["rotary_emb_base" if neox else "rope_theta"] = rope.pop("rope_theta")
        share = rope.pop("partial_rotary_factor", None)
        if share is not None:
            config["rotary_pct" if neox else "partial_rotary_factor"] = share
        kind = rope.pop("rope_type", "default")
        if kind != "default":
            config["rope_scaling"] = dict(rope, type=kind)
    return config


def tokenizer(name):
    specials = ["<unk>", "<s>", "</s>", "<pad>"]
    syllables = [a + b for a in "bdgklmnprst" for b in "aeiouy"]
    if name in PIECES:
        plain = ["<0x0A>", "<0xC5>", "▁", "a▁b"] + ["▁" + s for s in syllables[:40]] + syllables
        vocab = (specials + plain)[:VOCAB]
        if name == "xlm-roberta":
            tok = Tokenizer(models.Unigram([(w, -float(i)) for i, w in enumerate(vocab)], unk_id=0, byte_fallback=False))
        else:
            tok = Tokenizer(models.BPE({w: i for i, w in enumerate(vocab)}, [], unk_token="<unk>", byte_fallback=True))
        tok.normalizer = normalizers.Replace(" ", "▁")
        tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    elif name == "distilbert":
        vocab = (specials + syllables + ["##" + s for s in syllables])[:VOCAB]
        tok = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocab)}, unk_token="<unk>"))
        tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tok.decoder = decoders.WordPiece()
    else:
        vocab = (specials + ["Ċ", "Å"] + ["Ġ" + s for s in syllables[:40]] + syllables)[:VOCAB]
        tok = Tokenizer(models.BPE({w: i for i, w in enumerate(vocab)}, []))
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens(specials)
    return tok


def write(folder, model, name, config=None, rename=lambda tensor: tensor):
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder)
    weights = os.path.join(folder, "model.safetensors")
    kind = torch.float32 if name in FULL else torch.bfloat16
    tensors = {rename(n): t.to(kind) for n, t in load_file(weights).items() if rename(n)}
    save_file(tensors, weights, metadata={"format": "pt"})
    path = os.path.join(folder, "config.json")
    spelled = json.load(open(path, encoding="utf-8"))
    if name in OLD:
        spelled = old_spelling(spelled)
    if config:
        spelled = config(spelled)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(spelled, f, indent=1, ensure_ascii=False)
        f.write("\n")
    generation = os.path.join(folder, "generation_config.json")
    if os.path.exists(generation):
        os.unlink(generation)
    tokenizer(name).save(os.path.join(folder, "tokenizer.json"), pretty=False)


def on_the_hub(config):
    """Gemma 3 with images, as its files on the hub: the text model nested, most sizes left out."""
    text = {k: config[k] for k in ["hidden_size", "intermediate_size", "num_hidden_layers", "head_dim", "vocab_size",
                                   "num_key_value_heads", "num_attention_heads", "sliding_window",
                                   "query_pre_attn_scalar", "layer_types"]}
    return {"model_type": "gemma3", "text_config": dict(text, model_type="gemma3_text")}


def mistral_on_the_hub(config):
    """Mistral 3 with images: the text model nested."""
    outside = ("architectures", "tie_word_embeddings")
    return {"model_type": "mistral3", "tie_word_embeddings": False,
            "text_config": {k: v for k, v in config.items() if k not in outside}}


# name: the same model under another name, its configuration, what its tensors' names begin with
NESTED = {
    "gemma3-text": ("gemma3", on_the_hub, {"model.": "language_model.model."}),
    "ministral3": ("mistral3", mistral_on_the_hub,
                   {"model.": "language_model.model.", "lm_head.": "language_model.lm_head."}),
    # Without a head over the vocabulary.
    "electra": ("electra-discriminator", lambda config: config, {"generator_": None}),
}


def make(name, seed):
    kind, config, paths = FAMILIES[name]
    auto = AutoModelForMaskedLM if name in ENCODERS else AutoModelForCausalLM
    eager = dict(attn_implementation="eager") if kind in ("gpt_neo", "bloom", "gemma2") else {}
    model = auto.from_config(AutoConfig.for_model(kind, **config), **eager).eval().float()
    randomise(model, seed)
    folder = os.path.join(HERE, name)
    write(folder, model, name)
    nested = NESTED.get(name)
    if nested:
        write(os.path.join(HERE, nested[0]), model, name, nested[1],
              lambda t: next((b and b + t[len(a):] for a, b in nested[2].items() if t.startswith(a)), t))
    found = answers(name, model, paths)
    for out in [name] + ([nested[0]] if nested else []):
        with open(os.path.join(HERE, out + ".json"), "w", encoding="utf-8") as f:
            json.dump(found, f)
            f.write("\n")
    print(name)


def main():
    torch.set_grad_enabled(False)
    for seed, name in enumerate(FAMILIES):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, seed)


if __name__ == "__main__":
    main()
