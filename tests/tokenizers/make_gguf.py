"""Small tokenizers as GGUF files have them, written as llama.cpp's converter writes them, and what the same tokenizers'
tokenizer.json make of texts.

    python make_gguf.py   writes gguf/NAME.gguf and gguf.json beside this file

gguf.json has for each file the tokens as tokenizer.json has them (a CRC-32 of them joined by NUL, the first few in full) and,
for each text (texts.json, then pairs of them), a CRC-32 of its ids, the special tokens around it included.

Needs: gguf, tokenizers, transformers 5.24, sentencepiece.
"""
import json
import os
import shutil
import struct
import tempfile
import zlib

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
import gguf
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "gguf")
corpus = open(os.path.join(HERE, "../../assets/texts/polish.txt"), encoding="utf-8").read().split("\n")
corpus = [line for line in corpus if line]
texts = json.load(open(os.path.join(HERE, "texts.json"), encoding="utf-8"))
texts += [f"{texts[i % 200]} {texts[(7 * i + 3) % 200]}" for i in range(300)]
assert len(texts) == 500
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = GPT4.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
BEFORE, END = r"[^\r\n\p{L}\p{N}]?", r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O = f"{BEFORE}{UPPER}*{LOWER}+{SHORT}|{BEFORE}{UPPER}+{LOWER}*{SHORT}|" + r"\p{N}{1,3}" + END
TEKKEN = f"{BEFORE}{UPPER}*{LOWER}+|{BEFORE}{UPPER}+{LOWER}*|" + r"\p{N}" + END
BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+"
DEEPSEEK = [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""]
CODER = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+"]


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def bytes_(regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


# name in tokenizer.ggml.pre -> (normalizer, pre-tokenizer, whole words stay, bos before a text where the file does not say)
PRE = {
    "gpt-2": (None, bytes_(True), False, False),
    "olmo": (normalizers.NFC(), bytes_(True), False, False),
    "llama-bpe": (None, sequence(split(GPT4), bytes_()), True, True),
    "qwen2": (normalizers.NFC(), sequence(split(QWEN2), bytes_()), False, False),
    "gpt-4o": (None, sequence(split(GPT4O), bytes_()), False, False),
    "tekken": (None, sequence(split(TEKKEN), bytes_()), True, True),
    "smollm": (None, sequence(pre_tokenizers.Digits(True), bytes_(True)), False, False),
    "falcon": (None, sequence(pre_tokenizers.Punctuation("contiguous"), bytes_(True), pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]")), False, False),
    "bloom": (None, sequence(split(BLOOM), bytes_()), False, False),
    "deepseek-v3": (None, sequence(*map(split, DEEPSEEK), bytes_()), False, False),
    "deepseek-coder": (None, sequence(*map(split, CODER), pre_tokenizers.Digits(True), bytes_()), False, False),
}


def write(name, keys, tokens, kinds, **lists):
    """A GGUF file of a tokenizer and nothing else."""
    writer = gguf.GGUFWriter(os.path.join(OUT, name + ".gguf"), "llama")
    writer.add_tokenizer_model(keys.pop("model"))
    if "pre" in keys:
        writer.add_tokenizer_pre(keys.pop("pre"))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if "scores" in lists:
        writer.add_token_scores(lists["scores"])
    if "merges" in lists:
        writer.add_token_merges(lists["merges"])
    if lists.get("charsmap"):
        writer.add_precompiled_charsmap(lists["charsmap"])
    for key, value in keys.items():
        {bool: writer.add_bool, int: writer.add_uint32, bytes: writer.add_string}[type(value)]("tokenizer." + key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def expected(encode, tokens):
    crc = ""
    for text in texts:
        ids = encode(text)
        crc += "%08x" % zlib.crc32(b"".join(struct.pack("<I", i) for i in ids))
    joined = "\0".join(tokens).encode()
    return {"rows": len(tokens), "tokens": "%08x" % zlib.crc32(joined), "some": tokens[:4] + tokens[-4:], "crc": crc}


def bpe(pre):
    normalizer, cut, whole, bos = PRE[pre]
    tokenizer = Tokenizer(models.BPE(ignore_merges=whole))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = cut
    special = ["<|begin|>", "<|end|>"]
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus[::3] + texts[:200], trainer)
    # What the model's makers added, found in a text as it is written.
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False), AddedToken("   ", normalized=False)])
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", 0)])
    state = json.loads(tokenizer.to_str())
    rows = [None] * tokenizer.get_vocab_size()
    for token, i in tokenizer.get_vocab().items():
        rows[i] = token
    kinds = [CONTROL if t in special else USER if t in ("<tool>", "   ") else NORMAL for t in rows]
    merges = [" ".join(m) if isinstance(m, list) else m for m in state["model"]["merges"]]
    # Two rows more than the tokenizer has tokens, as the converter fills them.
    filled = rows + [f"[PAD{i}]" for i in range(len(rows), len(rows) + 2)]
    keys = {"model": "gpt2", "pre": pre, "ggml.bos_token_id": 0, "ggml.eos_token_id": 1}
    write("bpe-" + pre, keys, filled, kinds + [UNUSED] * 2, merges=merges)
    return expected(lambda t: tokenizer.encode(t).ids, rows)


def of_set(name, keep):
    """The tokenizer of a set of old files, as tokenizer.json."""
    files = json.load(open(os.path.join(HERE, "sets.json"), encoding="utf-8"))[name]["files"]
    folder = tempfile.mkdtemp()
    for file, content in files.items():
        if content.startswith("@"):
            shutil.copy(os.path.join(HERE, "files", content[1:]), os.path.join(folder, file))
        else:
            open(os.path.join(folder, file), "w", encoding="utf-8").write(content)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    shutil.rmtree(folder)
    return tokenizer.backend_tokenizer


def rows_of(tokenizer):
    rows = [None] * tokenizer.get_vocab_size()
    for token, i in tokenizer.get_vocab().items():
        rows[i] = token
    return rows


def sentence_pieces(name, file, spaces):
    """SentencePiece's BPE, by its own model's scores; the tokenizer.json is made as it was for Llama 2 and Gemma."""
    from sentencepiece import sentencepiece_model_pb2 as pb
    model = pb.ModelProto()
    model.ParseFromString(open(os.path.join(HERE, "files", file), "rb").read())
    kinds = [p.type for p in model.pieces]
    rows = [p.piece for p in model.pieces]
    scores = [p.score for p in model.pieces]
    ids = {t: i for i, t in enumerate(rows)}
    assert len(ids) == len(rows)
    merges = []
    for token, i in ids.items():
        merges += [(-scores[i], i, -at, token[:at], token[at:]) for at in range(1, len(token))
                   if token[:at] in ids and token[at:] in ids]
    merges = [(left, right) for *_, left, right in sorted(merges)]
    unk = rows[kinds.index(UNKNOWN)]
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=merges, unk_token=unk, fuse_unk=True, byte_fallback=True))
    replace = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace]) if spaces else replace
    special = [AddedToken(t, normalized=False, special=True) for t, k in zip(rows, kinds) if k in (UNKNOWN, CONTROL)]
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t, k in zip(rows, kinds) if k == USER and t.strip("▁")])
    bos = rows[model.trainer_spec.bos_id]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, ids[bos])])
    keys = {"model": "llama", "ggml.bos_token_id": ids[bos], "ggml.unknown_token_id": ids[unk], "ggml.add_space_prefix": spaces}
    # The converter writes spaces that the model's maker defined as spaces.
    written = [t.replace("▁", " ") if k == USER and not t.strip("▁") else t for t, k in zip(rows, kinds)]
    write(name, keys, written, kinds, scores=scores)
    return expected(lambda t: tokenizer.encode(t).ids, rows)


def unigram(name, set_name):
    tokenizer = of_set(set_name, None)
    state = json.loads(tokenizer.to_str())
    import base64
    charsmap = base64.b64decode(find(state["normalizer"], "precompiled_charsmap") or "")
    rows = rows_of(tokenizer)
    scores = {t: s for t, s in state["model"]["vocab"]}
    special = {a["content"] for a in state["added_tokens"] if a["special"]}
    unk = state["model"]["vocab"][state["model"]["unk_id"]][0]
    kinds = [UNKNOWN if t == unk else CONTROL if t in special else NORMAL for t in rows]
    ids = {t: i for i, t in enumerate(rows)}
    around = [p["SpecialToken"]["id"] if "SpecialToken" in p else None for p in state["post_processor"]["single"]] if state["post_processor"].get("single") else ["<s>", None, "</s>"]
    at = around.index(None)
    keys = {"model": "t5", "ggml.unknown_token_id": ids[unk], "ggml.add_bos_token": at == 1, "ggml.add_eos_token": len(around) > at + 1}
    if at == 1:
        keys["ggml.bos_token_id"] = ids[around[0]]
    if len(around) > at + 1:
        keys["ggml.eos_token_id"] = ids[around[at + 1]]
    if "<mask>" in ids:
        keys["ggml.mask_token_id"] = ids["<mask>"]
    write(name, keys, rows, kinds, scores=[scores.get(t, 0.0) for t in rows], charsmap=charsmap)
    return expected(lambda t: tokenizer.encode(t).ids, rows)


def find(value, key):
    if isinstance(value, dict):
        return value.get(key) or next((f for v in value.values() if (f := find(v, key))), None)
    if isinstance(value, list):
        return next((f for v in value if (f := find(v, key))), None)
    return None


def word_pieces(name, lowercase):
    from tokenizers import BertWordPieceTokenizer
    trained = BertWordPieceTokenizer(lowercase=lowercase)
    # As in a vocabulary of BERT's, no piece has the mark that the converter puts before those that begin a word.
    trained.train_from_iterator([t for t in corpus[::3] + texts[:200] if "▁" not in t], vocab_size=900, show_progress=False)
    tokenizer = Tokenizer.from_str(trained.to_str())
    rows = rows_of(tokenizer)
    ids = {t: i for i, t in enumerate(rows)}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])])
    special = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"}
    kinds = [CONTROL if t in special else NORMAL for t in rows]
    written = [t if k == CONTROL else t[2:] if t.startswith("##") else "▁" + t for t, k in zip(rows, kinds)]
    keys = {"model": "bert", "ggml.unknown_token_id": ids["[UNK]"], "ggml.seperator_token_id": ids["[SEP]"],
            "ggml.cls_token_id": ids["[CLS]"], "ggml.mask_token_id": ids["[MASK]"]}
    write(name, keys, written, kinds)
    return expected(lambda t: tokenizer.encode(t).ids, rows)


def whole_json():
    """A file that holds the tokenizer.json itself, beside tokens that say nothing of how texts are cut."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "dom": 1, "las": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    write("json", {"model": "none", "huggingface.json": tokenizer.to_str().encode()}, ["a", "b", "c"], [NORMAL] * 3)
    return expected(lambda t: tokenizer.encode(t).ids, rows_of(tokenizer))


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    made = {"bpe-" + pre: bpe(pre) for pre in PRE}
    made["llama"] = sentence_pieces("llama", "llama.tokenizer.model", True)
    made["gemma"] = sentence_pieces("gemma", "gemma.tokenizer.model", False)
    made["xlm-roberta"] = unigram("xlm-roberta", "xlm-roberta")
    made["t5"] = unigram("t5", "t5")
    made["bert-cased"] = word_pieces("bert-cased", False)
    made["bert-uncased"] = word_pieces("bert-uncased", True)
    made["json"] = whole_json()
    with open(os.path.join(HERE, "gguf.json"), "w", encoding="utf-8") as file:
        json.dump(made, file, ensure_ascii=False, indent=0, sort_keys=True)
        file.write("\n")
