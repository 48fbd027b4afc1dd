#!/usr/bin/env python3
"""Make real.json: configurations of public models, shrunk, and what PyTorch answers about each.

    python real.py [ID ...]

A configuration has the keys and values that the model's config.json has, as far as they say how it is built (names
of files, versions and training are left out); sizes are shrunk, and lists cut to two layers. Weights are numbers that
follow from a tensor's name, so that no file of weights is kept: see `numbers`. Needs what make.py needs.
"""
import json
import os
import sys
import tempfile

import numpy
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

import hybrids
import make
from make import BERT_PATHS, FALCON_PATHS, FAMILIES, FUSED_PATHS, HERE, LLAMA_PATHS, OPT_PATHS, PLAIN_PATHS, VOCAB

make.K = 4
make.TEXTS, make.BEYOND = [make.TEXTS[0] + make.TEXTS[1][:12], make.TEXTS[0][:2]], {}

GPT2 = dict(model_type="gpt2", activation_function="gelu_new", attn_pdrop=0.1, bos_token_id=50256, embd_pdrop=0.1,
            eos_token_id=50256, initializer_range=0.02, layer_norm_epsilon=1e-05, n_ctx=1024, n_embd=768, n_head=12,
            n_layer=12, n_positions=1024, resid_pdrop=0.1, vocab_size=50257)
BERT = dict(model_type="bert", attention_probs_dropout_prob=0.1, hidden_act="gelu", hidden_dropout_prob=0.1,
            hidden_size=768, initializer_range=0.02, intermediate_size=3072, layer_norm_eps=1e-12,
            max_position_embeddings=512, num_attention_heads=12, num_hidden_layers=12, pad_token_id=0,
            type_vocab_size=2, vocab_size=30522)
ROBERTA = dict(BERT, model_type="roberta", bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-05,
               max_position_embeddings=514, pad_token_id=1, type_vocab_size=1, vocab_size=50265)
LLAMA = dict(model_type="llama", bos_token_id=1, eos_token_id=2, hidden_act="silu", initializer_range=0.02,
             num_attention_heads=32, num_hidden_layers=32, num_key_value_heads=32, rms_norm_eps=1e-05, rope_scaling=None,
             tie_word_embeddings=False, use_cache=True)
LLAMA3 = dict(LLAMA, attention_bias=False, attention_dropout=0.0, bos_token_id=128000, eos_token_id=128001, mlp_bias=False,
              pretraining_tp=1, rope_theta=500000.0, vocab_size=128256, num_key_value_heads=8)
SCALED = dict(factor=8.0, high_freq_factor=4.0, low_freq_factor=1.0, original_max_position_embeddings=8192,
              rope_type="llama3")
QWEN2 = dict(model_type="qwen2", attention_dropout=0.0, bos_token_id=151643, eos_token_id=151643, hidden_act="silu",
             initializer_range=0.02, rms_norm_eps=1e-06, rope_theta=1000000.0, use_cache=True, use_sliding_window=False)
QWEN3 = dict(QWEN2, model_type="qwen3", attention_bias=False, head_dim=128, max_position_embeddings=40960,
             rope_scaling=None, sliding_window=None, vocab_size=151936)
NEOX = dict(model_type="gpt_neox", bos_token_id=0, eos_token_id=0, hidden_act="gelu", initializer_range=0.02,
            layer_norm_eps=1e-05, max_position_embeddings=2048, rotary_emb_base=10000, rotary_pct=0.25,
            tie_word_embeddings=False, use_cache=True, use_parallel_residual=True, vocab_size=50304)
OPT = dict(model_type="opt", _remove_final_layer_norm=False, activation_function="relu", attention_dropout=0.0,
           bos_token_id=2, do_layer_norm_before=True, dropout=0.1, eos_token_id=2, init_std=0.02, layerdrop=0.0,
           max_position_embeddings=2048, pad_token_id=1, use_cache=True, vocab_size=50272)
FALCON = dict(model_type="falcon", alibi=False, apply_residual_connection_post_layernorm=False, attention_dropout=0.0,
              bias=False, bos_token_id=11, eos_token_id=11, hidden_dropout=0.0, initializer_range=0.02,
              layer_norm_epsilon=1e-05, multi_query=True, new_decoder_architecture=False, parallel_attn=True,
              vocab_size=65024)
GRANITE = dict(model_type="granite", attention_bias=False, attention_dropout=0.1, bos_token_id=0, eos_token_id=0,
               hidden_act="silu", initializer_range=0.02, max_position_embeddings=131072, mlp_bias=False,
               num_attention_heads=32, num_hidden_layers=40, num_key_value_heads=8, pad_token_id=0, rms_norm_eps=1e-05,
               rope_scaling=None, tie_word_embeddings=True, use_cache=True, vocab_size=49155)
OLMO2 = dict(model_type="olmo2", attention_bias=False, attention_dropout=0.0, eos_token_id=100257, hidden_act="silu",
             initializer_range=0.02, max_position_embeddings=4096, pad_token_id=100277, rms_norm_eps=1e-06,
             rope_scaling=None, rope_theta=500000, tie_word_embeddings=False, use_cache=True, vocab_size=100352)
GEMMA2 = dict(model_type="gemma2", attention_bias=False, attention_dropout=0.0, attn_logit_softcapping=50.0, bos_token_id=2,
              eos_token_id=1, final_logit_softcapping=30.0, head_dim=256, hidden_act="gelu_pytorch_tanh",
              hidden_activation="gelu_pytorch_tanh", initializer_range=0.02, max_position_embeddings=8192, pad_token_id=0,
              query_pre_attn_scalar=256, rms_norm_eps=1e-06, rope_theta=10000.0, sliding_window=4096, use_cache=True,
              vocab_size=256000)
STARCODER2 = dict(model_type="starcoder2", attention_dropout=0.1, bos_token_id=0, embedding_dropout=0.1, eos_token_id=0,
                  hidden_act="gelu_pytorch_tanh", max_position_embeddings=16384, mlp_type="default", norm_epsilon=1e-05,
                  norm_type="layer_norm", residual_dropout=0.1, sliding_window=4096, use_bias=True, use_cache=True,
                  vocab_size=49152)
GPT2_PATHS = ("h.{}.attn", ["h.{}.mlp.c_fc"], "h.{}.mlp.c_proj", "h.{}.attn.c_proj")
STARCODER2_PATHS = FAMILIES["starcoder2"][2]


def sizes(hidden, layers, heads, kv, ff, **more):
    return dict(hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv,
                intermediate_size=ff, **more)


# id on the hub: (configuration, the checkpoint of make.py that has its layout, module paths)
REAL = {
    "openai-community/gpt2": (GPT2, "gpt2", GPT2_PATHS),
    "openai-community/gpt2-xl": (dict(GPT2, n_embd=1600, n_head=25, n_layer=48), "gpt2", GPT2_PATHS),
    "distilbert/distilgpt2": (dict(GPT2, n_layer=6), "gpt2", GPT2_PATHS),
    "google-bert/bert-base-uncased": (dict(BERT, gradient_checkpointing=False, position_embedding_type="absolute",
                                           use_cache=True), "bert", BERT_PATHS),
    "google-bert/bert-base-multilingual-cased": (dict(BERT, directionality="bidi", vocab_size=119547), "bert", BERT_PATHS),
    "google-bert/bert-large-uncased": (dict(BERT, hidden_size=1024, intermediate_size=4096, num_attention_heads=16,
                                            num_hidden_layers=24), "bert", BERT_PATHS),
    "FacebookAI/roberta-base": (ROBERTA, "roberta", BERT_PATHS),
    "FacebookAI/xlm-roberta-base": (dict(ROBERTA, model_type="xlm-roberta", output_past=True, vocab_size=250002),
                                    "xlm-roberta", BERT_PATHS),
    "almanach/camembert-base": (dict(ROBERTA, model_type="camembert", bos_token_id=5, eos_token_id=6, output_past=True,
                                     vocab_size=32005), "camembert", BERT_PATHS),
    "distilbert/distilbert-base-uncased": (
        dict(model_type="distilbert", activation="gelu", attention_dropout=0.1, dim=768, dropout=0.1, hidden_dim=3072,
             initializer_range=0.02, max_position_embeddings=512, n_heads=12, n_layers=6, pad_token_id=0, qa_dropout=0.1,
             seq_classif_dropout=0.2, sinusoidal_pos_embds=False, tie_weights_=True, vocab_size=30522),
        "distilbert", FAMILIES["distilbert"][2]),
    "google/electra-base-generator": (dict(BERT, model_type="electra", embedding_size=768, generator_size="0.33333",
                                           hidden_size=256, intermediate_size=1024, num_attention_heads=4,
                                           summary_activation="gelu", summary_last_dropout=0.1, summary_type="first",
                                           summary_use_proj=True), "electra", BERT_PATHS),
    "microsoft/mpnet-base": (dict(BERT, model_type="mpnet", bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-05,
                                  max_position_embeddings=514, pad_token_id=1, relative_attention_num_buckets=32,
                                  vocab_size=30527), "mpnet", FAMILIES["mpnet"][2]),
    "microsoft/deberta-v3-base": (
        dict(BERT, model_type="deberta-v2", layer_norm_eps=1e-07, max_relative_positions=-1, norm_rel_ebd="layer_norm",
             pos_att_type="p2c|c2p", position_biased_input=False, position_buckets=256, relative_attention=True,
             share_att_key=True, type_vocab_size=0, vocab_size=128100), "deberta-v2", BERT_PATHS),
    "answerdotai/ModernBERT-base": (
        dict(model_type="modernbert", attention_bias=False, attention_dropout=0.0, bos_token_id=50281,
             classifier_activation="gelu", classifier_bias=False, cls_token_id=50281, decoder_bias=True,
             deterministic_flash_attn=False, embedding_dropout=0.0, eos_token_id=50282, global_attn_every_n_layers=3,
             global_rope_theta=160000.0, hidden_activation="gelu", hidden_size=768, initializer_range=0.02,
             intermediate_size=1152, layer_norm_eps=1e-05, local_attention=128, local_rope_theta=10000.0,
             max_position_embeddings=8192, mlp_bias=False, norm_bias=False, norm_eps=1e-05, num_attention_heads=12,
             num_hidden_layers=22, pad_token_id=50283, sep_token_id=50282, vocab_size=50368),
        "modernbert", FAMILIES["modernbert"][2]),
    "facebook/opt-125m": (dict(OPT, ffn_dim=3072, hidden_size=768, num_attention_heads=12, num_hidden_layers=12,
                               word_embed_proj_dim=768), "opt", OPT_PATHS),
    "facebook/opt-6.7b": (dict(OPT, ffn_dim=16384, hidden_size=4096, num_attention_heads=32, num_hidden_layers=32,
                               word_embed_proj_dim=4096), "opt", OPT_PATHS),
    "bigscience/bloom-560m": (dict(model_type="bloom", apply_residual_connection_post_layernorm=False, bos_token_id=1,
                                   eos_token_id=2, hidden_dropout=0.0, layer_norm_epsilon=1e-05, n_embed=1024, n_layer=24,
                                   num_attention_heads=16, offset_alibi=100, pad_token_id=3, pretraining_tp=1,
                                   seq_length=2048, unk_token_id=0, vocab_size=250880), "bloom", FALCON_PATHS),
    "tiiuae/falcon-7b": (dict(FALCON, hidden_size=4544, num_attention_heads=71, num_hidden_layers=32), "falcon-7b",
                         FALCON_PATHS),
    "tiiuae/falcon-40b": (dict(FALCON, hidden_size=8192, new_decoder_architecture=True, num_attention_heads=128,
                               num_hidden_layers=60, num_kv_heads=8), "falcon", FALCON_PATHS),
    "EleutherAI/gpt-neo-125m": (
        dict(model_type="gpt_neo", activation_function="gelu_new", attention_dropout=0, attention_layers=["global", "local"] * 6,
             attention_types=[[["global", "local"], 6]], bos_token_id=50256, embed_dropout=0, eos_token_id=50256,
             hidden_size=768, initializer_range=0.02, intermediate_size=None, layer_norm_epsilon=1e-05,
             max_position_embeddings=2048, num_heads=12, num_layers=12, resid_dropout=0, use_cache=True, vocab_size=50257,
             window_size=256), "gpt-neo", FAMILIES["gpt-neo"][2]),
    "EleutherAI/gpt-j-6b": (
        dict(model_type="gptj", activation_function="gelu_new", attn_pdrop=0.0, bos_token_id=50256, embd_pdrop=0.0,
             eos_token_id=50256, initializer_range=0.02, layer_norm_epsilon=1e-05, n_embd=4096, n_head=16, n_inner=None,
             n_layer=28, n_positions=2048, resid_pdrop=0.0, rotary=True, rotary_dim=64, tie_word_embeddings=False,
             use_cache=True, vocab_size=50400), "gptj", FAMILIES["gptj"][2]),
    "EleutherAI/pythia-70m": (dict(NEOX, hidden_size=512, intermediate_size=2048, num_attention_heads=8,
                                   num_hidden_layers=6), "gpt-neox", FAMILIES["gpt-neox"][2]),
    "EleutherAI/pythia-6.9b": (dict(NEOX, hidden_size=4096, intermediate_size=16384, num_attention_heads=32,
                                    num_hidden_layers=32, vocab_size=50432), "gpt-neox", FAMILIES["gpt-neox"][2]),
    "microsoft/phi-2": (
        dict(model_type="phi", attention_dropout=0.0, bos_token_id=50256, embd_pdrop=0.0, eos_token_id=50256,
             hidden_act="gelu_new", hidden_size=2560, initializer_range=0.02, intermediate_size=10240, layer_norm_eps=1e-05,
             max_position_embeddings=2048, num_attention_heads=32, num_hidden_layers=32, num_key_value_heads=32,
             partial_rotary_factor=0.4, qk_layernorm=False, resid_pdrop=0.1, rope_scaling=None, rope_theta=10000.0,
             tie_word_embeddings=False, use_cache=True, vocab_size=51200), "phi", FAMILIES["phi"][2]),
    "microsoft/Phi-3-mini-4k-instruct": (
        dict(LLAMA, model_type="phi3", attention_bias=False, attention_dropout=0.0, embd_pdrop=0.0, hidden_size=3072,
             intermediate_size=8192, max_position_embeddings=4096, original_max_position_embeddings=4096, pad_token_id=32000,
             eos_token_id=32000, resid_pdrop=0.0, rope_theta=10000.0, sliding_window=2047, vocab_size=32064),
        "phi3", FAMILIES["phi3"][2]),
    "meta-llama/Llama-2-7b-hf": (dict(LLAMA, hidden_size=4096, intermediate_size=11008, max_position_embeddings=4096,
                                      pretraining_tp=1, vocab_size=32000), "llama", LLAMA_PATHS),
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": (dict(LLAMA, **{**sizes(2048, 22, 32, 4, 5632), "attention_bias": False,
                                                "max_position_embeddings": 2048, "pretraining_tp": 1,
                                                "rope_theta": 10000.0, "vocab_size": 32000}), "llama", LLAMA_PATHS),
    "meta-llama/Meta-Llama-3-8B": (dict(LLAMA3, hidden_size=4096, intermediate_size=14336, max_position_embeddings=8192),
                                   "llama", LLAMA_PATHS),
    "meta-llama/Llama-3.1-8B": (dict(LLAMA3, hidden_size=4096, intermediate_size=14336, max_position_embeddings=131072,
                                     rope_scaling=SCALED), "llama", LLAMA_PATHS),
    "meta-llama/Llama-3.2-1B": (dict(LLAMA3, head_dim=64, hidden_size=2048, intermediate_size=8192,
                                     max_position_embeddings=131072, num_hidden_layers=16, tie_word_embeddings=True,
                                     rope_scaling=dict(SCALED, factor=32.0)), "llama", LLAMA_PATHS),
    "HuggingFaceTB/SmolLM2-135M": (dict(LLAMA, **{**sizes(576, 30, 9, 3, 1536), "attention_bias": False,
                                        "max_position_embeddings": 8192, "rope_theta": 100000, "tie_word_embeddings": True,
                                        "vocab_size": 49152}), "llama", LLAMA_PATHS),
    "mistralai/Mistral-7B-v0.1": (dict(LLAMA, model_type="mistral", hidden_size=4096, intermediate_size=14336,
                                       max_position_embeddings=32768, num_key_value_heads=8, rope_theta=10000.0,
                                       sliding_window=4096, vocab_size=32000), "mistral", LLAMA_PATHS),
    "mistralai/Mistral-7B-Instruct-v0.3": (dict(LLAMA, model_type="mistral", hidden_size=4096, intermediate_size=14336,
                                                max_position_embeddings=32768, num_key_value_heads=8, rope_theta=1000000.0,
                                                sliding_window=None, vocab_size=32768), "mistral", LLAMA_PATHS),
    "Qwen/Qwen2-0.5B": (dict(QWEN2, **sizes(896, 24, 14, 2, 4864), max_position_embeddings=131072, max_window_layers=24,
                             sliding_window=131072, tie_word_embeddings=True, vocab_size=151936), "qwen2", LLAMA_PATHS),
    "Qwen/Qwen2.5-7B": (dict(QWEN2, **sizes(3584, 28, 28, 4, 18944), max_position_embeddings=131072, max_window_layers=28,
                             sliding_window=131072, tie_word_embeddings=False, use_mrope=False, vocab_size=152064), "qwen2",
                        LLAMA_PATHS),
    "Qwen/Qwen3-0.6B": (dict(QWEN3, **sizes(1024, 28, 16, 8, 3072), max_window_layers=28, tie_word_embeddings=True),
                        "qwen3", LLAMA_PATHS),
    "Qwen/Qwen3-8B": (dict(QWEN3, **sizes(4096, 36, 32, 8, 12288), max_window_layers=36, tie_word_embeddings=False),
                      "qwen3", LLAMA_PATHS),
    "google/gemma-2b": (dict(model_type="gemma", **sizes(2048, 18, 8, 1, 16384), attention_bias=False, attention_dropout=0.0,
                             bos_token_id=2, eos_token_id=1, head_dim=256, hidden_act="gelu", initializer_range=0.02,
                             max_position_embeddings=8192, pad_token_id=0, rms_norm_eps=1e-06, rope_scaling=None,
                             rope_theta=10000.0, use_cache=True, vocab_size=256000), "gemma", LLAMA_PATHS),
    "google/gemma-2-2b": (dict(GEMMA2, **sizes(2304, 26, 8, 4, 9216)), "gemma2", LLAMA_PATHS),
    "google/gemma-3-1b-pt": (
        dict(model_type="gemma3_text", **sizes(1152, 26, 4, 1, 6912), attention_bias=False, attention_dropout=0.0,
             attn_logit_softcapping=None, bos_token_id=2, eos_token_id=1, final_logit_softcapping=None, head_dim=256,
             hidden_activation="gelu_pytorch_tanh", initializer_range=0.02, max_position_embeddings=32768, pad_token_id=0,
             query_pre_attn_scalar=256, rms_norm_eps=1e-06, rope_local_base_freq=10000, rope_scaling=None,
             rope_theta=1000000, sliding_window=512, sliding_window_pattern=6, use_cache=True, vocab_size=262144),
        "gemma3-text", LLAMA_PATHS),
    "allenai/OLMo-1B-hf": (dict(model_type="olmo", **sizes(2048, 16, 16, 16, 8192), attention_bias=False,
                                attention_dropout=0.0, clip_qkv=None, eos_token_id=50279, hidden_act="silu",
                                initializer_range=0.02, max_position_embeddings=2048, pad_token_id=1, pretraining_tp=1,
                                rope_scaling=None, rope_theta=10000.0, tie_word_embeddings=True, use_cache=True,
                                vocab_size=50304), "olmo", LLAMA_PATHS),
    "allenai/OLMo-2-0425-1B": (dict(OLMO2, **sizes(2048, 16, 16, 16, 8192)), "olmo2", LLAMA_PATHS),
    "allenai/OLMo-2-1124-7B": (dict(OLMO2, **sizes(4096, 32, 32, 32, 11008)), "olmo2", LLAMA_PATHS),
    "bigcode/starcoder2-3b": (dict(STARCODER2, **sizes(3072, 30, 24, 2, 12288), rope_theta=999999.4420358813), "starcoder2",
                              STARCODER2_PATHS),
    "bigcode/starcoder2-7b": (dict(STARCODER2, **sizes(4608, 32, 36, 4, 18432), rope_theta=1000000), "starcoder2",
                              STARCODER2_PATHS),
    "stabilityai/stablelm-2-1_6b": (
        dict(model_type="stablelm", **sizes(2048, 24, 32, 32, 5632), bos_token_id=100257, eos_token_id=100257,
             hidden_act="silu", initializer_range=0.02, layer_norm_eps=1e-05, max_position_embeddings=4096,
             partial_rotary_factor=0.25, rope_theta=10000, tie_word_embeddings=False, use_cache=True, use_qkv_bias=True,
             vocab_size=100352), "stablelm", LLAMA_PATHS),
    "CohereLabs/c4ai-command-r-v01": (
        dict(model_type="cohere", **sizes(8192, 40, 64, 64, 22528), attention_bias=False, attention_dropout=0.0, bos_token_id=5,
             eos_token_id=255001, hidden_act="silu", initializer_range=0.02, layer_norm_eps=1e-05, logit_scale=0.0625,
             max_position_embeddings=8192, model_max_length=131072, pad_token_id=0, pretraining_tp=1, rope_scaling=None,
             rope_theta=8000000.0, use_cache=True, vocab_size=256000), "cohere-plain", LLAMA_PATHS),
    "ibm-granite/granite-3.1-2b-instruct": (dict(GRANITE, attention_multiplier=0.015625, embedding_multiplier=12.0,
                                                 hidden_size=2048, intermediate_size=8192, logits_scaling=8.0,
                                                 residual_multiplier=0.22, rope_theta=5000000.0), "granite", LLAMA_PATHS),
    "ibm-granite/granite-3.1-8b-instruct": (dict(GRANITE, attention_multiplier=0.0078125, embedding_multiplier=12.0,
                                                 hidden_size=4096, intermediate_size=12800, logits_scaling=16.0,
                                                 residual_multiplier=0.22, rope_theta=10000000.0), "granite", LLAMA_PATHS),
    "HuggingFaceTB/SmolLM3-3B": (
        dict(model_type="smollm3", **sizes(2048, 36, 16, 4, 11008), attention_bias=False, attention_dropout=0.0,
             bos_token_id=None, eos_token_id=128012, hidden_act="silu", initializer_range=0.02,
             layer_types=["full_attention"] * 36, max_position_embeddings=65536, max_window_layers=28, mlp_bias=False,
             no_rope_layer_interval=4, no_rope_layers=[1, 1, 1, 0] * 9, pad_token_id=128004, pretraining_tp=2,
             rms_norm_eps=1e-06, rope_scaling=None, rope_theta=5000000.0, sliding_window=None, tie_word_embeddings=True,
             use_cache=False, use_sliding_window=False, vocab_size=128256), "smollm3-turning", LLAMA_PATHS),
    "zai-org/GLM-4-9B-0414": (
        dict(model_type="glm4", **sizes(4096, 40, 32, 2, 13696), attention_bias=False, attention_dropout=0.0,
             eos_token_id=[151329, 151336, 151338], head_dim=128, hidden_act="silu", initializer_range=0.02,
             max_position_embeddings=32768, pad_token_id=151329, partial_rotary_factor=0.5, rms_norm_eps=1e-05,
             rope_theta=10000.0, tie_word_embeddings=False, use_cache=True, vocab_size=151552), "glm4", FUSED_PATHS),
    "nvidia/Nemotron-Mini-4B-Instruct": (
        dict(model_type="nemotron", **sizes(3072, 32, 24, 8, 9216), attention_bias=False, attention_dropout=0.0,
             bos_token_id=2, eos_token_id=3, head_dim=128, hidden_act="relu2", initializer_range=0.0134,
             max_position_embeddings=4096, mlp_bias=False, norm_eps=1e-05, partial_rotary_factor=0.5, rope_theta=10000,
             tie_word_embeddings=False, use_cache=True, vocab_size=256000), "nemotron", PLAIN_PATHS),
    "facebook/opt-350m": (dict(OPT, do_layer_norm_before=False, ffn_dim=4096, hidden_size=1024, num_attention_heads=16,
                               num_hidden_layers=24, word_embed_proj_dim=512), "opt-narrow", OPT_PATHS),
    "google/electra-small-generator": (
        dict(BERT, model_type="electra", embedding_size=128, hidden_size=256, intermediate_size=1024,
             num_attention_heads=4, position_embedding_type="absolute", summary_activation="gelu",
             summary_last_dropout=0.1, summary_type="first", summary_use_proj=True), "electra-small", BERT_PATHS),
    "albert/albert-base-v2": (
        dict(BERT, model_type="albert", attention_probs_dropout_prob=0, bos_token_id=2, classifier_dropout_prob=0.1,
             down_scale_factor=1, embedding_size=128, eos_token_id=3, gap_size=0, hidden_act="gelu_new",
             hidden_dropout_prob=0, inner_group_num=1, net_structure_type=0, num_hidden_groups=1, num_memory_blocks=0,
             vocab_size=30000), "albert", FAMILIES["albert"][2]),
    "bigcode/starcoder": (
        dict(GPT2, model_type="gpt_bigcode", activation_function="gelu", attention_softmax_in_fp32=True,
             bos_token_id=0, eos_token_id=0, inference_runner=0, max_batch_size=None, max_sequence_length=None,
             multi_query=True, n_embd=6144, n_head=48, n_inner=24576, n_layer=40, n_positions=8192, pad_key_length=True,
             pre_allocate_kv_cache=False, scale_attention_softmax_in_fp32=True, scale_attn_weights=True, use_cache=True,
             validate_runner_input=True, vocab_size=49152), "gpt-bigcode", GPT2_PATHS),
    "mosaicml/mpt-7b": (
        dict(model_type="mpt", attn_config=dict(alibi=True, alibi_bias_max=8, attn_impl="torch", attn_pdrop=0,
                                                attn_type="multihead_attention", attn_uses_sequence_id=False,
                                                clip_qkv=None, prefix_lm=False, qk_ln=False, softmax_scale=None),
             d_model=4096, emb_pdrop=0, embedding_fraction=1.0, expansion_ratio=4, init_device="cpu",
             learned_pos_emb=True, logit_scale=None, max_seq_len=2048, n_heads=32, n_layers=32, no_bias=True,
             norm_type="low_precision_layernorm", resid_pdrop=0, use_cache=False, vocab_size=50432),
        "mpt", FAMILIES["mpt"][2]),
    "Salesforce/codegen-350M-mono": (
        dict(GPT2, model_type="codegen", attn_pdrop=0.0, bos_token_id=1, embd_pdrop=0.0, gradient_checkpointing=False,
             n_ctx=2048, n_embd=1024, n_head=16, n_inner=None, n_layer=20, n_positions=2048, resid_pdrop=0.0,
             rotary_dim=32, scale_attn_weights=True, tie_word_embeddings=False, use_cache=True, vocab_size=51200),
        "codegen", FAMILIES["codegen"][2]),
}
NEMOTRON_H = dict(
    model_type="nemotron_h", attention_bias=False, attention_dropout=0.0, bos_token_id=1, chunk_size=128, conv_kernel=4,
    eos_token_id=2, expand=2, head_dim=128, hidden_dropout=0.0, hidden_size=4096, hybrid_override_pattern="M-M*-",
    initializer_range=0.02, intermediate_size=21504, layer_norm_epsilon=1e-05, mamba_head_dim=64, mamba_hidden_act="silu",
    mamba_num_heads=128, mamba_proj_bias=False, max_position_embeddings=8192, mlp_bias=False, mlp_hidden_act="relu2",
    n_groups=8, num_attention_heads=32, num_key_value_heads=8, num_logits_to_keep=1, pad_token_id=0,
    rescale_prenorm_residual=True, residual_in_fp32=False, rms_norm_eps=1e-05, sliding_window=None, ssm_state_size=128,
    tie_word_embeddings=False, time_step_floor=0.0001, time_step_max=0.1, time_step_min=0.001, time_step_rank=256,
    use_bias=False, use_cache=True, use_conv_bias=True, use_mamba_kernels=True, vocab_size=131072)
LFM2 = dict(
    model_type="lfm2", block_auto_adjust_ff_dim=True, block_dim=2048, block_ff_dim=12288, block_ffn_dim_multiplier=1.0,
    block_mlp_init_scale=1.0, block_multiple_of=256, block_norm_eps=1e-05, block_out_init_scale=1.0, block_use_swiglu=True,
    block_use_xavier_init=True, bos_token_id=1, conv_L_cache=3, conv_bias=False, conv_dim=2048, conv_dim_out=2048,
    conv_use_xavier_init=True, eos_token_id=7, full_attn_idxs=[2, 5, 8, 10, 12, 14], hidden_size=2048,
    initializer_range=0.02, max_position_embeddings=128000, norm_eps=1e-05, num_attention_heads=32, num_heads=32,
    num_hidden_layers=16, num_key_value_heads=8, pad_token_id=0, rope_theta=1000000.0, use_cache=True, use_pos_enc=True,
    vocab_size=65536)
GRANITE4 = dict(
    GRANITE, model_type="granitemoehybrid", attention_multiplier=0.015625, embedding_multiplier=12, hidden_size=2048,
    init_method="mup", intermediate_size=8192, layer_types=["mamba", "mamba", "attention", "mamba"], logits_scaling=8,
    mamba_chunk_size=256, mamba_conv_bias=True, mamba_d_conv=4, mamba_d_head=64, mamba_d_state=128, mamba_expand=2,
    mamba_n_groups=1, mamba_n_heads=64, mamba_proj_bias=False, normalization_function="rmsnorm", num_experts_per_tok=0,
    num_local_experts=0, output_router_logits=False, position_embedding_type="nope", residual_multiplier=0.22,
    rope_theta=10000, router_aux_loss_coef=0.01, shared_intermediate_size=8192, vocab_size=100352)
# id on the hub: (configuration, the checkpoint of hybrids.py that has its layout, layers with heads). Sizes of Qwen3.5
# are those that transformers' class has. Lists of layers are cut to those that stand here.
HYBRIDS = {
    "Qwen/Qwen3-Next-80B-A3B-Instruct": (
        dict(model_type="qwen3_next", **sizes(2048, 48, 16, 2, 5120), attention_bias=False, attention_dropout=0.0,
             bos_token_id=151643, decoder_sparse_step=1, eos_token_id=151645, full_attention_interval=4, head_dim=256,
             hidden_act="silu", initializer_range=0.02, linear_conv_kernel_dim=4, linear_key_head_dim=128,
             linear_num_key_heads=16, linear_num_value_heads=32, linear_value_head_dim=128, max_position_embeddings=262144,
             mlp_only_layers=[], moe_intermediate_size=512, norm_topk_prob=True, num_experts=512, num_experts_per_tok=10,
             output_router_logits=False, partial_rotary_factor=0.25, rms_norm_eps=1e-06, rope_scaling=None,
             rope_theta=10000000, router_aux_loss_coef=0.001, shared_expert_intermediate_size=512,
             tie_word_embeddings=False, use_cache=True, use_sliding_window=False, vocab_size=151936), "qwen3-next", [3]),
    "Qwen/Qwen3.5-9B (text)": (
        dict(model_type="qwen3_5_text", **sizes(4096, 32, 16, 4, 12288), attention_bias=False, attention_dropout=0.0,
             full_attention_interval=4, head_dim=256, hidden_act="silu", initializer_range=0.02, linear_conv_kernel_dim=4,
             linear_key_head_dim=128, linear_num_key_heads=16, linear_num_value_heads=32, linear_value_head_dim=128,
             max_position_embeddings=262144, rms_norm_eps=1e-06, rope_parameters=dict(
                 mrope_interleaved=True, mrope_section=[11, 11, 10], partial_rotary_factor=0.25, rope_theta=10000000,
                 rope_type="default"), tie_word_embeddings=False, use_cache=True, vocab_size=248320), "qwen3-5", [3]),
    "LiquidAI/LFM2-1.2B": (LFM2, "lfm2", [2]),
    "LiquidAI/LFM2-350M": (dict(LFM2, block_dim=1024, block_ff_dim=6656, conv_dim=1024, conv_dim_out=1024, hidden_size=1024,
                                num_attention_heads=16, num_heads=16), "lfm2", [2]),
    "ibm-granite/granite-4.0-h-micro": (GRANITE4, "granitemoehybrid", [2]),
    "nvidia/Nemotron-H-8B-Base-8K": (NEMOTRON_H, "nemotron-h", [3]),
    "tiiuae/Falcon-H1-0.5B-Base": (
        dict(model_type="falcon_h1", **sizes(1024, 36, 8, 2, 2048), attention_bias=False, attention_dropout=0.0,
             attention_in_multiplier=1.0, attention_out_multiplier=0.9375, bos_token_id=1, embedding_multiplier=5.656854249,
             eos_token_id=11, head_dim=64, hidden_act="silu", initializer_range=0.02, key_multiplier=0.390625,
             lm_head_multiplier=0.0390625, mamba_chunk_size=128, mamba_conv_bias=True, mamba_d_conv=4, mamba_d_head=64,
             mamba_d_ssm=1536, mamba_d_state=128, mamba_expand=2, mamba_n_groups=1, mamba_n_heads=24,
             mamba_norm_before_gate=False, mamba_proj_bias=False, mamba_rms_norm=False, max_position_embeddings=16384,
             mlp_bias=False, mlp_multipliers=[0.8838834764831844, 0.5859375], num_logits_to_keep=1, pad_token_id=0,
             projectors_bias=False, rms_norm_eps=1e-05, rope_scaling=None, rope_theta=100000000000.0, ssm_in_multiplier=1.25,
             ssm_multipliers=[0.35, 0.25, 0.17, 0.5, 0.35], ssm_out_multiplier=0.23, tie_word_embeddings=False,
             use_cache=True, vocab_size=32784), "falcon-h1", [1]),
    "google/gemma-3n-E2B (text)": (
        dict(model_type="gemma3n_text", **sizes(2048, 30, 8, 2, [8192, 8192, 8192, 8192]),
             activation_sparsity_pattern=[0.95, 0.95, 0.0, 0.0], altup_active_idx=0, altup_coef_clip=120.0,
             altup_correct_scale=True, altup_num_inputs=4, attention_bias=False, attention_dropout=0.0,
             final_logit_softcapping=30.0, head_dim=256, hidden_activation="gelu_pytorch_tanh",
             hidden_size_per_layer_input=256, initializer_range=0.02, laurel_rank=64,
             layer_types=["sliding_attention", "full_attention"] * 2, max_position_embeddings=32768,
             num_kv_shared_layers=2, query_pre_attn_scalar=256, rms_norm_eps=1e-06, rope_local_base_freq=10000.0,
             rope_scaling=None, rope_theta=1000000.0, sliding_window=512, use_cache=True, vocab_size=262400,
             vocab_size_per_layer_input=262144), "gemma3n-text", [1, 2]),
}
# What is shrunk of them beside what is of others.
SHRUNK_HYBRIDS = {
    "hidden_size": 16, "num_attention_heads": 4, "num_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 4,
    "full_attn_idxs": [2], "block_ff_dim": 24, "block_multiple_of": 8, "linear_num_key_heads": 2,
    "linear_num_value_heads": 4, "linear_key_head_dim": 4, "linear_value_head_dim": 4, "moe_intermediate_size": 8,
    "shared_expert_intermediate_size": 12, "num_experts": 4, "mamba_n_heads": 4, "mamba_num_heads": 4, "mamba_d_head": 8,
    "mamba_head_dim": 8, "mamba_d_ssm": 32, "mamba_d_state": 4, "ssm_state_size": 4, "n_groups": 2,
    "shared_intermediate_size": 24, "vocab_size_per_layer_input": VOCAB, "hidden_size_per_layer_input": 4,
    "laurel_rank": 4, "intermediate_size": 24}
LEARNED = {"gpt2", "bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "mpnet", "deberta-v2", "opt",
           "gpt_neo", "albert", "gpt_bigcode"}
SHRUNK = {"num_hidden_layers": 2, "n_layer": 2, "n_layers": 2, "num_layers": 2, "intermediate_size": 40, "ffn_dim": 40,
          "hidden_dim": 40, "n_inner": 40, "head_dim": 8, "vocab_size": VOCAB, "rotary_dim": 4, "sliding_window": 8, "local_attention": 8,
          "window_size": 8, "position_buckets": 16, "query_pre_attn_scalar": 12, "max_window_layers": 2}
WIDTHS = ("hidden_size", "n_embd", "n_embed", "dim", "d_model", "word_embed_proj_dim", "embedding_size")
# Narrower than the layers where they are so in the model.
NARROW = ("word_embed_proj_dim", "embedding_size")
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
KEYS_AND_VALUES = ("num_key_value_heads", "num_kv_heads")


def shrunk(config):
    small = {}
    heads = next(config[key] for key in HEADS if key in config)
    for key, value in config.items():
        if value is None:
            pass
        elif key in SHRUNK:
            value = SHRUNK[key]
        elif key in WIDTHS:
            value = 16 if key in NARROW and value != config["hidden_size"] else 32
        elif key in HEADS:
            value = 4
        elif key in KEYS_AND_VALUES:
            value = 4 if value == heads else 1 if value == 1 else 2
        elif key.endswith("token_id"):
            value = value if isinstance(value, int) and value < VOCAB else 3
        elif key in ("layer_types", "no_rope_layers", "attention_layers"):
            value = value[:2]
        elif key == "attention_types":
            value = [[value[0][0], 1]]
        elif key in ("max_position_embeddings", "n_positions", "n_ctx") and config["model_type"] in LEARNED:
            value = 104 + value % 8
        elif key == "partial_rotary_factor" or key == "rotary_pct":
            # An even number of the 8 dimensions of a head.
            value = value if int(8 * value) % 2 == 0 else 0.5
        small[key] = value
    return small


def numbers(name, shape):
    """Between −1/4 and 1/4, and around 1 for what scales in norms: the upper bits of splitmix64 over the tensor's
    name (FNV-1a) and the place of the number."""
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % 2 ** 64
    count = int(numpy.prod(shape))
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(hashed) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z ^= z >> numpy.uint64(31)
    drawn = ((z >> numpy.uint64(40)).astype(numpy.float64) / 2 ** 24 - 0.5) / 2
    gain = len(shape) == 1 and name.endswith("weight")
    return torch.from_numpy((drawn + gain).astype(numpy.float32).reshape(shape))


def real(config, like, paths):
    small = shrunk(config)
    eager = dict(attn_implementation="eager") if small["model_type"] in ("gpt_neo", "bloom", "gemma2") else {}
    kinds = [AutoModelForMaskedLM if like in make.ENCODERS or like == "bert" else AutoModelForCausalLM]
    plain = AutoConfig.for_model(**small)
    model = kinds[0].from_config(plain, **eager)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        path = os.path.join(folder, "model.safetensors")
        with safe_open(path, "pt") as stored:
            shapes = {name: list(stored.get_slice(name).get_shape()) for name in stored.keys()}
        save_file({name: numbers(name, shape) for name, shape in shapes.items()}, path, metadata={"format": "pt"})
        model = kinds[0].from_pretrained(folder, dtype=torch.float32, **eager).eval()
    found = make.answers(like, model, paths)
    for state in found["states"]:
        state["last"] = [last[:8] for last in state["last"]]
    return {"config": small, "tensors": shapes, **found}


def hybrid(config, like, layers):
    small = {key: SHRUNK_HYBRIDS.get(key, value) for key, value in shrunk(config).items()}
    small.update({key: config[key] for key in ("layer_types", "hybrid_override_pattern") if key in config})
    if isinstance(config.get("intermediate_size"), list):
        small["intermediate_size"] = [24 + 8 * (i % 2) for i in range(len(config["intermediate_size"]))]
    if config["model_type"] == "nemotron_h":
        small["num_hidden_layers"] = len(config["hybrid_override_pattern"])
    if "num_experts" in small:
        small["num_experts_per_tok"] = 2
    paths = hybrids.FAMILIES[like][2]
    with tempfile.TemporaryDirectory() as folder:
        AutoModelForCausalLM.from_config(AutoConfig.for_model(**small)).save_pretrained(folder)
        path = os.path.join(folder, "model.safetensors")
        with safe_open(path, "pt") as stored:
            shapes = {name: list(stored.get_slice(name).get_shape()) for name in stored.keys()}
        save_file({name: numbers(name, shape) for name, shape in shapes.items()}, path, metadata={"format": "pt"})
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, experts_implementation="eager").eval()
    found = hybrids.answers(model, like, paths, layers)
    for state in found["states"]:
        state["last"] = [last[:8] for last in state["last"]]
    found.pop("router", None)
    return {"config": small, "tensors": shapes, **found}


def main():
    torch.set_grad_enabled(False)
    path = os.path.join(HERE, "real.json")
    wanted, found = sys.argv[1:] or list(REAL) + list(HYBRIDS), {}
    if sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            found = json.load(f)
    found.update({name: real(*REAL[name]) for name in wanted if name in REAL})
    found.update({name: hybrid(*HYBRIDS[name]) for name in wanted if name in HYBRIDS})
    lines = [f"{json.dumps(name)}: {json.dumps(found[name])}" for name in [*REAL, *HYBRIDS]]
    with open(os.path.join(HERE, "real.json"), "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
