#!/usr/bin/env python3
"""Devices that are not there, plugins that do not fit, and values that torch cannot follow: each is
refused in one sentence that says what would help.

usage: refusals_test.py QKSCOPE PLUGIN"""

import os
import pathlib
import subprocess
import unittest

import torch_case
from torch_case import CPU, MARK, PLUGIN, TORCH, TorchCase, built_for, environment


def has_gpu():
    """Whether a driver of NVIDIA's or AMD's is there."""
    return os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/kfd")


class Refusals(TorchCase):
    def refused(self, *parts, device=TORCH, plugin=PLUGIN, **options):
        said = self.sniff(device=device, code=1, variables={"QKSCOPE_TORCH_PLUGIN": plugin}, **options)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertTrue(said.startswith("qkscope: "), said)
        for part in parts:
            self.assertIn(part, said)
        return said

    # Names.

    def test_names_that_are_no_devices(self):
        for name in ("gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:0,", "cuda:0,0", "cuda:all,1",
                     "torch", "torch:gpu", "torch:cpu:0", "cpu:0", "mps", "", " ", "cuda 0",
                     "cuda:99999999999999999999", "auto,cpu"):
            with self.subTest(name):
                self.refused("--device", device=name)

    def test_device_map_of_the_configuration(self):
        for value in ("balanced", "sequential", "balanced_low_0", "{a: 0}", "[cuda]", "3.5", "gpu"):
            with self.subTest(value):
                done = self.without_device(f"model.device_map={value}")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("device_map", done.stderr)
        for value in ("auto", "cpu", "null"):
            with self.subTest(value):
                done = self.without_device(f"model.device_map={value}")
                self.assertEqual(done.returncode, 0, done.stderr)

    def without_device(self, *sets):
        words = self.command(self.new_out(), sets=sets)
        at = words.index("--device")
        del words[at : at + 2]
        return subprocess.run([torch_case.PROGRAM, *words], capture_output=True, text=True,
                              timeout=300, env=environment(), check=False)

    def test_the_command_line_wins_over_the_file(self):
        self.sniff(device=CPU, sets=["model.device_map=cuda"])
        self.sniff(device=TORCH, sets=["model.device_map=cpu"])

    @unittest.skipIf(has_gpu(), "there is a GPU")
    def test_no_gpu(self):
        for device in ("cuda", "cuda:0", "cuda:1", "cuda:0,1", "cuda:all"):
            with self.subTest(device):
                self.refused("--device", device=device)
        done = self.without_device("model.device_map=cuda")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("device_map", done.stderr)

    @unittest.skipIf(has_gpu(), "there is a GPU")
    def test_auto_takes_the_cpu_and_says_why(self):
        self.assertIn("auto", self.plan(device="auto"))
        self.assert_same_files(self.sniff(device=CPU), self.sniff(device="auto"))

    # Plugins.

    def test_a_plugin_that_is_not_there(self):
        nowhere = f"{self.root}/nowhere.so"
        self.refused("nowhere.so", plugin=nowhere)
        self.refused("nowhere.so", plugin=nowhere, device="cuda")
        self.sniff(device=CPU, variables={"QKSCOPE_TORCH_PLUGIN": nowhere})

    def test_files_that_are_no_plugins(self):
        whole = pathlib.Path(PLUGIN).read_bytes()
        for name, data in (("empty.so", b""), ("text.so", b"not a library\n"),
                           ("cut.so", whole[: len(whole) // 2]), ("bare.so", whole.replace(MARK, b"x" * len(MARK)))):
            with self.subTest(name):
                path = pathlib.Path(self.root, name)
                path.write_bytes(data)
                self.refused(name, plugin=str(path))
        self.refused("libdl", plugin=self.a_library())

    @staticmethod
    def a_library():
        for folder in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/lib",
                       "/lib/aarch64-linux-gnu"):
            path = f"{folder}/libdl.so.2"
            if os.path.exists(path):
                return path
        raise unittest.SkipTest("libdl.so.2 is not where it was looked for")

    def test_a_plugin_for_another_torch(self):
        whole = pathlib.Path(PLUGIN).read_bytes()
        version = built_for(PLUGIN)[0].encode()
        other = b"9" + version[1:]
        self.assertNotEqual(other, version)
        path = pathlib.Path(self.root, "other.so")
        path.write_bytes(whole.replace(MARK + version, MARK + other))
        said = self.refused(version.decode(), other.decode(), plugin=str(path))
        self.assertIn("tools/setup", said)

    def test_a_torch_that_is_not_there(self):
        for folder in (f"{self.root}/absent", self.root):
            with self.subTest(folder):
                said = self.sniff(code=1, variables={"QKSCOPE_TORCH_DIR": folder})
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn(folder, said)

    # Values.

    def test_types(self):
        for value in ("int8", "float64", "bf17", "fp8", "null", "16"):
            with self.subTest(value):
                self.refused("dtype", dtype=value)

    def test_sizes(self):
        for flags in (("--vram", "0"), ("--vram", "x"), ("--vram", "-1GiB"), ("--vram", "1KiB"),
                      ("--chunk-tokens", "0"), ("--chunk-tokens", "x"), ("--attention-tokens", "-1")):
            with self.subTest(flags):
                said = self.sniff(*flags, code=1)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn(flags[0], said)

    def test_vram_without_a_device_of_torch(self):
        said = self.sniff("--vram", "1GiB", device=CPU, code=1)
        self.assertIn("--vram", said)

    def test_the_plan_says_where_and_why(self):
        for dtype in ("float32", "bfloat16", "float16"):
            said = self.plan(dtype=dtype)
            self.assertIn("torch:cpu", said)
            self.assertIn("--device", said)
            self.assertIn(dtype, said)
        self.assertIn("cpu", self.plan(device=CPU))


if __name__ == "__main__":
    unittest.main(verbosity=1)
