"""Makes Fixtures/tokenizer-training/expected.json: what the tokenizers library learns from corpus.txt, and how it encodes
with the vocabularies that Dynamax has learned from it.

    python make_tokenizer_training.py FOLDER

FOLDER holds corpus.txt (documents end in a line <|endoftext|>) and, for each kind, what `dynamax train tokenizer` has
written: gpt2.json, llama3.json, qwen2.json, sentencepiece.json (600 pieces each).
"""

import json
import sys
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

SIZE = 600
NUMBERS = {"llama3": r"\p{N}{1,3}", "qwen2": r"\p{N}"}
TEXTS = [
    "The Happy Prince stood high above the city.",
    "  two  spaces, a\ttab\nand 12345 lines\n\n\nI'll say: \"don't!\" It's 3.14 — naïve café, STRASSE ſ",
    "日本語 and emoji 😀👩‍👩‍👧, Ελληνικά, e\u0301 é",
    "<|endoftext|> <s> <|begin_of_text|> \u0000 \u007f \ufffd",
    "",
]


def byte_level(kind):
    if kind == "gpt2":
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + NUMBERS[kind]
        + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


def learn(kind, documents):
    tokenizer = Tokenizer(models.BPE())
    if kind == "sentencepiece":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Metaspace(prepend_scheme="always"), pre_tokenizers.Digits(individual_digits=True)]
        )
        # As many reserved pieces as Dynamax has: three control tokens and the bytes.
        specials = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
        documents = [line for document in documents for line in document.split("\n") if line]
        alphabet = []
    else:
        tokenizer.pre_tokenizer = byte_level(kind)
        specials = ["<|begin_of_text|>", "<|end_of_text|>"]
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, min_frequency=2, special_tokens=specials, initial_alphabet=alphabet, max_token_length=16,
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return [" ".join(pair) for pair in model["merges"]]


def main():
    folder = Path(sys.argv[1])
    text = (folder / "corpus.txt").read_text()
    documents = [document.strip() for document in text.split("<|endoftext|>") if document.strip()]
    expected = {"texts": TEXTS}
    for kind in ["gpt2", "llama3", "qwen2", "sentencepiece"]:
        ours = Tokenizer.from_file(str(folder / f"{kind}.json"))
        ids = [ours.encode(text).ids for text in TEXTS]
        expected[kind] = {
            "merges": learn(kind, documents),
            "ids": ids,
            "decoded": [ours.decode(row) for row in ids],
        }
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
