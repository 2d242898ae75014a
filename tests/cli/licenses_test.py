#!/usr/bin/env python3
"""`qkscope --licenses`: the notices of the repository, whole.

usage: licenses_test.py QKSCOPE"""

import os
import pathlib
import re
import subprocess
import sys
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Licenses(unittest.TestCase):
    def run_program(self):
        return subprocess.run([PROGRAM, "--licenses"], capture_output=True, timeout=60)

    def test_prints_the_notices_byte_for_byte(self):
        done = self.run_program()
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        notices = (ROOT / "third_party" / "notices.txt").read_bytes()
        self.assertEqual(done.stdout, notices + b"\n")  # the line end of every answer

    def test_every_named_text_is_there(self):
        text = self.run_program().stdout.decode()
        named = set(re.findall(r"\[(\d+)\]", "".join(re.findall(r"^ +text: .*$", text, re.M))))
        there = re.findall(r"^\[(\d+)\] -{70}$", text, re.M)
        self.assertGreater(len(there), 10)
        self.assertEqual(named, set(there))

    def test_what_must_not_be_missing(self):
        text = self.run_program().stdout.decode()
        for words in ("tokenizers 0.22.1\n", "DejaVu Sans (font) 2.37\n", "onig_sys ", "plotters ",
                      "Observable Plot 0.6.17\n", "d3-array ",
                      "Copyright (c) 2002-2021  K.Kosako", "Copyright (c) 2003 by Bitstream",
                      "color specifications and designs developed by Cynthia Brewer",
                      "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"):
            self.assertIn(words, text)


if __name__ == "__main__":
    unittest.main()
