"""The texts of tests/data/tokenizer/, and the code shared by the two scripts that make it."""

import hashlib
import inspect
import json
import pathlib
import textwrap

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "tokenizer"

# Short texts, whose ids are stored.
TEXTS = {
    "empty": "",
    "space": " ",
    "newline": "\n",
    "english": "It's what we'll do: they've SEEN the quick brown fox, haven't they? I'M sure.\n",
    "code": "def f(x):\n    if x >= 10:\n\t\treturn {'a': x**2}  # 1234567 items\n\n\nprint(f(3.14))\r\n",
    "chinese": "今天天气很好，我们去公园散步吧。人工智能（AI）改变了2024年。",
    "emoji": "Good 👍🏽 morning 👩‍👩‍👧‍👦 🇫🇷!",
    "digits": "7 42 365 2024 31415 0.001 1,000,000 ½ ² Ⅳ ٣٤٥ 一二三",
    "control": "tab\tbell\x07 nul\x00 esc\x1b[0m del\x7f nbsp\u00a0 zwsp\u200b bom\ufeff end",
    "special": "<s>hello</s> world<unk> <|im_start|>user\nhi<|im_end|><|endoftext|> <|im_start|",
    "accents": "Ça va très bien, déjà vu; Zürich, naïve, Łódź, Ångström",
    "decomposed": "Cafe\u0301 and A\u030angstro\u0308m, \u1112\u1161\u11ab",
    "folding": "It'ſ 'S 'LL \u212a and K, ſet",
    "scripts": "Привет мир, Γειά σου, שלום, नमस्ते, 안녕하세요, こんにちは",
    "spaces": "  two   three    four        eight\n \n  \n\n   end   ",
    "underline": "a▁b ▁▁ <0x41> <0x0A>",
    "slashes": "https://example.org/a/b//c/ HTMLParser camelCaseWords XMLHttpRequest iOS///\n",
}
# Long texts, stored as a piece of text with a number of repetitions, and the hash of their ids.
LONG = {
    "repetitive": ("the cat sat on the mat, 12345 times; ", 7_000),
    "spaces": (" ", 20_000),
    "letters": ("ab", 20_000),
}
MAX_LENGTHS = (1, 2, 3, 7, 16, 1_000_000)
TRUNCATED = ("english", "special", "chinese")


def training_lines():
    """A mixture of English, code and other texts."""
    sources = [inspect.getsource(module) for module in (textwrap, inspect, json)]
    return [line for text in sources for line in text.splitlines() if line.strip()] + list(
        TEXTS.values()) * 3


def digest(ids):
    return hashlib.sha256(b"".join(i.to_bytes(4, "little") for i in ids)).hexdigest()


def all_ids(encode):
    """encode(text) returns the ids of the complete text."""
    result = {"ids": {name: encode(text) for name, text in TEXTS.items()}, "long": {}}
    for name, (piece, count) in LONG.items():
        ids = encode(piece * count)
        result["long"][name] = {"count": len(ids), "sha256": digest(ids)}
    return result


def write(name, value):
    DATA.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    (DATA / name).write_text(text.replace('},"', '},\n"') + "\n")


def write_texts():
    long = {name: {"text": text, "count": count} for name, (text, count) in LONG.items()}
    write("texts.json", {"texts": TEXTS, "long": long})
