"""Trains small tokenizers in the layouts of well-known model families, and writes down what the references make of mixed
text with them and with those in the folder `shared`: Tests/Fixtures/tokenizers.

    python Tests/Fixtures/Scripts/make_tokenizers.py

Needs tokenizers 0.23.3, sentencepiece 0.2.3, gguf 0.19 and llama-cpp-python 0.3.36 (for GGUF vocabularies). Training text
is Shakespeare, from `shared`; the references' answers are hashes of tokens and of decoded text (see mixed_text.py).
"""
import json
import os
import pathlib
import struct
import tempfile

import gguf
import llama_cpp
import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

from mixed_text import FOLDER, SAMPLES, Seeded, chunk_hashes, mixed_lines

SHARED = pathlib.Path(os.environ.get("DYNAMAX_SHARED", FOLDER.parents[3] / "shared"))
LINES = mixed_lines(2600, 1)
CORPUS = (SHARED / "data/corpora/tinyshakespeare.txt").read_text()[:300_000].split("\n") + SAMPLES["text"] * 3

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace("{1,3}", "")
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = ("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
            "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")


# MARK: tokenizer.json

def split(expression):
    return pre_tokenizers.Split(Regex(expression), "isolated", False)


def bytes_only():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def byte_level(steps, normalizer=None, special=("<|endoftext|>",), added=(), post=None, ignore_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=480, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens(list(special))
    tokenizer.add_tokens(list(added))
    if post:
        tokenizer.post_processor = post(tokenizer)
    return tokenizer


def byte_level_tokenizers():
    bos = "<|begin_of_text|>"
    yield "llama3", byte_level(
        [split(LLAMA3), bytes_only()], special=[bos, "<|end_of_text|>", "<|eot_id|>"], ignore_merges=True,
        post=lambda t: processors.Sequence([
            processors.ByteLevel(trim_offsets=True, add_prefix_space=False),
            processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1",
                                          special_tokens=[(bos, t.token_to_id(bos))])]))
    yield "qwen3", byte_level(
        [split(QWEN), bytes_only()], normalizers.NFC(), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        [AddedToken("<tool_call>", normalized=False, special=False), AddedToken("<think>", normalized=False)],
        lambda t: processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False))
    yield "falcon", byte_level(
        [pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False),
         pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]")])
    yield "roberta", byte_level(
        [pre_tokenizers.ByteLevel(add_prefix_space=True)], None, ["<s>", "</s>", "<unk>"],
        [AddedToken("<mask>", lstrip=True, rstrip=True, special=True, normalized=False),
         AddedToken("king", single_word=True, normalized=False),
         AddedToken("Queen", single_word=True, rstrip=True, normalized=True)],
        lambda t: processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>"))))
    yield "cased", byte_level([split(CASED), bytes_only()])
    yield "starcoder", byte_level(
        [pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    yield "deepseek", byte_level(
        [split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), bytes_only()])


def characters(pre_tokenizer, decoder, normalizer=None, post=None, added=(), byte_fallback=False, fuse_unk=True):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    spelled = [f"<0x{b:02X}>" for b in range(256)] if byte_fallback else []
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=520 + len(spelled), special_tokens=["<unk>", "<s>", "</s>"] + spelled, show_progress=False))
    layout = json.loads(tokenizer.to_str())
    layout["added_tokens"] = layout["added_tokens"][:3]
    layout["pre_tokenizer"] = None
    layout["model"].update(byte_fallback=byte_fallback, fuse_unk=fuse_unk)
    tokenizer = Tokenizer.from_str(json.dumps(layout))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    tokenizer.add_tokens(list(added))
    if post:
        tokenizer.post_processor = post
    return tokenizer


def character_tokenizers():
    llama = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                               decoders.Strip(" ", 1, 0)])
    begin = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    yield "llama2", characters(
        None, llama, normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), begin,
        byte_fallback=True)
    yield "mistral", characters(
        pre_tokenizers.Metaspace(prepend_scheme="first", split=False), llama, post=begin, byte_fallback=True,
        added=[AddedToken("[INST]", special=True, normalized=False), AddedToken("wherefore", normalized=True)])
    yield "gemma", characters(
        pre_tokenizers.Split(" ", "merged_with_previous"),
        decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]),
        normalizers.Replace(" ", "▁"), byte_fallback=True)
    yield "compatible", characters(
        pre_tokenizers.Metaspace(), decoders.Metaspace(),
        normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.StripAccents()]), fuse_unk=False)
    yield "decomposed", characters(
        pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("isolated"),
                                 pre_tokenizers.Digits(True)]),
        decoders.Fuse(), normalizers.Sequence([normalizers.NFKD(), normalizers.Nmt()]), fuse_unk=False)
    yield "merged", characters(
        pre_tokenizers.Sequence([
            pre_tokenizers.Split("▁", "merged_with_next"), pre_tokenizers.Split(Regex(r"\d"), "contiguous"),
            pre_tokenizers.Split(Regex("[aeiou]"), "merged_with_previous"),
            pre_tokenizers.Split(Regex("[A-Z]"), "removed", True), pre_tokenizers.CharDelimiterSplit("Q")]),
        decoders.Fuse(), normalizers.Replace(Regex(r"\s+"), "▁"))


def unigram(pre_tokenizer, decoder, normalizer=None, byte_fallback=False):
    tokenizer = Tokenizer(models.Unigram())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    tokenizer.train_from_iterator(CORPUS, trainers.UnigramTrainer(
        vocab_size=500, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    layout = json.loads(tokenizer.to_str())
    for pair in layout["model"]["vocab"]:
        pair[1] = round(pair[1], 5)
    if byte_fallback:
        layout["model"]["byte_fallback"] = True
        layout["model"]["vocab"] += [[f"<0x{b:02X}>", -20.0] for b in range(256)]
    tokenizer = Tokenizer.from_str(json.dumps(layout))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def unigram_tokenizers(charsmap):
    yield "t5", unigram(
        pre_tokenizers.Metaspace(prepend_scheme="always"), decoders.Metaspace(prepend_scheme="always"),
        normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Strip(left=False, right=True),
                              normalizers.Replace(Regex(" {2,}"), "▁")]))
    yield "xlm-roberta", unigram(
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]), decoders.Metaspace(),
        normalizers.Precompiled(charsmap))
    yield "unigram-bytes", unigram(pre_tokenizers.Metaspace(split=False), decoders.Metaspace(), byte_fallback=True)


# MARK: SentencePiece

def sentencepiece_models(folder):
    rules = folder / "rules.tsv"
    rules.write_text("".join(f"{source}\t{target}\n" for source, target in [
        ("FB01", "66 69"), ("3000", "20"), ("A0", "20"), ("9", "20"), ("A", "20"), ("D A", "20"), ("41 30A", "C5"),
        ("65 301", "E9"), ("2460", "31"), ("FDFA", "635 644 649"), ("200B", ""), ("1F648", "3A 28"),
        ("FF21", "41"), ("2026", "2E 2E 2E")]))
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(CORPUS), encoding="utf-8")
    table = dict(normalization_rule_tsv=str(rules))
    identity = dict(normalization_rule_name="identity")
    common = dict(input=str(corpus), vocab_size=500, hard_vocab_limit=False, minloglevel=2, character_coverage=0.98)
    for name, settings in {
        "unigram-rules": dict(model_type="unigram", **table),
        "unigram-bytes": dict(model_type="unigram", byte_fallback=True, remove_extra_whitespaces=False,
                              user_defined_symbols=["<sep>", "foo bar", "▁xy", "  "], **identity),
        "unigram-suffix": dict(model_type="unigram", treat_whitespace_as_suffix=True, **table),
        "bpe-rules": dict(model_type="bpe", user_defined_symbols=["<sep>", "and ", "\n\n"],
                          control_symbols=["[INST]"], **table),
        "bpe-llama": dict(model_type="bpe", byte_fallback=True, remove_extra_whitespaces=False, split_digits=True,
                          allow_whitespace_only_pieces=True, **identity),
        "bpe-whole": dict(model_type="bpe", split_by_whitespace=False, add_dummy_prefix=False, **identity),
        "bpe-suffix": dict(model_type="bpe", treat_whitespace_as_suffix=True, bos_id=-1, eos_id=1, unk_id=2, pad_id=0,
                           **identity),
    }.items():
        settings = dict(common, **settings)
        if settings.get("byte_fallback"):
            settings["vocab_size"] = 800
        sentencepiece.SentencePieceTrainer.train(model_prefix=str(folder / name), **settings)
        yield name, (folder / f"{name}.model").read_bytes()


def fields(message):
    """The fields of a protocol buffer message."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, message[position:position + length]
        position += length


def charsmap_of(model):
    normalizer = next(value for field, value in fields(model) if field == 3)
    return next(value for field, value in fields(normalizer) if field == 2)


# MARK: GGUF

def write_gguf(path, kind, pieces, types, scores=None, merges=None, **keys):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(kind)
    writer.add_token_list(pieces)
    writer.add_token_types(types)
    if scores:
        writer.add_token_scores(scores)
    if merges:
        writer.add_token_merges(merges)
    for key, value in keys.items():
        getattr(writer, key)(value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def write_ggufs(llama3, bpe_llama):
    layout = json.loads(llama3.to_str())
    pieces = sorted(layout["model"]["vocab"], key=layout["model"]["vocab"].get)
    special = [token["content"] for token in layout["added_tokens"]]
    write_gguf(FOLDER / "llama-bpe.gguf", "gpt2", pieces + special, [1] * len(pieces) + [3] * len(special),
               merges=[" ".join(merge) for merge in layout["model"]["merges"]], add_tokenizer_pre="llama-bpe",
               add_bos_token_id=len(pieces), add_eos_token_id=len(pieces) + 1)
    pieces, types, scores = [], [], []
    for field, value in fields(bpe_llama):
        if field == 1:
            piece = dict(fields(value))
            pieces.append(piece[1])
            scores.append(struct.unpack("<f", piece[2])[0])
            types.append(piece.get(3, 1))
    write_gguf(FOLDER / "spm.gguf", "llama", pieces, types, scores, add_bos_token_id=1, add_eos_token_id=2,
               add_unk_token_id=0)


# MARK: Answers

def pack(tokens):
    return struct.pack(f"<{len(tokens)}i", *tokens)


def random_tokens(present, seed=7):
    """Lists of tokens, many of them bytes."""
    random = Seeded(seed)
    lists = []
    for number in range(600):
        limit = min(len(present), 300) if number % 2 else len(present)
        lists.append([present[random.below(limit)] for _ in range(random.below(30))])
    return lists


def answers_of_tokenizers(tokenizer):
    encoded = [tokenizer.encode(line).ids for line in LINES]
    tokenizer.encode_special_tokens = True
    plain = [tokenizer.encode(line, add_special_tokens=False).ids for line in LINES]
    tokenizer.encode_special_tokens = False
    present = sorted(tokenizer.get_vocab().values())
    lists = random_tokens(present) + encoded[:200]
    return {
        "encoded": chunk_hashes([pack(ids) for ids in encoded], 40),
        "plain": chunk_hashes([pack(ids) for ids in plain], 40),
        "decoded": chunk_hashes([tokenizer.decode(ids, skip_special_tokens=False).encode() for ids in lists], 40),
        "skipped": chunk_hashes([tokenizer.decode(ids).encode() for ids in lists], 40),
    }


def answers_of_sentencepiece(model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    plain = [processor.encode(line) for line in LINES]
    lists = random_tokens(list(range(processor.vocab_size()))) + plain[:200]
    return {
        "plain": chunk_hashes([pack(ids) for ids in plain], 40),
        "skipped": chunk_hashes([processor.decode(ids).encode() for ids in lists], 40),
    }


def answers_of_llama_cpp(path):
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    return {
        "encoded": chunk_hashes([pack(model.tokenize(line.encode(), add_bos=True, special=True)) for line in LINES], 40),
        "plain": chunk_hashes([pack(model.tokenize(line.encode(), add_bos=False)) for line in LINES], 40),
    }


# MARK: Normalization

def normal_forms():
    """Hashes of all scalars in blocks of 4096, alone and each followed by two marks, in each form."""
    result = {}
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        normalizer = getattr(normalizers, form)()
        blocks = []
        for start in range(0, 0x110000, 4096):
            scalars = [chr(c) for c in range(start, start + 4096) if not 0xD800 <= c < 0xE000]
            text = "".join(scalars) + "".join(f"{c}\u0345\u0301\u0323" for c in scalars)
            blocks.append(normalizer.normalize_str(text).encode())
        result[form] = chunk_hashes(blocks, 1)
    return result


def main():
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        trained = dict(sentencepiece_models(pathlib.Path(folder)))
    for name, model in trained.items():
        (FOLDER / f"{name}.model").write_bytes(model)
        answers[f"{name}.model"] = answers_of_sentencepiece(model)
    charsmap = charsmap_of(trained["unigram-rules"])
    made = {**dict(byte_level_tokenizers()), **dict(character_tokenizers()), **dict(unigram_tokenizers(charsmap))}
    for name, tokenizer in made.items():
        text = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
        answers[f"{name}.json"] = answers_of_tokenizers(Tokenizer.from_str(text))
    write_ggufs(made["llama3"], trained["bpe-llama"])
    for name in ("llama-bpe.gguf", "spm.gguf"):
        answers[name] = answers_of_llama_cpp(FOLDER / name)
    for path in ("tokenizers/gpt-neox_20B_tokenizer.json", "models/stories260K/tokenizer.json",
                 "models/other/llama2xs/tokenizer.json"):
        answers[f"shared/{path}"] = answers_of_tokenizers(Tokenizer.from_file(str(SHARED / path)))
    gpt2 = Tokenizer(models.BPE.from_file(*(str(SHARED / f"tokenizers/gpt2_{file}")
                                            for file in ("vocab.json", "merges.txt"))))
    gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    gpt2.decoder = decoders.ByteLevel()
    gpt2.add_special_tokens(["<|endoftext|>"])
    answers["shared/tokenizers/gpt2_vocab.json"] = answers_of_tokenizers(gpt2)
    for path in sorted((SHARED / "tokenizers").glob("*.model")):
        answers[f"shared/tokenizers/{path.name}"] = answers_of_sentencepiece(path.read_bytes())
    for path in sorted((SHARED / "tokenizers/ggml-vocab").glob("*.gguf")):
        # For DeepSeek's pattern llama.cpp counts code points that are new in Unicode 16 as unassigned, where the library
        # that the vocabulary was made with counts letters: deepseek.json above compares with the latter.
        if "bert" not in path.name and "deepseek" not in path.name:
            answers[f"shared/tokenizers/ggml-vocab/{path.name}"] = answers_of_llama_cpp(path)
    (FOLDER / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")
    (FOLDER / "normal_forms.json").write_text(json.dumps(normal_forms(), indent=1) + "\n")


main()
