#!/usr/bin/env python3
"""Make keys.json: for each family, the configuration keys that transformers' own modules read.

    python keys.py

They are found in the modules' source. Needs: transformers, of which nothing is run.
"""
import json
import os
import re

import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(os.path.dirname(transformers.__file__), "models")
FAMILIES = ["gpt2", "bert", "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "phi", "gpt_neox",
            "gpt_neo", "gptj", "opt", "bloom", "falcon", "roberta", "xlm_roberta", "distilbert", "modernbert", "ministral3", "smollm3",
            "seed_oss", "ernie4_5", "helium", "glm", "glm4", "olmo", "stablelm", "olmo2", "olmo3", "exaone4", "granite",
            "cohere", "cohere2", "starcoder2", "arcee", "nemotron", "camembert", "electra", "mpnet",
            "deberta", "deberta_v2", "mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "gpt_oss", "deepseek_v2",
            "deepseek_v3", "glm4_moe", "granitemoe", "albert", "gpt_bigcode", "codegen", "mpt", "ministral", "apertus",
            "hunyuan_v1_dense", "modernbert_decoder", "nomic_bert", "qwen3_next", "qwen3_5", "qwen3_5_moe", "lfm2",
            "lfm2_moe", "granitemoehybrid", "nemotron_h", "falcon_h1", "bamba", "gemma3n", "gemma4"]
NAMES = {"xlm_roberta": "xlm-roberta", "deberta_v2": "deberta-v2", "modernbert_decoder": "modernbert-decoder",
         "qwen3_5": "qwen3_5_text", "qwen3_5_moe": "qwen3_5_moe_text", "gemma3n": "gemma3n_text", "gemma4": "gemma4_text"}
# Classes beside the language model's.
BESIDE = re.compile(r"^class \w*(?:Vision|Audio|Multimodal)\w*.*?(?=^class |\Z)", re.M | re.S)
READ = re.compile(r"config\.([a-z_]+)\b(?!\()|getattr\(\s*(?:self\.)?config,\s*\"([a-z_]+)\"")


def main():
    found = {}
    for name in FAMILIES:
        with open(os.path.join(MODELS, name, f"modeling_{name}.py"), encoding="utf-8") as f:
            keys = {a or b for a, b in READ.findall(BESIDE.sub("", f.read()))}
        found[NAMES.get(name, name)] = sorted(k for k in keys if not k.startswith("_attn"))
    with open(os.path.join(HERE, "keys.json"), "w", encoding="utf-8") as f:
        json.dump(found, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
