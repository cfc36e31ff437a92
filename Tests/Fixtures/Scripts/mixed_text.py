"""The mixed text that tokenizers are compared on; Tests/DynamaxTextTests/MixedText.swift makes the same.

It is made of slices of `tokenizers/samples.json` and of random scalars of many kinds, from a seed.
"""
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "tokenizers"
SAMPLES = json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))


class Seeded:
    """SplitMix64, as in Tests/TestSupport/Seeded.swift."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def below(self, count):
        return self.next() % count


# First scalar and number of scalars.
RANGES = [
    (0x4E00, 0x5200), (0x3041, 0x56), (0x30A1, 0x5A), (0xAC00, 0x2BA4), (0x0400, 0x100), (0x05D0, 0x1B), (0x0621, 0x2A),
    (0x0900, 0x80), (0x0E01, 0x3A), (0x00A0, 0x160), (0x0370, 0x90), (0x1E00, 0x100), (0x2000, 0x70), (0x2190, 0x200),
    (0xE000, 0x1900), (0x1F300, 0x400), (0x1F1E6, 26), (0x0300, 0x70), (0x1100, 0x100), (0xFB00, 0x50), (0xFF00, 0xF0),
    (0x2460, 0xA0), (0x20000, 0xA000), (0x0000, 0x20), (0x1D400, 0x400), (0x10000, 0x1000),
]


def mixed_line(random):
    parts = []
    for _ in range(1 + random.below(24)):
        kind = random.below(12)
        if kind < 5:
            sample = SAMPLES["text"][random.below(len(SAMPLES["text"]))]
            start = random.below(len(sample))
            parts.append(sample[start:start + 1 + random.below(120)])
        elif kind < 7:
            first, count = RANGES[random.below(len(RANGES))]
            parts.append("".join(chr(first + random.below(count)) for _ in range(1 + random.below(12))))
        elif kind == 7:
            scalar = random.below(0x110000 - 0x800)
            parts.append(chr(scalar if scalar < 0xD800 else scalar + 0x800))
        elif kind == 8:
            for _ in range(1 + random.below(5)):
                parts.append(chr(0x61 + random.below(26)))
                parts.extend(chr(0x300 + random.below(0x70)) for _ in range(random.below(4)))
        elif kind == 9:
            alphabet = SAMPLES["alphabets"][random.below(len(SAMPLES["alphabets"]))]
            parts.append("".join(alphabet[random.below(len(alphabet))] for _ in range(1 + random.below(9))))
        elif kind == 10:
            parts.append(SAMPLES["strings"][random.below(len(SAMPLES["strings"]))])
        else:
            repeated = SAMPLES["repeated"][random.below(len(SAMPLES["repeated"]))]
            parts.append(repeated * (1 + random.below(30) * (40 if random.below(40) == 0 else 1)))
        if random.below(3) == 0:
            parts.append(" ")
    return "".join(parts)


def mixed_lines(count, seed):
    random = Seeded(seed)
    return [mixed_line(random) for _ in range(count)]


def fnv(data, state=0xCBF29CE484222325):
    """FNV-1a, 64 bits."""
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & ((1 << 64) - 1)
    return state


def chunk_hashes(items, size):
    """The upper half of the hash of each `size` byte strings, each followed by a byte 255."""
    result = []
    for start in range(0, len(items), size):
        state = 0xCBF29CE484222325
        for item in items[start:start + size]:
            state = fnv(item + b"\xff", state)
        result.append("%08x" % (state >> 32))
    return " ".join(result)
