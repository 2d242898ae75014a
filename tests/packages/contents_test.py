#!/usr/bin/env python3
"""What is inside the packages, without running it: layout, what the system must have, no path of the
build machine.

usage: contents_test.py QKSCOPE"""

import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import packages

# As of manylinux_2_31.
NEWEST = {"GLIBC": (2, 31), "GLIBCXX": (3, 4, 28), "CXXABI": (1, 3, 12), "GCC": (10, 0, 0)}
OF_THE_SYSTEM = {"ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6",
                 "libpthread.so.0", "librt.so.1", "libstdc++.so.6"}
EXPECTED = ("bin/qkscope", "bin/sniff-qk", "share/doc/qkscope/copyright", "share/doc/qkscope/LICENSE",
            "share/doc/qkscope/NOTICE", "share/bash-completion/completions/sniff-qk",
            "share/doc/qkscope/notices.txt", "share/doc/qkscope/Arrow-LICENSE.txt",
            "share/qkscope/configs/demo.yaml", "share/man/man1/qkscope.1", "share/man/man1/sniff-qk.1",
            "share/bash-completion/completions/qkscope", "share/zsh/site-functions/_qkscope",
            "share/fish/vendor_completions.d/qkscope.fish")


def readelf(*arguments):
    done = subprocess.run(["readelf", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


class Tarball(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="qk-packages-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.tree = packages.unpack(packages.tarball(), cls.folder)
        cls.binaries = [cls.tree / "bin/qkscope", *sorted(cls.tree.glob("lib/qkscope/*"))]

    def test_its_files(self):
        for name in EXPECTED:
            with self.subTest(name):
                self.assertTrue((self.tree / name).is_file())
        self.assertEqual(os.readlink(self.tree / "bin/sniff-qk"), "qkscope")

    def test_the_versions_of_symbols(self):
        for binary in self.binaries:
            needed = re.findall(r"Name: (\S+)  Flags:", readelf("-V", "-W", binary))
            self.assertTrue(any(symbol.startswith("GLIBC_2.") for symbol in needed), binary.name)
            for symbol in needed:
                with self.subTest(binary.name, symbol=symbol):
                    name, version = re.fullmatch(r"([A-Z]+)_([0-9.]+)", symbol).groups()
                    self.assertLessEqual(tuple(map(int, version.split("."))), NEWEST[name])

    def test_every_library_is_carried_or_of_the_base_system(self):
        there = {path.name for path in self.tree.glob("lib/qkscope/*")} | OF_THE_SYSTEM
        for binary in self.binaries:
            with self.subTest(binary.name):
                needed = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("-d", "-W", binary))
                self.assertEqual(set(needed) - there, set())

    def test_libraries_are_looked_for_beside_the_program(self):
        for binary in self.binaries:
            paths = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", readelf("-d", "-W", binary))
            expected = "$ORIGIN/../lib/qkscope" if binary.name == "qkscope" else "$ORIGIN"
            with self.subTest(binary.name):
                self.assertEqual(paths, [expected])

    def test_no_path_of_the_build_machine(self):
        folders = {str(packages.ROOT), str(pathlib.Path.home()), "/.cargo/", "/.deps/"}
        for path in sorted(self.tree.rglob("*")):
            if not path.is_file() or path.parent.parent.name == "lib":  # Arrow's authors built these
                continue
            data = path.read_bytes()
            for folder in folders:
                with self.subTest(path.name, folder=folder):
                    self.assertEqual(data.count(f"{folder.rstrip('/')}/".encode()), 0)


class Debian(unittest.TestCase):
    def test_lintian_finds_nothing(self):
        done = subprocess.run(["lintian", "--fail-on=error,warning", "--allow-root", packages.deb()],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_manual_pages(self):
        """Of both commands; what a page refers to is there."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["dpkg-deb", "--extract", packages.deb(), folder], check=True)
            pages = {page.name: gzip.decompress(page.read_bytes()).decode()
                     for page in pathlib.Path(folder).glob("usr/share/man/man1/*.gz")}
        self.assertIn(".TH", pages["qkscope.1.gz"])
        self.assertEqual(pages["sniff-qk.1.gz"], ".so man1/qkscope-sniff.1\n")
        self.assertIn(".TH", pages["qkscope-sniff.1.gz"])

    def test_its_dependencies_are_in_every_base_system(self):
        done = subprocess.run(["dpkg-deb", "--field", packages.deb(), "Depends"], capture_output=True,
                              text=True, check=True)
        names = {part.split()[0] for part in done.stdout.split(",")}
        self.assertEqual(names, {"libc6", "libgcc-s1", "libstdc++6"})


if __name__ == "__main__":
    packages.need_root_and("readelf", "lintian")
    unittest.main(argv=sys.argv[:1])
