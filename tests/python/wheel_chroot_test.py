#!/usr/bin/env python3
"""The wheel for all machines in bare Debian 11, 12 and 13, with their own Python and nothing else: installed without
a network, used as nobody. Skipped without root and debootstrap, or if QK_PACKAGES names no folder with that wheel.

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

sys.path.append(str(environment.SOURCE / "tests/cli"))
import fixtures  # noqa: E402

SUITES = sys.argv[1:] or ["bullseye", "bookworm", "trixie"]
# Nothing that is mounted, and no process, outlives the namespaces.
APART = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c",
         'mount -t proc proc "$0/proc" && exec chroot $WHO "$0" "$@"']
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
    def run_in(self, root, *words, who="--userspec=nobody:nogroup"):
        done = subprocess.run([*APART, root, *words], capture_output=True, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "WHO": who})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def try_suite(self, suite):
        with tempfile.TemporaryDirectory(prefix="qkscope-chroot-") as folder:
            os.chmod(folder, 0o755)
            root = pathlib.Path(folder) / suite
            subprocess.run(["debootstrap", "--variant=minbase", "--include=python3-venv", suite, root],
                           check=True, stdout=subprocess.DEVNULL)
            shutil.copy(WHEEL, root / "tmp")
            # The paths in the configuration are those inside the chroot.
            fixtures.make_all(f"{root}/place")
            fixtures.write(f"{root}/place/run.yaml", fixtures.CONFIG.format(root="/place"))
            self.run_in(root, "chown", "-R", "nobody:nogroup", "/place", who="--userspec=root:root")
            self.run_in(root, "sh", "-c", f"python3 -m venv /venv && /venv/bin/pip install --no-index /tmp/{WHEEL.name}",
                        who="--userspec=root:root")
            self.assertEqual(self.run_in(root, "/venv/bin/python", "-c", USE), "True 12 report.html\nTrue\n")
            self.assertIn(wheels.version(), self.run_in(root, "/venv/bin/qkscope", "--version"))
            self.assertIn("--resume", self.run_in(root, "/venv/bin/sniff-qk", "--help"))


def add_test(suite):
    setattr(Chroots, f"test_{suite}", lambda self: self.try_suite(suite))


if __name__ == "__main__":
    WHEEL = wheels.released()
    if WHEEL is None:
        environment.skip("QK_PACKAGES names no folder with a wheel (tools/package all)")
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        environment.skip("not root, or no debootstrap")
    for name in SUITES:
        add_test(name)
    unittest.main(argv=sys.argv[:1])
