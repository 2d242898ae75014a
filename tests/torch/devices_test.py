#!/usr/bin/env python3
"""Several devices, vectors that arrive late, and devices that fail, through a plugin that stands between
qkscope and the real one (faulty_plugin.cc): each failure is one sentence, the journal is whole, and
--resume ends with the bytes of an undisturbed capture on one device.

usage: devices_test.py QKSCOPE PLUGIN FAULTY_PLUGIN"""

import os
import random
import sys
import unittest

from torch_case import PLUGIN, TORCH, TorchCase, fixtures

FAULTY = os.path.abspath(sys.argv.pop(1))
LENGTHS = [60, 5, 90, 33, 0, 128, 17, 64, 41, 77]
# Chosen calls beside the first ones and the last; the tests take all with QK_TORCH_EVERY_CALL=1.
CHOSEN = 5


class DevicesTest(TorchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fixtures.make_corpus(f"{cls.root}/corpus", LENGTHS)

    def faulty(self, *flags, device="cuda", devices=1, fault="none 0", where=0, **options):
        variables = {"QKSCOPE_TORCH_PLUGIN": FAULTY, "QK_FAULT_PLUGIN": PLUGIN, "QK_FAULT": fault,
                     "QK_FAULT_DEVICES": str(devices), "QK_FAULT_DEVICE": str(where),
                     "QK_FAULT_COUNT": f"{self.root}/count"}
        return self.sniff(*flags, device=device, variables=variables, **options)

    def counts(self):
        """Allocations and operations of the first device in the last capture."""
        with open(f"{self.root}/count") as file:
            return tuple(map(int, file.read().split()))

    def moments(self, count):
        if "QK_TORCH_EVERY_CALL" in os.environ:
            return range(1, count + 1)
        return sorted({1, 2, 3, count - 1, count, *random.Random(5).sample(range(1, count), CHOSEN)})

    def test_vectors_that_arrive_late(self):
        for dtype in ("float32", "bfloat16"):
            for sets in ([], ["capture.rope=both", "capture.sampler=all"]):
                with self.subTest(dtype=dtype, sets=sets):
                    out = self.faulty(device=TORCH, dtype=dtype, sets=sets)
                    self.assert_same_files(self.sniff(dtype=dtype, sets=sets), out)

    def test_several_devices_give_the_bytes_of_one(self):
        for dtype in ("float32", "bfloat16"):
            expected = self.faulty(dtype=dtype)
            for device in ("cuda:0", "cuda:1", "cuda:0,1", "cuda:2,0", "cuda:0,1,2", "cuda:all"):
                for sets in ([], ["inference.batch_size=3"]):
                    with self.subTest(dtype=dtype, device=device, sets=sets):
                        out = self.faulty(device=device, devices=3, dtype=dtype, sets=sets)
                        self.assert_same_files(expected, out)

    def test_a_device_that_is_not_there(self):
        for device in ("cuda:3", "cuda:0,3"):
            said = self.faulty(device=device, devices=3, code=1)
            self.assertEqual(said.count("\n"), 1, said)
            self.assertIn("3", said)
        for device in ("cuda", "cuda:all", "cuda:0"):
            said = self.faulty(device=device, devices=0, code=1)
            self.assertEqual(said.count("\n"), 1, said)

    def check_fault(self, expected, fault, sentence, device="cuda", **options):
        """A capture that fails, and its resumption."""
        out = self.new_out()
        said = self.faulty(device=device, fault=fault, out=out, code=1, **options)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertRegex(said, rf"^qkscope: .*{sentence}")
        found = fixtures.files_of(out) if os.path.exists(out) else {}
        self.assertEqual([name for name in found if not name.startswith(".qkscope/")], [])
        self.faulty("--resume", device=device, out=out, **options)
        self.assert_same_files(expected, out)

    def test_every_allocation_may_fail(self):
        expected = self.faulty()
        for number in self.moments(self.counts()[0]):
            with self.subTest(number):
                self.check_fault(expected, f"memory {number}", "out of memory")

    def test_every_operation_may_fail(self):
        expected = self.faulty()
        for number in self.moments(self.counts()[1]):
            with self.subTest(number):
                self.check_fault(expected, f"failed {number}", "the test lets this operation fail")

    def test_the_device_may_be_lost_at_any_time(self):
        expected = self.faulty()
        for number in self.moments(self.counts()[1]):
            with self.subTest(number):
                self.check_fault(expected, f"lost {number}", "lost")

    def test_one_of_several_devices_fails(self):
        expected = self.faulty()
        for where in (0, 1, 2):
            for fault in ("memory 1", "memory 9", "failed 50", "lost 40"):
                with self.subTest(where=where, fault=fault):
                    self.check_fault(expected, fault, "(out of memory|the test)", device="cuda:all",
                                     devices=3, where=where)


if __name__ == "__main__":
    unittest.main(verbosity=1)
