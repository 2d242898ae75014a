#!/usr/bin/env python3
"""A capture on torch:cpu with every checkpoint of tests/data/models against the queries and keys that
transformers gives, before and after the rotary embedding, in every layer.

usage: fixtures_test.py QKSCOPE PLUGIN float32|bfloat16|float16

float32: within 1e-5 of the largest value of an array of the fixture, as the cpu backend. In half precision the
fixtures, which are float32, differ by the noise of the type. Its measure is the root mean square, as a
part of that of the fixture: one rounding of bfloat16 moves a number by up to 2^-9 of itself, and some
tens of them lie between the embedding and the last layer. Every number must be one of the type."""

import json
import math
import pathlib
import struct
import sys
import unittest

import torch_case
from torch_case import TorchCase, fixtures, read_heads

DTYPE = sys.argv.pop(1)
MODELS = pathlib.Path(torch_case.SOURCE) / "tests" / "data" / "models"
FIXTURES = json.loads((MODELS / "cases.json").read_text())
WORDS = [f"w{i}" for i in range(127)]
TOLERANCE = 1e-5
LARGEST_RMS = {"bfloat16": 0.12, "float16": 0.12 / 8}  # measured: 0.083 and 0.010
MASK = 2**64 - 1


def weights(name, count):
    """As in tools/make_model_fixtures.py."""
    hashed = 14695981039346656037
    for byte in name.encode():
        hashed = (hashed ^ byte) * 1099511628211 & MASK
    out = []
    for i in range(1, count + 1):
        z = hashed + i * 0x9E3779B97F4A7C15 & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        centred = ((z ^ z >> 31) >> 56) - 128
        out.append(1 + (centred // 2) / 128 if "norm" in name else centred / 256)
    return out


def write_checkpoint(folder, case):
    header, data = {}, b""
    centred = case["config"]["model_type"].startswith("gemma3")
    for name, shape in FIXTURES["layouts"][case["tensors"]].items():
        values = weights(name, math.prod(shape))
        if centred and "norm" in name:
            values = [value - 1 for value in values]
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    fixtures.write(f"{folder}/model.safetensors", struct.pack("<Q", len(text)) + text + data)
    fixtures.write(f"{folder}/config.json", json.dumps(case["config"]))
    fixtures.make_tokenizer(folder, WORDS)


def read_reference(path):
    """{name: (shape, numbers)}"""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            letter = {"F32": "f", "I32": "i"}[entry["dtype"]]
            out[name] = entry["shape"], struct.unpack(f"<{math.prod(entry['shape'])}{letter}",
                                                      data[slice(*entry["data_offsets"])])
    return out


def is_of_type(value):
    packed = struct.pack("<f", value)
    if DTYPE == "bfloat16":
        return packed[:2] == b"\0\0"
    return DTYPE == "float32" or struct.unpack("<e", struct.pack("<e", value))[0] == value


def rms(values):
    return math.sqrt(sum(value * value for value in values) / len(values))


class Fixtures(TorchCase):
    worst = 0.0

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        print(f"\n{DTYPE}: worst {'rms' if DTYPE != 'float32' else 'difference'} {cls.worst:.1e}")

    def assert_near(self, expected, found, place):
        self.assertEqual(len(expected), len(found), place)
        self.assertTrue(all(map(is_of_type, found)), f"{place}: not numbers of {DTYPE}")
        differences = [a - b for a, b in zip(expected, found)]
        if DTYPE == "float32":
            error, limit = max(map(abs, differences)) / max(map(abs, expected)), TOLERANCE
        else:
            error, limit = rms(differences) / rms(expected), LARGEST_RMS[DTYPE]
        type(self).worst = max(self.worst, error)
        self.assertLessEqual(error, limit, place)

    def capture(self, case, ids, *sets):
        model = f"{self.root}/models/{case['name']}"
        write_checkpoint(model, case)
        text = " ".join("?" if i == 0 else WORDS[i - 1] for i in ids)
        fixtures.write(f"{self.root}/corpus/train.jsonl", json.dumps({"id": 1, "text": text}) + "\n")
        return read_heads(self.sniff(dtype=DTYPE, sets=(
            f"model.name={model}", "capture.sampler=all", "capture.min_bucket_size=8",
            "capture.rope=both", *sets)))

    def check(self, case, *sets):
        reference = read_reference(MODELS / f"{case['name']}.safetensors")
        heads = self.capture(case, reference["ids"][1], *sets)
        rows = reference["rows"][1]
        seen = 0
        for name, (shape, expected) in reference.items():
            if "." not in name:
                continue
            layer, site = int(name[1 : name.index(".")]), name[name.index(".") + 1 :]
            column = "vector" if site.endswith("post") else "vector_pre_rope"
            by_head = []
            for head in range(shape[1]):
                file = heads[f"l{layer:02}h{head:02}{site[0]}"]
                by_head.append(dict(zip(file["position"], file[column])))
                seen += 1
            found = [value for row in rows for vectors in by_head for value in vectors[row]]
            self.assert_near(expected, found, f"{case['name']} {name}")
        self.assertEqual(seen, 2 * len(heads))

    def test_every_checkpoint(self):
        for case in FIXTURES["cases"]:
            if case["name"] == "long":  # positions up to 131071, the states before them made up
                continue
            for sets in ((), ("compat=reference",)) if case["windows"][-1] else ((),):
                with self.subTest(case["name"], sets=sets):
                    self.check(case, *sets)


if __name__ == "__main__":
    unittest.main(verbosity=1)
