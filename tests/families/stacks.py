#!/usr/bin/env python3
"""Make tiny checkpoints of encoders with decoders and, beside each, what PyTorch answers about it.

    python stacks.py [NAME ...]

As make.py, whose numbers and names these are: layers are counted through, the encoder's first, then two for each of the
decoder's (its self-attention; its attention to the encoder, with its neurons). States are the encoder's.
"""
import json
import os
import sys

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM

import make
from make import HERE, VOCAB, best, matrix

T5 = dict(vocab_size=VOCAB, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_decoder_layers=3, num_heads=3,
          pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)
BART = dict(vocab_size=VOCAB, d_model=16, encoder_layers=2, decoder_layers=3, encoder_attention_heads=4,
            decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=32, max_position_embeddings=104,
            pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2)
FAMILIES = {
    "t5": ("t5", dict(T5, feed_forward_proj="relu")),
    "t5-gated": ("t5", dict(T5, feed_forward_proj="gated-gelu")),
    "mt5": ("mt5", dict(T5)),
    "umt5": ("umt5", dict(T5)),
    "bart": ("bart", dict(BART)),
    "mbart": ("mbart", dict(BART)),
    "marian": ("marian", dict(BART, pad_token_id=95)),
}


def layers(model):
    """Of each layer in a row: queries, keys, values, output; inputs and output of neurons, where there are any."""
    encoder, decoder, found = model.get_encoder(), model.get_decoder(), []
    if hasattr(encoder, "block"):
        def neurons(part):
            dense = part.DenseReluDense
            return [dense.wi] if hasattr(dense, "wi") else [dense.wi_0, dense.wi_1], dense.wo

        def heads(attention):
            return [attention.q, attention.k, attention.v, attention.o]
        for block in encoder.block:
            found.append((heads(block.layer[0].SelfAttention), neurons(block.layer[1])))
        for block in decoder.block:
            found.append((heads(block.layer[0].SelfAttention), None))
            found.append((heads(block.layer[1].EncDecAttention), neurons(block.layer[2])))
        return found

    def heads(attention):
        return [attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj]
    for layer in encoder.layers:
        found.append((heads(layer.self_attn), ([layer.fc1], layer.fc2)))
    for layer in decoder.layers:
        found.append((heads(layer.self_attn), None))
        found.append((heads(layer.encoder_attn), ([layer.fc1], layer.fc2)))
    return found


def answers(model, d_head):
    found = {"states": make.states_of(model.get_encoder(), "")}
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            p.zero_()
    read = model.get_input_embeddings().weight.detach()
    written = model.get_output_embeddings().weight.detach()
    found["neuron"], found["pairs"] = [], []
    row = layers(model)
    for layer, neuron in [(1, 5), (len(row) - 1, 7)]:
        inputs, output = row[layer][1]
        values = matrix(output, inputs[0].out_features)
        for key, source in zip(["gate", "up"], inputs):
            k, v = source(read)[:, neuron], written @ values[neuron]
            found["neuron"].append({"layer": layer, "neuron": neuron, "key": key,
                                    "columns": {"K": best(k), "V": best(v), "-K": best(-k), "-V": best(-v)}})
    for layer, head in [(1, 1), (2, 0), (len(row) - 1, 1)]:
        query, key, value, out = row[layer][0]
        count = query.out_features // d_head(layer)
        own = slice(head * d_head(layer), (head + 1) * d_head(layer))
        assert head < count
        mixed = torch.zeros(VOCAB, query.out_features)
        mixed[:, own] = value(read)[:, own]
        for form, scores in [("qk", query(read)[:, own] @ key(read)[:, own].T), ("vo", out(mixed) @ written.T)]:
            found["pairs"].append({"form": form, "layer": layer, "head": head, "distance": 0,
                                   "highest": best(scores), "lowest": best(scores, largest=False)})
    return found


def main():
    torch.set_grad_enabled(False)
    for seed, (name, (kind, config)) in enumerate(FAMILIES.items()):
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        model = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(kind, **config)).eval().float()
        make.randomise(model, seed)
        make.write(os.path.join(HERE, name), model, name)
        heads = [config.get("encoder_attention_heads"), config.get("decoder_attention_heads")]
        found = answers(model, lambda layer: config.get("d_kv") or 16 // heads[layer >= 2])
        with open(os.path.join(HERE, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(found, f)
            f.write("\n")
        print(name)


if __name__ == "__main__":
    main()
