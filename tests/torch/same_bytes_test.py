#!/usr/bin/env python3
"""What the bytes of a capture on torch:cpu do not depend on: batches, threads, memory, streamed weights,
and, for a row, what else is captured.

usage: same_bytes_test.py QKSCOPE PLUGIN"""

import re
import unittest

from torch_case import TorchCase, fixtures

WIDE = {"hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 6,
        "num_attention_heads": 8, "num_key_value_heads": 4}


class SameBytes(TorchCase):
    def test_batches_threads_and_memory(self):
        for dtype, threads in (("float32", [("--threads", "1")]), ("float32", [("--threads", "2")]),
                               ("bfloat16", [(), ("--threads", "1"), ("--threads", "2")])):
            expected = self.sniff(*threads[0], dtype=dtype)
            for flags, sets in (((), ["inference.batch_size=3"]), ((), ["inference.batch_size=8"]),
                                (("--ram", "1GiB"), [])):
                for number in threads:
                    with self.subTest(dtype=dtype, flags=flags, sets=sets, threads=number):
                        found = self.sniff(*number, *flags, dtype=dtype, sets=sets)
                        self.assert_same_files(expected, found)

    def test_in_float32_the_number_of_threads_is_recorded(self):
        found = [self.sniff("--threads", number) for number in ("1", "2")]
        self.assert_close(*found)
        for out, number in zip(found, ("1", "2")):
            self.assertEqual(self.provenance(out)["device"]["threads"], number)

    def test_a_row_does_not_depend_on_what_else_is_captured(self):
        self.make_windowed_model()
        for model, dtype in (("model", "bfloat16"), ("windowed", "float32"), ("windowed", "float16")):
            name = f"model.name={self.root}/{model}"
            every = self.sniff(dtype=dtype, sets=[name, "capture.sampler=all"])
            for sets in ([], ["capture.layers=[1]"], ["capture.heads=[3]"],
                         ["capture.layers=[0]", "capture.capture_queries=false"],
                         ["capture.head_sampling={count: 2, seed: 1}"], ["dataset.max_samples=1"]):
                with self.subTest(model=model, dtype=dtype, sets=sets):
                    self.assert_rows_within(self.sniff(dtype=dtype, sets=[name, *sets]), every)

    def test_weights_that_are_streamed(self):
        model = fixtures.make_wide_model(f"{self.root}/wide", **WIDE)
        fixtures.make_tokenizer(model)
        sets = [f"model.name={model}", "dataset.max_samples=4"]
        for dtype in ("float32", "bfloat16"):
            with self.subTest(dtype):
                flags = ("--vram", self.least_memory(dtype, sets))
                self.assertIn("layers at a time", self.plan(*flags, dtype=dtype, sets=sets))
                expected = self.sniff(dtype=dtype, sets=sets)
                self.assert_same_files(expected, self.sniff(*flags, dtype=dtype, sets=sets))

    def least_memory(self, dtype, sets):
        """The smallest --vram that a plan accepts, as the refusal of a smaller one names it."""
        refused = self.sniff("--vram", "1MiB", code=1, dtype=dtype, sets=sets)
        self.assertRegex(refused, r"give --vram \d+MB")
        least = re.search(r"give --vram (\d+)MB", refused)[1]
        self.sniff("--vram", f"{int(least) - 1}MB", code=1, dtype=dtype, sets=sets)
        return f"{least}MB"


if __name__ == "__main__":
    unittest.main(verbosity=1)
