"""The examples of the docstrings, and the types of the package."""

import contextlib
import doctest
import importlib
import os
import pathlib
import pkgutil
import shutil
import subprocess
import sys
import tempfile
import unittest

import fixtures
import qkscope

PACKAGE = pathlib.Path(qkscope.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = [importlib.import_module(f"qkscope.{module.name}")
           for module in pkgutil.iter_modules([str(PACKAGE)]) if module.name != "__main__"]


class Docs(unittest.TestCase):
    def test_examples_of_the_docstrings(self):
        root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, root)
        run_yaml = fixtures.make_all(root)
        ds = qkscope.sniff(run_yaml, quiet=True)
        analysis = qkscope.analyze(ds, f"{root}/analysis", min_queries=8, quiet=True)
        names = {"qkscope": qkscope, "ds": ds, "analysis": analysis, "folder": str(ds.path),
                 "run_yaml": run_yaml, "out": f"{root}/layer", "results": f"{root}/results"}
        tried = 0
        for module in MODULES:
            with contextlib.redirect_stderr(sys.__stderr__):
                result = doctest.testmod(module, extraglobs=names, optionflags=FLAGS)
            self.assertEqual(result.failed, 0, module.__name__)
            tried += result.attempted
        self.assertGreater(tried, 20)

    def test_everything_public_is_explained(self):
        for name in qkscope.__all__:
            thing = getattr(qkscope, name)
            self.assertTrue(thing.__doc__, name)
            for member, value in vars(thing).items() if isinstance(thing, type) else ():
                if callable(value) and not member.startswith("_"):
                    self.assertTrue(value.__doc__, f"{name}.{member}")

    def test_types(self):
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run(
                [sys.executable, "-m", "mypy", "--config-file", PACKAGE.parent / "pyproject.toml",
                 "--cache-dir", cache, PACKAGE], capture_output=True, text=True, env=os.environ)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
