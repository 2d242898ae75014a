#!/usr/bin/env python3
"""Writes tests/data/yaml/pyyaml.json: what PyYAML's safe loader makes of scalars and documents.

  scalars    plain scalars -> kind and value; kinds are those of YamlValue in src/yaml/yaml_reader.h
  documents  whole documents -> their value as JSON, or null and "error"

Needs PyYAML 6.0.3. It reads nothing and writes only tests/data/yaml."""

import json
import math
import pathlib

import yaml

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "yaml" / "pyyaml.json"

WORDS = []
for plain in ["yes", "no", "on", "off", "true", "false", "null", "y", "n", "t", "f", "none", "nil"]:
    WORDS += [plain, plain.capitalize(), plain.upper()]
WORDS += ["oN", "yEs", "tRUE", "nULL", "~", "", "~~", "on off", "trueish", "False.", "None", "NaN", "inf"]

INTEGERS = """
0 1 -1 +1 -0 +0 00 7 42 1234567890 9223372036854775807 -9223372036854775807 010 0755 -010 +017 08 09
0o17 018 0_7 1_000 _1 1_ 1__0 0_ 0x10 0xFF 0xff -0x1f +0xA 0x 0xg 0x_f 0X10 0b101 0b2 0b -0b11 0b_1
0B1 1:30 1:30:00 190:20:30 -1:30 +1:30 0:30 00:30 01:30 1:5 1:59 1:60 1:99 1:05 1:5:9 1:5:60 1: :1
1::2 1:30:5x 12:34:56 1_0:30 1:3_0 1:300 10:000 1-1 --1 +-1 1+1 1,000 1a a1 12e 0x1.8 0b1.1 12:30:45:10
""".split()

NUMBERS = """
0. 0.0 1. 1.5 -1.5 +1.5 .5 -.5 +.5 . -. +. .. 1.5.2 1.0e+3 1.0e-3 1.5e+10 1.e+3 .5e+1 1.0e3 1.0E+3 1.0E3
1e3 1e+3 1e-3 1E5 -1e-3 1e 1e+ 1.0e 1.0e+ 1_0.5 1.5_0 1_000.25 ._5 .5_0 _1.5 1._5 0.1 123456.789e+3
.inf -.inf +.inf .Inf .INF .iNF .nan .NaN .NAN .Nan -.nan +.nan inf -inf nan Infinity 1.0f 1.0.0 1.5e+400
0x1.8p1 1,5 0.30000000000000004 5.0e-324 1.7976931348623157e+308 -0.0 190:20:30.15 1:30.5 1:60.5 0:0.0
""".split()

DATES = """
2024-01-31 2024-1-31 2024-1-1 2024-01-31T10:20:30 2024-01-31t10:20:30 2024-01-31T10:20:30Z
2024-01-31T10:20:30.5+01:00 2024-1-3T1:02:03 2024-01-31T10:20 20240131 2024-01 2024 2019-2023 1234-5678
2024-01-31x 2024-01-31- 2024/01/31 24-01-31 2024-001-31
""".split() + ["2024-01-31 10:20:30", "2024-01-31 10:20:30 -5", "2024-01-31  10:20:30.25 +01:00", "2024-01-31 "]

TEXTS = """
a abc model.name HuggingFaceTB/SmolLM2-135M float16 l00h00q train[:10%] a_b a-b a.b /data/x ../x x:y
http://x.org/a?b=c 1.2.3 v1.0 3.11.7 10k 5GiB 50% +a -a .a =a == = < << <<< éa ü
""".split()

DOCUMENTS = {
    "nothing": "",
    "comment": "# only a comment\n",
    "null": "a:\nb: ~\nc: null\n",
    "nested": "model:\n  name: a/b\n  layers: [0, 2, -1]\ncapture: {rope: both, n: 1}\n",
    "lists": "a:\n- 1\n- [2, 3]\n- {b: c}\n-\n",
    "list at the top": "- a\n- b\n",
    "scalar at the top": "just text\n",
    "quoted": "a: 'on'\nb: \"1\"\nc: ''\nd: \"null\"\ne: '1:30'\nf: \"~\"\ng: '2024-01-31'\n",
    "escapes": 'a: "x\\ty\\n\\u00e9\\x41\\\\ \\""\nb: \'it\'\'s \\n\'\n',
    "tagged": "a: !!str 12\nb: !!str on\n",
    "literal": "a: |\n  one\n   two\n\n  three\nb: 1\n",
    "literal, chomped": "a: |-\n  one\n  two\n\nb: |+\n  one\n\nc: 1\n",
    "folded": "a: >\n  one\n  two\n\n  three\n    four\nb: >-\n  x\n  y\n",
    "plain over lines": "a: one\n  two\n  three\nb: 1\n",
    "quoted over lines": "a: \"one\n  two\n\n  three\"\nb: 'x\n  y'\n",
    "comments": "a: 1 # one\nb: 'x # y'\nc: x#y\n# end\n",
    "anchors": "a: &x [1, 2]\nb: *x\nc: &y {k: v}\nd: *y\ne: &z on\nf: *z\n",
    "merge": "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n",
    "merge after keys": "base: &b {x: 1, y: 2}\nuse:\n  y: 3\n  <<: *b\n",
    "merge of a list": "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nuse:\n  <<: [*a, *b]\n  w: 0\n",
    "merge of a merge": "a: &a {x: 1}\nb: &b\n  <<: *a\n  y: 2\nuse:\n  <<: *b\n",
    "merge of text": "use:\n  <<: text\n",
    "merge key in quotes": "base: &b {x: 1}\nuse: {'<<': 1}\n",
    "quoted keys": "'a': 1\n\"b c\": 2\n",
    "question mark": "? a\n: 1\n",
    "start and end": "---\na: 1\n...\n",
    "directive": "%YAML 1.1\n---\na: on\n",
    "windows lines": "a: 1\r\nb:\r\n  c: on\r\n",
    "byte order mark": "\ufeffa: 1\n",
    "unicode": "a: é 日本\nß: 1\n",
    "spaces": "a:   1   \nb:    x y   \n",
    "tab between": "a:\t1\n",
    "tab as indentation": "a:\n\tb: 1\n",
    "tab after a dash": "a:\n-\t1\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "unclosed quote": "a: 'x\n",
    "unclosed list": "a: [1, 2\n",
    "bad indentation": "a: 1\n  b: 2\n",
    "unknown anchor": "a: *nowhere\n",
    "colon in a value": "a: b: c\n",
    "at sign": "a: @x\n",
    "percent": "a: %x\n",
    "flow over lines": "a: [1,\n  2,\n  3]\nb: {c: 1,\n  d: 2}\n",
    "no space after a colon": "{a:1}\n",
}


def plain(value):
    """The value as JSON; what JSON does not have is refused."""
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value), value
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    assert value is None or isinstance(value, (str, bool, int, float)), value
    return value


def scalar(text):
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    kind = tag.rsplit(":", 1)[1]
    kinds = {"bool": "boolean", "int": "integer", "float": "number", "timestamp": "date"}
    kind = kinds.get(kind, kind if kind == "null" else "text")
    if kind in ("text", "date"):
        return {"text": text, "kind": kind}
    try:
        value = loader.construct_object(yaml.ScalarNode(tag, text))
    except ValueError:
        return {"text": text, "kind": "error"}
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    return {"text": text, "kind": kind, "value": value}


def document(name, text):
    try:
        return {"name": name, "text": text, "value": plain(yaml.safe_load(text))}
    except yaml.YAMLError:
        return {"name": name, "text": text, "error": True}


def lines(items):
    return ",\n".join("  " + json.dumps(item) for item in items)


def main():
    texts = dict.fromkeys(WORDS + INTEGERS + NUMBERS + DATES + TEXTS)
    OUT.parent.mkdir(exist_ok=True)
    version = json.dumps(yaml.__version__)
    scalars = lines(scalar(text) for text in texts)
    documents = lines(document(*item) for item in DOCUMENTS.items())
    OUT.write_text(
        f'{{"pyyaml": {version},\n "scalars": [\n{scalars}\n ],\n'
        f' "documents": [\n{documents}\n ]\n}}\n'
    )


main()
