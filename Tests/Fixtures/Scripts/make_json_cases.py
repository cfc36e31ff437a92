"""JSON texts and what Python's json module makes of them.

Writes ../json/cases.json: a list of {"text": hexadecimal, "value": canonical form or null where Python refuses it}. The
canonical form of a value spells numbers by their bits and strings by their bytes:
null, true, i<decimal>, f<16 hexadecimal digits of the double> or fnan, s<hexadecimal UTF-8>, [a,b], {s<key>:a,...}.
"""

import json
import pathlib
import struct


def canonical(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return f"i{value}"
        value = float(value)
    if isinstance(value, float):
        return "fnan" if value != value else "f" + struct.pack(">d", value).hex()
    if isinstance(value, str):
        # A lone surrogate has no UTF-8; U+FFFD stands for it.
        text = "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in value)
        return "s" + text.encode().hex()
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    return "{" + ",".join(canonical(k) + ":" + canonical(v) for k, v in value.items()) + "}"


TEXTS = [
    "null", "true", "false", "0", "-0", "1", "-1", "123456789012345678", "9223372036854775807", "9223372036854775808",
    "-9223372036854775807", "-9223372036854775808", "1" * 40, "0.1", "-0.0", "1e5", "1E+5", "1e-5", "1.5e300", "1e999",
    "-1e999", "1e-999", "4.9e-324", "2.2250738585072011e-308", "9007199254740993.0", "0.30000000000000004",
    "3.141592653589793238462643383279", "123456789.123456789e-20", "Infinity", "-Infinity", "NaN", "[Infinity, -Infinity, NaN]",
    '""', '"a"', '"\\u0000"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u00e9\\u20ac\\ud83d\\ude00"', '"é€😀"', '"\\ud800"', '"\\udc00"',
    '"\\ud800\\ud800\\udc00"', '"\\ud800x"', '"\\ud800\\n"', '"\\uD83D\\uDE00"', '"\x7f"', '"\u2028"', '"\ufeff"',
    "[]", "[ ]", "[1]", "[1,2,3]", "[[],[[]]]", " \t\r\n[ 1 , 2 ]\n", "{}", "{ }", '{"a":1}', '{"a":1,"b":[{"c":null}]}',
    '{"a":1,"b":2,"a":3}', '{"":0}', '{"\\u0061":1,"a":2}', '{"é":1,"e\u0301":2}', "\ufeff[1]",
    '{"0":0,"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9,"3":"x","10":10,"0":"y"}',
    "[" * 100 + "]" * 100,
    # Refused.
    "", " ", "nul", "nulll", "True", "tru", "+1", "-", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "0x10", "1_000", "inf", "nan",
    "-NaN", "infinity", "--Infinity", '"', '"a', '"\\', '"\\x"', '"\\u"', '"\\u12"', '"\\u12G4"', '"\\u+123"', '"\n"', '"\x1f"', "'a'", "[", "]",
    "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", "{1:2}", '{"a"}', '{"a":}', '{"a":1,}', '{"a" 1}', '{"a":1 "b":2}', "{a:1}",
    '{"a":1]', "1 2", "[] []", "{}x", "null,", "\x00", "[1]\x00", "/* */ 1", "// 1", "[1]//", "\u00a01",
]
BYTES = [b'"\xff"', b'"\xc3"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"', b'["\x80"]', b'{"\xfe":1}', b"\xff", b'"\xf0\x9f\x98"']

cases = []
for data in [text.encode() for text in TEXTS] + BYTES:
    try:
        # Decoded first: given bytes, Python would guess at UTF-16 where it sees zeros.
        value = canonical(json.loads(data.decode("utf-8-sig")))
    except (ValueError, RecursionError):
        value = None
    cases.append({"text": data.hex(), "value": value})

folder = pathlib.Path(__file__).parent.parent / "json"
folder.mkdir(exist_ok=True)
(folder / "cases.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
