#!/usr/bin/env python3
"""The wheel for all machines in bare Debian 11, 12 and 13, with their own Python and nothing else: installed without
a network, used as nobody.

usage: wheel_chroot_test.py [SUITE...]"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import environment
import wheels

sys.path += [str(environment.SOURCE / "tests/cli"), str(environment.SOURCE / "tests/packages")]
import fixtures  # noqa: E402
import packages  # noqa: E402

SUITES = sys.argv[1:] or packages.SUITES
USE = """
import qkscope
ds = qkscope.sniff("/place/run.yaml", quiet=True)
analysis = qkscope.analyze(ds, "/place/results", min_queries=8, quiet=True)
print(qkscope.inspect(ds)["whole"], analysis.record["heads"]["measured"], qkscope.report(analysis).path.name)
try:
    ds.queries(0, 0)
except ImportError as error:
    print("pip install 'qkscope[arrays]'" in str(error))
"""


class Chroots(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.wheel = packages.wheel()

    def try_suite(self, suite):
        with tempfile.TemporaryDirectory(prefix="qkscope-chroot-") as folder:
            os.chmod(folder, 0o755)
            root = pathlib.Path(folder) / suite
            packages.install_system(suite, root, "python3-venv")
            shutil.copy(self.wheel, root / "tmp")
            # The paths in the configuration are those inside the chroot.
            fixtures.make_all(f"{root}/place")
            fixtures.write(f"{root}/place/run.yaml", fixtures.CONFIG.format(root="/place"))
            subprocess.run(["chown", "-R", "nobody:nogroup", root / "place"], check=True)
            packages.run_apart(root, "sh", "-c", f"python3 -m venv /venv && /venv/bin/pip install --no-index "
                                                 f"/tmp/{self.wheel.name}", user="root:root")
            self.assertEqual(packages.run_apart(root, "/venv/bin/python", "-c", USE), "True 12 report.html\nTrue\n")
            self.assertIn(wheels.version(), packages.run_apart(root, "/venv/bin/qkscope", "--version"))
            self.assertIn("--resume", packages.run_apart(root, "/venv/bin/sniff-qk", "--help"))


def add_test(suite):
    setattr(Chroots, f"test_{suite}", lambda self: self.try_suite(suite))


if __name__ == "__main__":
    packages.need_root_and("debootstrap", "unshare", "chroot")
    for name in SUITES:
        add_test(name)
    unittest.main(argv=sys.argv[:1])
