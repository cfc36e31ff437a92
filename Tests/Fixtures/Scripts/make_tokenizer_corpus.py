"""Small tokenizers of each kind, as seeds for the fuzzer: tokenizer.json, GGUF vocabularies, SentencePiece models.

Writes ../corpus/tokenizer/NAME. Needs: gguf 0.19, sentencepiece 0.2, tokenizers 0.23.
"""

import io
import pathlib

import gguf
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

folder = pathlib.Path(__file__).parent.parent / "corpus" / "tokenizer"
folder.mkdir(parents=True, exist_ok=True)


def save(name, tokenizer):
    (folder / name).write_text(tokenizer.to_str(pretty=False))


def numbered(pieces):
    return {piece: i for i, piece in enumerate(pieces)}


byte_level = Tokenizer(models.BPE(numbered(["Ġ", "o", "n", "c", "e", "on", "ce", "Ġon", "Ċ"]), [("o", "n"), ("c", "e"), ("Ġ", "on")]))
byte_level.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.Split(Regex(r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+"), "isolated"),
    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
byte_level.decoder = decoders.ByteLevel()
byte_level.post_processor = processors.ByteLevel(trim_offsets=False)
byte_level.add_special_tokens([AddedToken("<s>", special=True), AddedToken("</s>", lstrip=True, rstrip=True, special=True)])
save("byte-level", byte_level)

gpt2 = Tokenizer(models.BPE(numbered(["Ġ", "a", "b", "ab", "Ġab"]), [("a", "b"), ("Ġ", "ab")]))
gpt2.normalizer = normalizers.NFC()
gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
gpt2.decoder = decoders.ByteLevel()
gpt2.add_tokens([AddedToken("b a", single_word=True, normalized=True)])
save("gpt2", gpt2)

fallback = Tokenizer(models.BPE(
    numbered(["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(32, 64)] + ["▁", "o", "n", "▁o", "▁on"]),
    [("▁", "o"), ("▁o", "n")], unk_token="<unk>", fuse_unk=True, byte_fallback=True, ignore_merges=True))
fallback.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
fallback.decoder = decoders.Sequence([
    decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
fallback.post_processor = processors.TemplateProcessing(
    single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
fallback.add_special_tokens(["<s>", "</s>"])
save("byte-fallback", fallback)

unigram = Tokenizer(models.Unigram(
    [("<unk>", 0.0), ("▁", -2.0), ("o", -3.5), ("▁on", -1.25), ("ce", -4.0), ("n", -9.5)], unk_id=0, byte_fallback=False))
unigram.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
unigram.pre_tokenizer = pre_tokenizers.Metaspace()
unigram.decoder = decoders.Metaspace()
unigram.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 6)])
unigram.add_special_tokens(["</s>"])
save("unigram", unigram)

words = Tokenizer(models.WordLevel(numbered(["[UNK]", "once", "upon"]), "[UNK]"))
words.normalizer = normalizers.Lowercase()
words.pre_tokenizer = pre_tokenizers.Whitespace()
save("words", words)


# GGUF vocabularies


def gguf_vocabulary(name, model, pieces, scores=None, types=None, merges=None, pre=None):
    writer = gguf.GGUFWriter(folder / name, "llama")
    writer.add_tokenizer_model(model)
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(pieces)
    if scores:
        writer.add_token_scores(scores)
    if types:
        writer.add_token_types(types)
    if merges:
        writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


pieces = ["<unk>", "<s>", "</s>", "<0x0A>", "<0x41>", "▁", "o", "n", "▁o", "▁on"]
gguf_vocabulary("gguf-llama", "llama", pieces, [-1.0 * i for i in range(10)], [2, 3, 3, 6, 6, 1, 1, 1, 1, 1])
pieces = ["!", "<s>", "</s>", "a", "b", "ab", "Ġ", "Ġab"]
gguf_vocabulary("gguf-gpt2", "gpt2", pieces, types=[1, 3, 3, 1, 1, 1, 1, 1], merges=["a b", "Ġ ab"], pre="gpt-2")

# SentencePiece models

text = ["once upon a time there was a tiny dog", "the dog and the cat sat on a mat, once more", "éa 12 don't"] * 4
for kind in ["bpe", "unigram"]:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, model_type=kind, vocab_size=44, hard_vocab_limit=False,
        normalization_rule_name="identity", user_defined_symbols=["<x>"], minloglevel=2)
    (folder / f"sentencepiece-{kind}").write_bytes(model.getvalue())
