#!/usr/bin/env python3
"""A capture on torch:cpu with every checkpoint of tests/data/models against the queries and keys that
transformers gives, before and after the rotary embedding, in every layer.

usage: fixtures_test.py QKSCOPE PLUGIN float32|bfloat16|float16

Two proofs. First, the fixtures, which are float32, on every machine. float32: within 1e-5 of the largest value
of an array, as the cpu backend. In half precision the difference is the noise of the type: the root mean square,
as a part of that of the fixture, may be 16 % in bfloat16 and an eighth of it in float16. Transformers' own runs
in these types are off by up to 9.5 % and 1.6 % (llama-longrope-long, layer 4: these tiny models have large random
weights, which amplify roundings). Every number must be one of the type.

Second, the bits that transformers gives in this type (torch_bits.json): all of them must be equal, windows with
compat: reference. They were recorded with one release of torch on some processors; elsewhere this proof is
skipped, by name."""

import json
import math
import pathlib
import re
import struct
import sys
import unittest
from array import array

import checkpoints
from checkpoints import CASES, SITES
from torch_case import PLUGIN, TorchCase, built_for, fixtures, read_heads

DTYPE = sys.argv.pop(1)
TOLERANCE = 1e-5
LARGEST_RMS = {"bfloat16": 0.16, "float16": 0.02}
# With the code that torch has for old processors; on these models alone, since that code is the same for all.
PLAIN_CASES = ("llama-plain", "ministral-mixed", "gemma3-defaults", "glm4-sandwich")
RECORDED = checkpoints.recorded_bits()


def build_of_torch():
    """As "2.9.1+cu128": the release alone does not say which libraries it computes with."""
    release, folder = built_for(PLUGIN)
    path = pathlib.Path(folder, "version.py")
    found = re.search(r"^__version__ = '([^']+)'", path.read_text() if path.exists() else "", re.M)
    return found[1] if found else release


def why_not_recorded():
    """Why the recorded bits are not those of this machine, or nothing."""
    if build_of_torch() != RECORDED["torch"]:
        return f"torch is {build_of_torch()}, the bits are of torch {RECORDED['torch']}"
    if checkpoints.variables_set():
        return "the environment chooses torch's code: " + ", ".join(checkpoints.variables_set())
    processor = checkpoints.processor()
    if all(one["processor"] != processor for one in RECORDED["records"]):
        return f"no bits were recorded on a processor like this one, {json.dumps(processor)}"
    return ""


def recorded_here():
    return [one for one in RECORDED["records"] if one["processor"] == checkpoints.processor()]


def is_of_type(value):
    packed = struct.pack("<f", value)
    if DTYPE == "bfloat16":
        return packed[:2] == b"\0\0"
    return DTYPE == "float32" or struct.unpack("<e", struct.pack("<e", value))[0] == value


def rms(values):
    return math.sqrt(sum(value * value for value in values) / len(values))


def windowed(case):
    return any(isinstance(window, int) for window in case["windows"])


def array_of(heads, layer, site):
    """{position: numbers of all heads} of queries or keys."""
    column = "vector" if site.endswith("post") else "vector_pre_rope"
    out = {}
    for name, file in sorted(heads.items()):
        if name.startswith(f"l{layer:02}h") and name.endswith(site[0]):
            for position, vector in zip(file["position"], file[column]):
                out.setdefault(position, []).extend(vector)
    return out


def layer_digest(heads, layer):
    return checkpoints.digest({
        site: b"".join(array("f", numbers).tobytes()
                       for _, numbers in sorted(array_of(heads, layer, site).items()))
        for site in SITES})


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

    def capture(self, case, *sets, variables=None):
        model = f"{self.root}/models/{case['name']}"
        checkpoints.write_checkpoint(model, case)
        text = checkpoints.text_of(checkpoints.read_reference(case)["ids"][1])
        fixtures.write(f"{self.root}/corpus/train.jsonl", json.dumps({"id": 1, "text": text}) + "\n")
        return read_heads(self.sniff(dtype=DTYPE, variables=variables, sets=(
            f"model.name={model}", "capture.sampler=all", "capture.min_bucket_size=8",
            "capture.rope=both", *sets)))

    def check_numbers(self, case, heads):
        reference = checkpoints.read_reference(case)
        names = [name for name in reference if "." in name]
        for name in names:
            layer, site = name[1:].split(".")
            found = array_of(heads, int(layer), site)
            self.assert_near(reference[name][1], [x for row in reference["rows"][1] for x in found[row]],
                             f"{case['name']} {name}")
        layers = {name.split(".")[0] for name in names}
        self.assertEqual(len(names), len(SITES) * len(layers))
        self.assertEqual({f"L{int(name[1:3])}" for name in heads}, layers)

    def check_bits(self, case, heads, record):
        for layer, expected in enumerate(record["bits"][case["name"]][DTYPE]):
            if expected is not None:
                self.assertEqual(layer_digest(heads, layer), expected,
                                 f"{case['name']}, layer {layer}, {record['variables'] or 'as it is'}")

    @staticmethod
    def choices(case):
        """Of attention: torch's dispatcher differs from our own choice in windows."""
        if not windowed(case):
            return ((),)
        dispatched = ("compat=reference",)
        return (dispatched,) if DTYPE == "float16" else (dispatched, ())

    def test_every_checkpoint(self):
        why_not = why_not_recorded()
        record = None if why_not else next(one for one in recorded_here() if not one["variables"])
        for case in CASES:
            for sets in self.choices(case):
                with self.subTest(case["name"], sets=sets):
                    heads = self.capture(case, *sets)
                    self.check_numbers(case, heads)
                    if record and (sets or not windowed(case)):
                        self.check_bits(case, heads, record)
        if why_not:
            print(f"\nskipped, the bits of transformers: {why_not}")

    def test_the_code_for_old_processors(self):
        if why_not_recorded():
            self.skipTest(why_not_recorded())
        record = next(one for one in recorded_here() if one["variables"])
        for case in CASES:
            if case["name"] in PLAIN_CASES:
                with self.subTest(case["name"]):
                    heads = self.capture(case, "compat=reference", variables=record["variables"])
                    self.check_bits(case, heads, record)


if __name__ == "__main__":
    unittest.main(verbosity=1)
