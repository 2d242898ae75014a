#!/usr/bin/env python3
"""Captures on torch:cpu beside captures on the cpu backend: every kind of capture, stored and ordered
types, numbers that are not finite, what is written about the run.

usage: run_test.py QKSCOPE PLUGIN"""

import json
import pathlib
import shutil
import struct
import unittest

from torch_case import (
    CPU,
    TORCH,
    TorchCase,
    fixture_models,
    fixtures,
    flat,
    read_heads,
    run_program,
)

CAPTURES = {
    "uniform": [],
    "log_uniform": ["capture.sampler={type: log_uniform, base_rate: 4}", "capture.min_bucket_size=8"],
    "all": ["capture.sampler=all"],
    "shared positions": ["capture.sampler={type: uniform, base_rate: 4, positions: shared}"],
    "before RoPE": ["capture.rope=pre"],
    "both": ["capture.rope=both"],
    "row limit": ["capture.max_rows_per_batch=5"],
    "queries": ["capture.capture_keys=false"],
    "keys": ["capture.capture_queries=false"],
    "layers": ["capture.layers=[0, 1]"],
    "heads": ["capture.heads=[1, 2]"],
    "sampled heads": ["capture.head_sampling={count: 3, seed: 5}"],
    "token strings": ["capture.capture_token_strings=true"],
    "reference": ["compat=reference"],
    "running ids": ["dataset.id_column=null"],
    "short documents": ["tokenizer.max_length=32"],
}

def numbers(folder):
    return [value for head in read_heads(folder).values() for value in flat(head["vector"])]


class Run(TorchCase):
    def both(self, *flags, sets=(), tolerance=1e-5, **options):
        """Captures in float32 on the cpu backend and on torch; returns the second."""
        found = self.sniff(*flags, sets=sets, **options)
        self.assert_close(self.sniff(*flags, device=CPU, sets=sets, **options), found, tolerance)
        return found

    # Beside the cpu backend.

    def test_every_kind_of_capture(self):
        for name, sets in CAPTURES.items():
            with self.subTest(name):
                self.both(sets=sets)

    def test_windows(self):
        windowed = self.make_windowed_model()
        for sets in (["capture.sampler=all", "capture.rope=both"], ["capture.layers=[0, 1]"],
                     ["capture.full_attention_only=true"], ["compat=reference"]):
            with self.subTest(sets):
                self.both(sets=[f"model.name={windowed}", *sets])

    def test_stored_types(self):
        for stored in ("F32", "F16", "BF16"):
            with self.subTest(stored):
                folder = pathlib.Path(self.root, f"stored-{stored}")
                config = fixtures.model_config()
                fixture_models.write_checkpoint(folder, config, fixtures.tensor_shapes(config), stored)
                fixtures.make_tokenizer(folder)
                self.both(sets=[f"model.name={folder}"])

    def test_gguf_files(self):
        folder = pathlib.Path(self.root, "gguf")
        folder.mkdir()
        for name in fixture_models.write_gguf_files(folder):
            with self.subTest(name):
                self.both(sets=[f"model.name={folder}/{name}", f"tokenizer.name={self.root}/model",
                                "capture.on_nonfinite=skip", "dataset.max_samples=2"])

    def test_documents_in_chunks(self):
        whole = self.sniff(sets=["capture.sampler=all"])
        for flags in (("--chunk-tokens", "16"), ("--chunk-tokens", "48"),
                      ("--chunk-tokens", "16", "--attention-tokens", "32")):
            with self.subTest(flags):
                found = self.sniff(*flags, sets=["capture.sampler=all"])
                self.assert_close(whole, found)

    # Types.

    def test_dtype_is_an_order(self):
        exact = numbers(self.sniff(device=CPU))
        for dtype, form in (("bfloat16", None), ("float16", "<e")):
            with self.subTest(dtype):
                found = numbers(self.sniff(dtype=dtype))
                self.assertNotEqual(found, exact)
                for value in found:
                    if form:
                        self.assertEqual(struct.unpack(form, struct.pack(form, value))[0], value)
                    else:
                        self.assertEqual(struct.pack("<f", value)[:2], b"\0\0")
                error = sum((a - b) ** 2 for a, b in zip(exact, found)) / sum(a * a for a in exact)
                self.assertLess(error ** 0.5, 0.05)

    # Numbers that are not finite.

    def test_a_number_that_is_not_finite(self):
        folder = f"{self.root}/broken"
        shutil.copytree(f"{self.root}/model", folder)
        self.spoil_embedding(folder, 17)
        name = f"model.name={folder}"
        said = {}
        for device in (CPU, TORCH):
            said[device] = self.sniff(device=device, sets=[name, "capture.sampler=all"], code=1)
            self.assertEqual(said[device].count("\n"), 1, said[device])
            self.assertIn("layer 0", said[device])
        self.assertEqual(said[CPU], said[TORCH])
        skipping = [name, "capture.on_nonfinite=skip"]
        self.both(sets=skipping)
        expected = self.sniff(dtype="bfloat16", sets=skipping)
        found = self.sniff(dtype="bfloat16", sets=[*skipping, "inference.batch_size=3"])
        self.assert_same_files(expected, found)

    def test_numbers_too_large_for_float16(self):
        folder = f"{self.root}/large"
        config = fixtures.model_config()
        shapes = fixtures.tensor_shapes(config)
        path = fixtures.write(f"{folder}/model.safetensors", fixtures.safetensors(shapes))
        self.multiply(path, "model.layers.0.self_attn.q_proj.weight", 1e6)
        fixtures.write(f"{folder}/config.json", json.dumps(config))
        fixtures.make_tokenizer(folder)
        self.both(sets=[f"model.name={folder}", "capture.layers=[0]"])
        said = self.sniff(dtype="float16", sets=[f"model.name={folder}"], code=1)
        self.assertIn("layer 0", said)
        self.assertEqual(said.count("\n"), 1)

    @staticmethod
    def change(path, name, make):
        raw = bytearray(pathlib.Path(path).read_bytes())
        size = struct.unpack("<Q", raw[:8])[0]
        entry = json.loads(raw[8 : 8 + size])[name]
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        values = list(struct.unpack(f"<{(end - begin) // 4}f", raw[begin:end]))
        raw[begin:end] = struct.pack(f"<{len(values)}f", *make(values, entry["shape"]))
        pathlib.Path(path).write_bytes(raw)

    def multiply(self, path, name, factor):
        self.change(path, name, lambda values, shape: [factor * value for value in values])

    def spoil_embedding(self, folder, token):
        def spoil(values, shape):
            values[token * shape[1]] = float("nan")
            return values
        self.change(f"{folder}/model.safetensors", "model.embed_tokens.weight", spoil)

    # What is written about the run.

    def test_provenance_names_what_the_bits_depend_on(self):
        on_cpu = self.provenance(self.sniff(device=CPU, dtype="bfloat16"))
        self.assertNotIn("device", on_cpu)
        self.assertEqual(on_cpu["computed_in"], "float32")
        for dtype in ("float32", "bfloat16", "float16"):
            found = self.provenance(self.sniff(dtype=dtype))
            self.assertEqual(found["computed_in"], dtype)
            self.assertIn("torch", found["device"])
            self.assertIn("chunk_tokens", found["device"])
            self.assertIn("attention_tokens", found["device"])

    def test_check_accepts_the_dataset(self):
        for dtype in ("float32", "bfloat16"):
            run_program("check", self.sniff(dtype=dtype, sets=["capture.rope=both"]))


if __name__ == "__main__":
    unittest.main(verbosity=1)
