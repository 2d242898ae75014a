#!/usr/bin/env python3
"""Each package in a bare Debian 11, 12 and 13: the work of ./demo as nobody, without network, from a
path with a space and through a link in PATH. Its files are those of the program of the build, byte for
byte; but Debian 11's libm rounds hypot and others differently in the last digit (LAST_DIGITS).

usage: chroot_test.py QKSCOPE [SUITE...]"""

import filecmp
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import packages

PROGRAM = os.path.abspath(sys.argv[1])
SUITES = sys.argv[2:] or packages.SUITES
MODEL = packages.ROOT / ".deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
TEXTS = ("Apache-2.0", "Artistic", "BSD")
LAST_DIGITS = {"bullseye": {"analysis/head_profiles.parquet", "analysis/report.html"}}
JOB = """
set -e
qkscope sniff --quiet --config demo.yaml --set dataset.path=corpus --set model.name=model.gguf \\
  --set tokenizer.max_length=1024 --set output.data_root=dataset
sniff-qk --help >sniff-qk.txt
qkscope inspect dataset >inspect.txt
qkscope analyze dataset --quiet --method bucket,counted --error_bars jackknife --profiles \\
  --output_dir analysis
qkscope plot plasticity --bucket_csv analysis/head_bucket_plasticity.csv --output plasticity.png
qkscope plot heatmap --bucket_csv analysis/head_bucket_plasticity.csv --output heatmap.pdf
qkscope report analysis
qkscope --licenses >licenses.txt
"""


def make_job(folder):
    """What the work reads: configuration, model and texts."""
    (folder / "corpus").mkdir(parents=True)
    shutil.copy(packages.ROOT / "configs/demo.yaml", folder)
    shutil.copy(MODEL, folder / "model.gguf")
    for name in TEXTS:
        shutil.copy(f"/usr/share/common-licenses/{name}", folder / f"corpus/{name}.txt")


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="qk-packages-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.tarball, cls.deb = packages.tarball(), packages.deb()
        cls.expected = cls.folder / "expected"
        make_job(cls.expected)
        programs = cls.folder / "bin"
        programs.mkdir()
        for name in ("qkscope", "sniff-qk"):
            (programs / name).symlink_to(PROGRAM)
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": "/nonexistent"}
        subprocess.run(["sh", "-c", JOB], cwd=cls.expected, env=environment, check=True)

    def run_in(self, root, name):
        """Does the work in the chroot and compares its files."""
        folder = root / name
        make_job(folder)
        subprocess.run(["chown", "-R", "nobody:nogroup", folder], check=True)
        start = time.monotonic()
        packages.run_apart(root, "sh", "-c", f"cd /{name}\n{JOB}")
        print(f"{root.name}, {name}: {time.monotonic() - start:.0f} s", flush=True)
        names = files_of(self.expected)
        self.assertEqual(files_of(folder), names)
        names -= LAST_DIGITS.get(root.name, set())
        self.assertGreater(len(names), 100)
        _, different, unreadable = filecmp.cmpfiles(self.expected, folder, names, shallow=False)
        self.assertEqual((different, unreadable), ([], []))
        shutil.rmtree(folder)

    def try_tarball(self, root):
        place = root / "opt/a place"
        place.mkdir()
        tree = packages.unpack(self.tarball, place)
        for name in ("qkscope", "sniff-qk"):
            (root / "usr/local/bin" / name).symlink_to(f"/opt/a place/{tree.name}/bin/{name}")
        self.run_in(root, "tarball")
        for name in ("qkscope", "sniff-qk"):
            (root / "usr/local/bin" / name).unlink()

    def try_deb(self, root):
        shutil.copy(self.deb, root / "tmp/qkscope.deb")
        subprocess.run(["chroot", root, "dpkg", "--install", "/tmp/qkscope.deb"], check=True,
                       stdout=subprocess.DEVNULL)
        self.run_in(root, "deb")
        subprocess.run(["chroot", root, "dpkg", "--purge", "qkscope"], check=True,
                       stdout=subprocess.DEVNULL)
        self.assertFalse((root / "usr/lib/qkscope").exists())


def add_test(suite):
    def test(self):
        root = self.folder / suite
        packages.install_system(suite, root)
        self.try_tarball(root)
        self.try_deb(root)
        self.assertNotIn(str(root), pathlib.Path("/proc/self/mounts").read_text())
        shutil.rmtree(root)
    setattr(Packages, f"test_{suite}", test)


if __name__ == "__main__":
    packages.need_root_and("debootstrap", "unshare", "chroot", "dpkg-deb")
    for suite in SUITES:
        add_test(suite)
    unittest.main(argv=sys.argv[:1])
