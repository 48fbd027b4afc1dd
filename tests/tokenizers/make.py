"""Old sets of tokenizer files, a few hundred tokens each, and what AutoTokenizer reads with them.

    python make.py [FOLDER]   writes files/, texts.json and sets.json beside this file; FOLDER: all ids in full, for looking

sets.json has for each set its files (short ones as they are, long ones by their name in files/), the ids of the first texts
in full (the special tokens around them included) and a CRC-32 of the ids of every text (little-endian u32 each; `--------`
where AutoTokenizer reads no ids).

Needs: transformers 5.24, tokenizers, sentencepiece, tiktoken.
"""
import base64
import json
import os
import random
import shutil
import struct
import sys
import tempfile
import unicodedata
import zlib

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
import sentencepiece as spm
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
IN_FULL = 6
corpus = open(os.path.join(HERE, "../../assets/texts/polish.txt"), encoding="utf-8").read().split("\n")
corpus = [line for line in corpus if line]
ENGLISH = """The old lock on the door froze last winter and nobody could get in. | She didn't know that they'd left; we're late, I'll go. |
Numbers: 3 14 159 2653 58979 and 1,234.56 or 2024-11-27. | A state of the art model reads words as numbers and numbers as words. |
if (x == 1) { return f(x + 2); } // done | http://example.org/path?x=1&y=2 | user@example.org wrote: "fine". | It's the dog's, isn't it? |
Tom & Jerry's 50% off -- now! | CamelCase and snake_case and SCREAMING_CASE""".replace("\n", "").split(" | ")
OTHERS = """Hà Nội là thủ đô của nước Việt Nam | Tôi là sinh_viên trường đại_học Công_nghệ | naïve café déjà vu | Straße, Größe, Übermut | İstanbul'da ılık bir gün |
東京は日本の首都です。 | 吾輩は猫である。名前はまだ無い。 | カタカナとひらがなと漢字、ＡＢＣ１２３ ｶﾞｷﾞ | 나는 집에 간다 | 서울은 대한민국의 수도이다. | Привет, мир! Как дела? | שלום עולם | مرحبا بالعالم | می‌کند |
नमस्ते दुनिया | 👩‍🔬 and 🇵🇱 or 👍🏽 | ﬁne ﬂuﬀ ½ ² ㍿ ﷺ | ΌΣΟΣ οσος""".replace("\n", "").split(" | ")
ODD = ["", " ", "  two  spaces ", "\ttab\tand\nline\r\nends\n\n", "a\u00a0b\u2003c\u3000d", "e\u0301 e\u0301a ż\u0307 o\u0301", "x\u200by\u00adz\ufeff", "▁▁ lower ▁one", "a </w> b ##c Ġd @@ e@@ f",
       "...!?!?---", "nul\u0000 and \u0001 bell\u0007", "\ufffd �", "#hashtag @user 12:30", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" * 3]
SPECIAL = ["<s> begin</s>end", "a <mask> b<mask>c", "x [MASK] y[SEP]z", "<|endoftext|>q<|im_start|>user", "one<unk>two [UNK] three", " hello world  hello world.", "<pad>x<pad>", "<|x|> qq special <|x|>y", "<bos>word<eos>", "[INST] do [/INST]"]


def texts():
    rng = random.Random(11)
    out = ENGLISH + OTHERS + ODD + SPECIAL
    everything = ENGLISH + OTHERS + corpus
    while len(out) < 200:
        words = " ".join(rng.sample(everything, 2)).split(" ")
        at = rng.randrange(max(1, len(words) - 6))
        piece = words[at : at + rng.randrange(2, 7)]
        line = " ".join(w if rng.random() < 0.8 else rng.choice([w.upper(), unicodedata.normalize("NFD", w), w + w, " " + w, w[::-1]]) for w in piece)
        if rng.random() < 0.12:
            line += rng.choice(["</s>", "<|endoftext|>", "<mask>", " [MASK]", "<|im_end|>", "hello world", "\n", "  "]) + rng.choice(["", "tail", " tail"])
        out.append(line)
    return out


TRAIN = corpus + ENGLISH * 3 + OTHERS * 3


SETS = {}


def write(name, files, model_type, **config):
    SETS[name] = {}
    for file, content in {"config.json": {"model_type": model_type, **config}, **files}.items():
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)).encode()
        SETS[name][file] = content


def bundled(name):
    """A model that is part of the program: AutoTokenizer reads its folder as the program does."""
    folder = os.path.join(HERE, "../../assets/demo", name)
    SETS[name] = {f: open(os.path.join(folder, f), "rb").read() for f in ("config.json", "tokenizer.json", "tokenizer_config.json")}


def keep():
    """The files of all sets, each long one once: {set: {file: its content, or its name in files/ behind an @}}."""
    folder = os.path.join(HERE, "files")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    names, out = {}, {}
    for name, files in SETS.items():
        out[name] = {}
        for file, content in files.items():
            if len(content) < 900:
                out[name][file] = content.decode()
                continue
            if file == "tokenizer.json":
                out[name][file] = f"@../../../assets/demo/{name}/{file}"
                continue
            if content not in names:
                names[content] = f"{name}.{file}"
                open(os.path.join(folder, names[content]), "wb").write(content)
            out[name][file] = "@" + names[content]
    return out


def bpe(size, special, byte_level=True, suffix=None):
    """vocab.json and merges.txt of a small BPE."""
    options = {"unk_token": "<unk>"} if "<unk>" in special else {}
    tok = Tokenizer(models.BPE(**options, **({"end_of_word_suffix": suffix} if suffix else {})))
    if byte_level:
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        tok.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
        tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        alphabet = []
    tok.train_from_iterator(TRAIN, trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False, **({} if byte_level else {"end_of_word_suffix": suffix, "limit_alphabet": 90})))
    model = json.loads(tok.to_str())["model"]
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    return model["vocab"], "#version: 0.2\n" + "\n".join(merges) + "\n"


def word_pieces(size, special, lower):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.train_from_iterator(TRAIN, trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False, limit_alphabet=120))
    vocab = tok.get_vocab()
    return "\n".join(sorted(vocab, key=vocab.get)) + "\n"


def sentence_pieces(kind, size, **options):
    path = os.path.join("/tmp", f"lexiscope-spm-{os.getpid()}")
    open(path + ".txt", "w").write("\n".join(TRAIN))
    spm.SentencePieceTrainer.train(input=path + ".txt", model_prefix=path, vocab_size=size, model_type=kind, minloglevel=2, character_coverage=0.985, hard_vocab_limit=False, **options)
    return open(path + ".model", "rb").read()


RULES = "/tmp/lexiscope-rules.tsv"


def rules():
    """A little charsmap: full-width letters, ligatures, odd spaces; the whole of nmt_nfkc takes 240 KB."""
    lines = [(0xFF21 + i, [0x41 + i]) for i in range(26)] + [(0xFF11 + i, [0x31 + i]) for i in range(9)]
    lines += [(0xFB01, [0x66, 0x69]), (0xFB02, [0x66, 0x6C]), (0xA0, [0x20]), (0x3000, [0x20]), (0x2003, [0x20]), (0x200B, []), (0xAD, []), (0x0A, [0x20]), (0x09, [0x20]), (0x0D, [0x20]), (0xBD, [0x31, 0x2044, 0x32])]
    with open(RULES, "w") as f:
        for c in "acelnoszACELNOSZeo":
            composed = unicodedata.normalize("NFC", c + "\u0301")
            if len(composed) == 1:
                f.write(f"{ord(c):X} 301\t{ord(composed):X}\n")
        for a, b in lines:
            f.write(f"{a:X}\t{' '.join(f'{x:X}' for x in b)}\n")
    return RULES


def fairseq(size):
    """PhoBERT's dictionary and codes: BPE whose pieces inside a word end in @@, counts behind each."""
    vocab, merges = bpe(size, ["<unk>"], byte_level=False, suffix="</w>")
    pieces = [t[:-4] if t.endswith("</w>") else t + "@@" for t in sorted(vocab, key=vocab.get) if t != "<unk>"]
    # Some pieces that the codes make are too rare for the dictionary.
    kept = [p for i, p in enumerate(pieces) if i % 17 != 5]
    codes = "".join(f"{m} {1000 - i}\n" for i, m in enumerate(merges.split("\n")[1:-1]))
    return "".join(f"{p} {5000 - i}\n" for i, p in enumerate(kept)), codes


def tekken(size, specials):
    vocab, _ = bpe(256 + size, [])
    to_byte = {c: b for b, c in __import__("transformers").convert_slow_tokenizer.bytes_to_unicode().items()}
    tokens = [bytes(to_byte[c] for c in t) for t in sorted(vocab, key=vocab.get)]
    single = sorted(t for t in tokens if len(t) == 1)
    tokens = single + [t for t in tokens if len(t) > 1]
    pattern = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    entry = lambda i, t: {"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": t.decode("utf-8") if t.decode("utf-8", "replace").encode() == t else None}
    json_file = {
        "config": {"pattern": pattern, "num_vocab_tokens": len(tokens) + 30, "default_vocab_size": len(tokens) + specials, "default_num_special_tokens": specials, "version": "v3"},
        "vocab": [entry(i, t) for i, t in enumerate(tokens)] + [entry(len(tokens) + i, b"past the size %d" % i) for i in range(30)],
        "special_tokens": [{"rank": i, "token_str": t, "is_control": True} for i, t in enumerate(["<unk>", "<s>", "</s>", "[INST]", "[/INST]"])],
    }
    ranks = "".join(f"{base64.b64encode(t).decode()} {i}\n" for i, t in enumerate(tokens))
    return json_file, ranks


def make():
    rules()
    gpt2, gpt2_merges = bpe(340, ["<|endoftext|>"])
    no_special, no_special_merges = bpe(320, [])
    qwen = {t: i for i, t in enumerate(no_special)} | no_special
    roberta_special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    roberta, roberta_merges = bpe(340, roberta_special)
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>", "mask_token": {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}}
    pair = lambda vocab, merges, **more: {"vocab.json": vocab, "merges.txt": merges, **more}
    cfg = lambda **c: {"tokenizer_config.json": c}

    write("gpt2", pair(gpt2, gpt2_merges), "gpt2")
    write("gpt2-prefix", pair(gpt2, gpt2_merges, **cfg(tokenizer_class="GPT2Tokenizer", add_prefix_space=True, add_bos_token=True)), "gpt2")
    write("gpt2-added", pair(no_special, no_special_merges, **{"added_tokens.json": {"<|im_start|>": 321, "hello world": 322, "<|im_end|>": 320}}, **cfg(tokenizer_class="GPT2Tokenizer")), "gpt2")
    write("gpt2-split", pair(gpt2, gpt2_merges, **cfg(tokenizer_class="GPT2Tokenizer", split_special_tokens=True)), "gpt2")
    write("gpt2-extra-list", pair(no_special, no_special_merges, **cfg(tokenizer_class="GPT2Tokenizer", extra_special_tokens=["<|x|>", "qq special"])), "gpt2")
    write("gpt2-extra-map", pair(no_special, no_special_merges, **cfg(tokenizer_class="GPT2Tokenizer", extra_special_tokens={"x_token": "<|x|>", "q_token": "qq special"})), "gpt2")
    write("opt", pair(roberta, roberta_merges, **cfg(tokenizer_class="GPT2Tokenizer", add_bos_token=True, add_prefix_space=False, bos_token={"__type": "AddedToken", "content": "</s>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}, eos_token="</s>", unk_token="</s>", pad_token="<pad>")), "opt")
    write("neox", pair(gpt2, gpt2_merges, **cfg(tokenizer_class="GPTNeoXTokenizer", unk_token="<|endoftext|>", bos_token="<|endoftext|>", eos_token="<|endoftext|>")), "gpt_neox")
    write("roberta", pair(roberta, roberta_merges, **{"special_tokens_map.json": names}, **cfg(model_max_length=64)), "roberta")
    write("roberta-bare", pair(roberta, roberta_merges), "roberta")
    write("qwen2", pair(no_special, no_special_merges, **cfg(tokenizer_class="Qwen2Tokenizer", unk_token=None, eos_token="<|endoftext|>", pad_token="<|endoftext|>", add_prefix_space=False,
          added_tokens_decoder={"320": {"content": "<|endoftext|>", "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}, "321": {"content": "<|im_start|>", "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}})), "qwen2")
    herbert_special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    herbert, herbert_merges = bpe(380, herbert_special, byte_level=False, suffix="</w>")
    write("herbert", pair(herbert, herbert_merges, **cfg(tokenizer_class="HerbertTokenizer", bos_token="<s>", cls_token="<s>", sep_token="</s>", unk_token="<unk>", pad_token="<pad>", mask_token="<mask>")), "bert")
    bert_special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    cased, lower = word_pieces(420, bert_special, False), word_pieces(420, bert_special, True)
    write("bert-cased", {"vocab.txt": cased, **cfg(tokenizer_class="BertTokenizer", do_lower_case=False)}, "bert")
    write("bert-bare", {"vocab.txt": lower}, "bert")
    write("bert-accents", {"vocab.txt": cased, **cfg(do_lower_case=True, strip_accents=False, tokenize_chinese_chars=False)}, "bert")
    write("distilbert", {"vocab.txt": lower, **cfg(tokenizer_class="DistilBertTokenizer", do_lower_case=True)}, "distilbert")
    no_unk = "\n".join(line for line in cased.split("\n") if line not in ("[UNK]", "[PAD]")) + "tail\n"
    write("bert-no-unk", {"vocab.txt": no_unk, "special_tokens_map.json": {"unk_token": "<|endoftext|>", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "pad_token": "<|endoftext|>"},
          **cfg(added_tokens_decoder={str(no_unk.count("\n")): {"content": "<|endoftext|>", "special": True, "lstrip": False, "rstrip": False, "normalized": True, "single_word": False}})}, "bert")
    xlmr = sentence_pieces("unigram", 420, normalization_rule_tsv=RULES, unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    write("xlm-roberta", {"sentencepiece.bpe.model": xlmr}, "xlm-roberta")
    write("xlm-roberta-config", {"sentencepiece.bpe.model": xlmr, **cfg(tokenizer_class="XLMRobertaTokenizer"), "special_tokens_map.json": names}, "xlm-roberta")
    camembert = sentence_pieces("unigram", 420, normalization_rule_tsv=RULES, unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    write("camembert", {"sentencepiece.bpe.model": camembert, **cfg(tokenizer_class="CamembertTokenizer")}, "roberta")
    llama = sentence_pieces("bpe", 520, byte_fallback=True, normalization_rule_name="identity", split_digits=True, remove_extra_whitespaces=False, allow_whitespace_only_pieces=True)
    write("llama", {"tokenizer.model": llama, **cfg(tokenizer_class="LlamaTokenizer", add_bos_token=True, add_eos_token=False, legacy=False, bos_token="<s>", eos_token="</s>", unk_token="<unk>")}, "llama")
    write("llama-legacy", {"tokenizer.model": llama, **cfg(tokenizer_class="LlamaTokenizer", add_bos_token=True, legacy=True)}, "llama")
    write("llama-bare", {"tokenizer.model": llama}, "llama")
    write("mistral-added", {"tokenizer.model": llama, **cfg(tokenizer_class="LlamaTokenizer", add_bos_token=True, add_eos_token=False, legacy=True,
          added_tokens_decoder={str(i): {"content": t, "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False} for i, t in enumerate(["<unk>", "<s>", "</s>"])})}, "mistral")
    user = sentence_pieces("bpe", 520, byte_fallback=True, normalization_rule_tsv=RULES, user_defined_symbols=["<|x|>", "[INST]", "  "], remove_extra_whitespaces=True)
    write("phi3-user-defined", {"tokenizer.model": user}, "phi3")
    gemma = sentence_pieces("bpe", 520, byte_fallback=True, normalization_rule_name="identity", split_digits=True, remove_extra_whitespaces=False, add_dummy_prefix=False, allow_whitespace_only_pieces=True,
                            pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", user_defined_symbols=["<mask>", "<start_of_turn>"])
    write("gemma", {"tokenizer.model": gemma, **cfg(tokenizer_class="GemmaTokenizer", add_bos_token=True, add_eos_token=False, bos_token="<bos>", eos_token="<eos>", unk_token="<unk>", pad_token="<pad>")}, "gemma")
    write("gemma-listed", {"tokenizer.model": gemma, **cfg(tokenizer_class="GemmaTokenizer", add_bos_token=True, additional_special_tokens=["<start_of_turn>", "<end_of_turn>"])}, "gemma")
    rinna = sentence_pieces("unigram", 420, normalization_rule_tsv=RULES, unk_id=0, bos_id=1, eos_id=2, pad_id=3)
    write("t5", {"spiece.model": rinna, **cfg(tokenizer_class="T5Tokenizer", extra_ids=0, eos_token="</s>", unk_token="<unk>", bos_token="<s>", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]", additional_special_tokens=[])}, "gpt2")
    write("t5-gaps", {"spiece.model": rinna, **cfg(tokenizer_class="T5Tokenizer")}, "gpt2")
    write("unigram-fallback", {"tokenizer.model": sentence_pieces("unigram", 520, byte_fallback=True, normalization_rule_tsv=RULES)}, "llama")
    tekken_json, ranks = tekken(90, 12)
    write("tekken", {"tekken.json": tekken_json}, "mistral")
    write("tiktoken", {"tokenizer.model": ranks, **cfg(extra_special_tokens=["<|endoftext|>", "<|im_start|>"])}, "llama")
    dictionary, codes = fairseq(420)
    write("phobert", {"vocab.txt": dictionary, "bpe.codes": codes, **cfg(tokenizer_class="PhobertTokenizer")}, "roberta")
    write("bertweet", {"vocab.txt": dictionary, "bpe.codes": codes, "added_tokens.json": {"<mask>": dictionary.count("\n") + 4}}, "roberta", tokenizer_class="BertweetTokenizer")
    characters = bert_special + sorted(set("".join(OTHERS) + "abcdefghij0123") - set(" Ａ１ｶ\t"))
    write("bert-japanese", {"vocab.txt": "\n".join(characters) + "\n", **cfg(tokenizer_class="BertJapaneseTokenizer", do_lower_case=False, word_tokenizer_type="basic", subword_tokenizer_type="character")}, "bert")
    write("bert-japanese-pieces", {"vocab.txt": cased, **cfg(tokenizer_class="BertJapaneseTokenizer", do_lower_case=True, word_tokenizer_type="basic", subword_tokenizer_type="wordpiece")}, "bert")


def answers(all_texts):
    out = {}
    for name, files in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                open(os.path.join(folder, file), "wb").write(content)
            tok = AutoTokenizer.from_pretrained(folder)
        ids = []
        for text in all_texts:
            try:
                ids.append(tok(text)["input_ids"])
            except Exception as e:
                assert "unknown token" in str(e).lower() or "[UNK]" in str(e), (name, text, e)
                ids.append(None)
        crc = "".join("-" * 8 if i is None else f"{zlib.crc32(struct.pack(f'<{len(i)}I', *i)):08x}" for i in ids)
        highest = max(max((max(i or [0], default=0) for i in ids)), max(tok.get_vocab().values()))
        out[name] = {"class": type(tok).__name__, "rows": highest + 1, "first": ids[:IN_FULL], "crc": crc}
        if len(sys.argv) > 1:
            print(name, out[name]["class"], out[name]["rows"], sum(len(i or []) for i in ids), ids.count(None))
            json.dump(ids, open(os.path.join(sys.argv[1], f"ids-{name}.json"), "w"))
            if tok.is_fast:
                tok.backend_tokenizer.save(os.path.join(sys.argv[1], f"tok-{name}.json"))
    return out


if __name__ == "__main__":
    all_texts = texts()
    make()
    bundled("gpt2-pl")
    bundled("bert-pl")
    files, result = keep(), answers(all_texts)
    json.dump(all_texts, open(os.path.join(HERE, "texts.json"), "w"), ensure_ascii=False, indent=0)
    with open(os.path.join(HERE, "sets.json"), "w") as f:
        lines = [f"{json.dumps(k)}: {json.dumps({'files': files[k], **v}, separators=(',', ':'), ensure_ascii=False)}" for k, v in result.items()]
        f.write("{\n" + ",\n".join(lines) + "\n}\n")
