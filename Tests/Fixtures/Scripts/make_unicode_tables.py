"""Writes Sources/DynamaxText/Unicode/{CharacterClassData,DecompositionData}.swift.

The classes are those that PyPI `tokenizers` sees (it follows Unicode 16), because a tokenizer has to split where the
reference splits, also at code points whose class differs between Unicode versions. So they are read out of the
library itself: each general category by a Split on \\p{Xx}; punctuation, numbers and accents by its Punctuation, Digits
and StripAccents (which use other, older and newer, tables); decompositions by its NFD and NFKD.

    python Tests/Fixtures/Scripts/make_unicode_tables.py      (needs tokenizers 0.23.3; takes about a minute)
"""
import pathlib
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "Sources/DynamaxText/Unicode"
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn".split()
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-+"


def members(pre_tokenizer):
    """The scalars that a pre-tokenizer removes."""
    found = set()
    for start in range(0, len(SCALARS), 4096):
        block = SCALARS[start:start + 4096]
        left = set(range(len(block)))
        for _, (a, b) in pre_tokenizer.pre_tokenize_str("".join(map(chr, block))):
            left -= set(range(a, b))
        found |= {block[i] for i in left}
    return found


def base64(value):
    """Big-endian base 64 without padding."""
    text = DIGITS[value % 64]
    while value >= 64:
        value //= 64
        text = DIGITS[value % 64] + text
    return text


def number(value):
    """One digit of base 64, or a mark that says how many follow."""
    digits = base64(value)
    return digits if len(digits) == 1 else {2: ".", 3: "_", 4: "="}[len(digits)] + digits


def literal(name, comment, text):
    width = 110
    lines = [text[i:i + width] for i in range(0, len(text), width)]
    body = "\\\n".join("        " + line for line in lines)
    return f'    {comment}\n    static let {name}: StaticString = """\n{body}\n        """\n'


def write(file, type_name, comment, parts):
    head = "// Written by Tests/Fixtures/Scripts/make_unicode_tables.py; do not edit.\n\n"
    (FOLDER / file).write_text(head + f"{comment}\nenum {type_name} {{\n" + "\n".join(parts) + "}\n")


def character_classes():
    table = [CATEGORIES.index("Cn")] * 0x110000
    for c in range(0xD800, 0xE000):
        table[c] = CATEGORIES.index("Cs")
    for index, category in enumerate(CATEGORIES):
        if category not in ("Cs", "Cn"):
            for c in members(pre_tokenizers.Split(Regex(r"\p{%s}" % category), "removed")):
                table[c] = index
    for c in members(pre_tokenizers.Punctuation("removed")):
        table[c] |= 32
    digits = pre_tokenizers.Digits(True)
    for c in SCALARS:
        if len(digits.pre_tokenize_str("a" + chr(c) + "b")) > 1:
            table[c] |= 64
    accents = normalizers.StripAccents()
    for c in SCALARS:
        if accents.normalize_str(chr(c)) == "":
            table[c] |= 128
    classes = sorted(set(table))
    runs, start = [], 0
    for c in range(1, 0x110001):
        if c == 0x110000 or table[c] != table[start]:
            runs.append((classes.index(table[start]), c - start))
            start = c
    assert len(classes) <= 64
    text = "".join(DIGITS[index] + number(length) for index, length in runs)
    values = ", ".join(str(v) for v in classes)
    write("CharacterClassData.swift", "CharacterClassData", "/// The runs of equal character classes over all code points.", [
        "    /// The classes that occur: general category, plus 32 for punctuation, 64 for a number and 128 for an accent.\n"
        "    static let classes: [UInt8] = [\n        " + ",\n        ".join(
            ", ".join(values.split(", ")[i:i + 20]) for i in range(0, len(classes), 20)) + ",\n    ]\n",
        literal("runs", "/// Class and length of each run.", text),
    ])
    print(len(runs), "runs,", len(classes), "classes,", len(text), "characters")


def decompositions():
    nfd, nfkd, nfc = normalizers.NFD(), normalizers.NFKD(), normalizers.NFC()
    entries = []
    for c in SCALARS:
        if 0xAC00 <= c < 0xD7A4:
            continue  # Hangul syllables are computed
        s = chr(c)
        canonical, compatible = nfd.normalize_str(s), nfkd.normalize_str(s)
        if canonical != s:
            entries.append((c, 1 if nfc.normalize_str(s) == s else 0, canonical))
        if compatible != canonical:
            entries.append((c, 2, compatible))
    text, last = "", 0
    for c, kind, mapping in entries:
        text += number(c - last) + number(kind + 3 * len(mapping)) + "".join(number(ord(m)) for m in mapping)
        last = c
    classes = ""
    last, count = 0, 0
    low, high = "\u0334", "\u0345"  # combining classes 1 and 240
    runs = []
    for c in SCALARS:
        s = chr(c)
        ordered = nfd.normalize_str(s) == s and (
            nfd.normalize_str(s + low) == low + s or nfd.normalize_str(high + s) == s + high)
        value = unicodedata.combining(s)
        if value in (1, 240) and s in (low, high):
            ordered = True
        if ordered:
            assert value, hex(c)
            if runs and runs[-1][0] + runs[-1][1] == c and runs[-1][2] == value:
                runs[-1][1] += 1
            else:
                runs.append([c, 1, value])
    for start, length, value in runs:
        classes += number(start - last) + number(length) + number(value)
        last = start
    write("DecompositionData.swift", "DecompositionData",
          "/// Full decompositions of all characters but Hangul syllables, and combining classes.", [
              literal("decompositions",
                      "/// Distance, kind (0 canonical, 1 canonical and composable, 2 compatibility) + 3 x length, scalars.",
                      text),
              literal("combiningClasses", "/// Distance, length and combining class of each run.", classes)])
    print(len(entries), "entries,", len(text), "characters;", len(runs), "runs,", len(classes), "characters")


FOLDER.mkdir(parents=True, exist_ok=True)
character_classes()
decompositions()
