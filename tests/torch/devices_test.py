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
# Where one of three devices fails: at once, or in a later document.
FAULTS = [(0, "failed 50"), (1, "lost 40"), (2, "memory 9")]


class DevicesTest(TorchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fixtures.make_corpus(f"{cls.root}/corpus", LENGTHS)
        cls.undisturbed = None

    def faulty(self, *flags, device="cuda", devices=1, fault="none 0", where=0, meet=False, **options):
        variables = {"QKSCOPE_TORCH_PLUGIN": FAULTY, "QK_FAULT_PLUGIN": PLUGIN, "QK_FAULT": fault,
                     "QK_FAULT_DEVICES": str(devices), "QK_FAULT_DEVICE": str(where),
                     "QK_FAULT_COUNT": f"{self.root}/count", **({"QK_FAULT_MEET": "1"} if meet else {})}
        return self.sniff(*flags, device=device, variables=variables, **options)

    def counts(self):
        """Allocations and operations of the first device in the last capture."""
        with open(f"{self.root}/count") as file:
            return tuple(map(int, file.read().split()))

    def expected(self):
        """An undisturbed capture on one device."""
        if not self.undisturbed:
            type(self).undisturbed = self.faulty(), self.counts()
        return self.undisturbed[0]

    def moments(self, which):
        """The first, one in between and the last of the allocations (0) or operations (1); all of them with
        QK_TORCH_EVERY_CALL=1. The tests of src/capture try every call of a device without torch."""
        self.expected()
        count = self.undisturbed[1][which]
        if "QK_TORCH_EVERY_CALL" in os.environ:
            return range(1, count + 1)
        return 1, random.Random(5).randrange(2, count), count

    def test_vectors_that_arrive_late(self):
        for dtype, sets in (("float32", []), ("bfloat16", ["capture.rope=both", "capture.sampler=all"])):
            with self.subTest(dtype=dtype):
                out = self.faulty(device=TORCH, dtype=dtype, sets=sets)
                self.assert_same_files(self.sniff(dtype=dtype, sets=sets), out)

    def test_several_devices_give_the_bytes_of_one(self):
        expected = {"float32": self.expected(), "bfloat16": self.faulty(dtype="bfloat16")}
        for device, dtype, batch in (("cuda:1", "float32", 1), ("cuda:0,1,2", "bfloat16", 1),
                                     ("cuda:2,0", "float32", 3), ("cuda:all", "float32", 1)):
            with self.subTest(device):
                out = self.faulty(device=device, devices=3, meet=True, dtype=dtype,
                                  sets=[f"inference.batch_size={batch}"])
                self.assert_same_files(expected[dtype], out)

    def test_a_device_that_is_not_there(self):
        for device in ("cuda:3", "cuda:0,3"):
            said = self.faulty(device=device, devices=3, code=1)
            self.assertEqual(said.count("\n"), 1, said)
            self.assertIn("3", said)
        for device in ("cuda", "cuda:all", "cuda:0"):
            said = self.faulty(device=device, devices=0, code=1)
            self.assertEqual(said.count("\n"), 1, said)

    def test_autocast_that_would_change_the_type(self):
        said = self.faulty(dtype="bfloat16", sets=["inference.autocast_dtype=float16"], code=1)
        self.assertEqual(said.count("\n"), 1, said)
        for part in ("inference.autocast_dtype", "bfloat16", "float16"):
            self.assertIn(part, said)
        self.faulty(dtype="bfloat16", sets=["inference.autocast_dtype=bfloat16"])

    def check_fault(self, fault, sentence, device="cuda", **options):
        """A capture that fails, and its resumption."""
        out = self.new_out()
        said = self.faulty(device=device, fault=fault, out=out, code=1, **options)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertRegex(said, rf"^qkscope: .*{sentence}")
        found = fixtures.files_of(out) if os.path.exists(out) else {}
        self.assertEqual([name for name in found if not name.startswith(".qkscope/")], [])
        self.faulty("--resume", device=device, out=out, **options)
        self.assert_same_files(self.expected(), out)

    def test_every_allocation_may_fail(self):
        for number in self.moments(0):
            with self.subTest(number):
                self.check_fault(f"memory {number}", "out of memory")

    def test_every_operation_may_fail(self):
        for number in self.moments(1):
            with self.subTest(number):
                self.check_fault(f"failed {number}", "the test lets this operation fail")

    def test_the_device_may_be_lost_at_any_time(self):
        for number in self.moments(1):
            with self.subTest(number):
                self.check_fault(f"lost {number}", "lost")

    def test_one_of_several_devices_fails(self):
        for where, fault in FAULTS:
            with self.subTest(where=where, fault=fault):
                self.check_fault(fault, "(out of memory|the test)", device="cuda:all",
                                 devices=3, where=where)


if __name__ == "__main__":
    unittest.main(verbosity=1)
