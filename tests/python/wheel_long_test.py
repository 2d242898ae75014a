#!/usr/bin/env python3
"""The wheel beside what users have: Python 3.9 to 3.13 as far as they are there, old and new pyarrow and none,
uvx, and what twine and auditwheel say. Skipped if pip cannot install what it needs, or if the wheel has to be made
first, without QK_PACKAGES (tests/packages/packages.py), and this is not root.

usage: wheel_long_test.py [TEST...]"""

import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import environment
import wheels

sys.path += [str(environment.SOURCE / "tests/cli"), str(environment.SOURCE / "tests/packages")]
import fixtures  # noqa: E402
import packages  # noqa: E402

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
MANYLINUX = re.compile(r'consistent with\s+the following platform tag: "manylinux_2_(\d+)_x86_64"')
GLIBC = 31  # the second number of the oldest glibc that a released wheel is for
READ = """
import sys, numpy as np, pyarrow, qkscope
ds = qkscope.open(sys.argv[1])
print(pyarrow.__version__, sum(len(b) for b in ds.iter_batches(ds.heads[0], batch_rows=10)),
      ds.queries(2, 3).vectors.shape[1], len(ds.queries(0, 0).to_arrow()), ds.geometry["head_dim"])
"""


def find_python(version):
    """A Python of this version: on PATH, of pyenv, or of uv."""
    found = [shutil.which(f"python{version}"), *glob.glob(f"{pathlib.Path.home()}/.pyenv/versions/{version}.*/bin/python3"),
             *glob.glob(f"{pathlib.Path.home()}/.local/share/uv/python/cpython-{version}.*/bin/python3")]
    for python in filter(None, found):
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True)
        if done.stdout.strip() == version:
            return python
    return None


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="qkscope-wheel-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.tools = environment.make(cls.folder / "tools", "-r", environment.HERE / "requirements-wheel.txt").parent
        cls.wheel = packages.wheel()
        fixtures.make_all(f"{cls.folder}/place")
        cls.variables = environment.variables(PATH=f"{cls.tools}:{os.environ['PATH']}",
                                              UV_CACHE_DIR=f"{cls.folder}/uv")

    def run_it(self, *words, cwd=None):
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=600, cwd=cwd or self.folder,
                              env=self.variables)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def environment(self, python, *requirements):
        """A fresh environment of this Python with the wheel."""
        folder = tempfile.mkdtemp(dir=self.folder)
        self.run_it("uv", "venv", "--quiet", "--clear", "--python", python, folder)
        self.run_it("uv", "pip", "install", "--quiet", "--python", f"{folder}/bin/python", *requirements, self.wheel)
        return pathlib.Path(folder) / "bin"

    def capture(self):
        out = f"{self.folder}/place/out"
        if not os.path.exists(f"{out}/README.md"):
            place = self.environment(sys.executable)
            self.run_it(place / "qkscope", "sniff", f"{self.folder}/place/run.yaml")
        return out

    def test_the_command_needs_no_package(self):
        place = self.environment(sys.executable)
        self.assertEqual(self.run_it("uv", "pip", "list", "--quiet", "--python", place / "python", "--format",
                                     "freeze").split("==")[0], "qkscope")
        self.assertIn(wheels.version(), self.run_it(place / "qkscope", "--version"))

    def test_beside_old_and_new_pyarrow(self):
        dataset = self.capture()
        for pyarrow, numpy in (("14.0.2", "numpy<2"), ("17.0.0", "numpy<2"), ("22.0.0", "numpy")):
            with self.subTest(pyarrow=pyarrow):
                place = self.environment(find_python("3.11") or sys.executable, f"pyarrow=={pyarrow}", numpy)
                self.assertEqual(self.run_it(place / "python", "-c", READ, dataset).split(), [pyarrow, "95", "8", "77", "8"])
                self.assertIn("whole", self.run_it(place / "qkscope", "check", dataset))

    def test_every_python_that_is_there(self):
        dataset = self.capture()
        tried = []
        for version in PYTHONS:
            python = find_python(version)
            if python is None:
                print(f"not tried: Python {version} is not here")
                continue
            with self.subTest(python=version):
                place = self.environment(python, "pyarrow<=22.0.0", "numpy")
                self.assertEqual(self.run_it(place / "python", "-c", READ, dataset).split()[1:], ["95", "8", "77", "8"])
                self.assertIn(wheels.version(), self.run_it(place / "python", "-m", "qkscope", "--version"))
                tried.append(version)
        print("tried: Python", ", ".join(tried))
        self.assertGreaterEqual(len(tried), 1)

    def test_uvx(self):
        for name in ("qkscope", "sniff-qk"):
            self.assertIn("Usage", self.run_it("uvx", "--quiet", "--from", self.wheel, name, "--help"))
        self.assertIn(wheels.version(), self.run_it("uvx", "--quiet", "--from", self.wheel, "qkscope", "--version"))

    def test_a_signal_comes_to_the_program(self):
        place = self.environment(sys.executable)
        root = f"{self.folder}/signal"
        config = fixtures.make_all(root)
        fixtures.make_corpus(f"{root}/corpus", lengths=[120] * 600)
        process = subprocess.Popen([place / "sniff-qk", config, "--threads", "1"], env=self.variables,
                                   stderr=subprocess.PIPE, text=True)
        journal = pathlib.Path(f"{root}/out/.qkscope/journal")
        until = time.monotonic() + 60
        while not (journal.exists() and journal.stat().st_size > 100_000) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, err)
        self.run_it(place / "sniff-qk", config, "--resume")

    def test_twine(self):
        self.assertIn("PASSED", self.run_it(self.tools / "twine", "--no-color", "check", "--strict", self.wheel))

    def test_auditwheel(self):
        shown = self.run_it(self.tools / "auditwheel", "show", self.wheel)
        found = MANYLINUX.search(shown)
        self.assertTrue(found and int(found.group(1)) <= GLIBC, shown)
        self.assertTrue(self.wheel.name.endswith(f"-py3-none-manylinux_2_{GLIBC}_x86_64.whl"), self.wheel.name)


if __name__ == "__main__":
    if not os.environ.get("QK_PACKAGES"):
        packages.need_root_and()
    unittest.main()
