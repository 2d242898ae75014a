#!/usr/bin/env python3
"""The wheel of an ordinary build: installed into a fresh environment, imported, used once from end to end.
Skipped if pip cannot install NumPy and pyarrow.

usage: wheel_test.py BUILD"""

import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

import environment
import wheels

sys.path.append(str(environment.SOURCE / "tests/cli"))
import fixtures  # noqa: E402

BUILD = os.path.abspath(sys.argv.pop(1))
USE = """
import os, sys
import numpy as np
import qkscope
os.chdir(sys.argv[1])
ds = qkscope.sniff("run.yaml", quiet=True)
analysis = qkscope.analyze(ds, "results", min_queries=8, quiet=True)
again = qkscope.open("out")
scores = again.geometry["softmax_scale"] * again.queries(1, 3).vectors @ again.keys(1, 1).vectors.T
assert np.isfinite(scores).all() and scores.shape[0] == len(again.queries(1, 3))
print(qkscope.__version__, analysis["heads"].num_rows, qkscope.report(analysis, quiet=True).path)
"""


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="qkscope-wheel-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tree = f"{cls.folder.name}/tree"
        cls.wheel = wheels.of_build(BUILD, cls.tree, f"{cls.folder.name}/dist")

    def run_in(self, python, *words):
        done = subprocess.run([python, *words], capture_output=True, text=True, timeout=300, cwd="/",
                              env=environment.variables())
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_installed_it_runs_and_is_a_package(self):
        root = f"{self.folder.name}/place"
        fixtures.make_all(root)
        python = environment.make(f"{self.folder.name}/venv", "--constraint",
                                  environment.HERE / "requirements-door.txt", f"{self.wheel}[arrays]")
        version = wheels.version()
        self.assertEqual(self.run_in(python, "-c", USE, root), f"{version} 12 results/report.html\n")
        for name in ("qkscope", "sniff-qk"):
            help_text = self.run_in(python.parent / name, "--help")
            self.assertIn("--resume" if name == "sniff-qk" else "qkscope sniff", help_text)
        self.assertIn(f"qkscope {version}", self.run_in(python, "-m", "qkscope", "--version"))

    def test_what_is_inside(self):
        with zipfile.ZipFile(self.wheel) as file:
            names = set(file.namelist())
            program = file.getinfo("qkscope/_program/bin/qkscope")
            info = f"qkscope-{wheels.version()}.dist-info"
            metadata = file.read(f"{info}/METADATA").decode()
            notices = file.read(f"{info}/licenses/notices.txt")
        self.assertTrue(program.external_attr >> 16 & 0o111)
        self.assertLessEqual({"qkscope/py.typed", *(f"{info}/licenses/{name}" for name in
                                                        ("LICENSE", "NOTICE", "Arrow-LICENSE.txt"))}, names)
        self.assertEqual(notices, (environment.SOURCE / "third_party/notices.txt").read_bytes())
        self.assertIn("Requires-Python: >=3.9\n", metadata)
        self.assertNotIn("Requires-Dist: pyarrow>=14\n", metadata)  # only with the extra `arrays`
        self.assertFalse([name for name in names if "__pycache__" in name])

    def test_the_same_tree_gives_the_same_bytes(self):
        again = wheels.package(self.tree, f"{self.folder.name}/again")
        with open(self.wheel, "rb") as first, open(again, "rb") as second:
            self.assertTrue(first.read() == second.read())


if __name__ == "__main__":
    unittest.main()
