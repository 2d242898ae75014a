#!/usr/bin/env python3
"""`qkscope man-pages`: a page for each command with all of its options, without a complaint of man or
mandoc; and every variable that the program reads is known to a page or a document.

usage: manual_test.py QKSCOPE"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
SOURCE = pathlib.Path(__file__).resolve().parents[2]


def output_of(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=True,
                          timeout=60).stdout


class ManPages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        made = tempfile.TemporaryDirectory()
        cls.addClassCleanup(made.cleanup)
        cls.folder = pathlib.Path(made.name, "man1")
        output_of("man-pages", str(cls.folder))
        cls.pages = {path.stem: path for path in cls.folder.iterdir()}
        listed = output_of("--help").split("Subcommands:\n")[1].split("\n\n")[0]
        cls.commands = re.findall(r"^  ([a-z-]+) ", listed, re.M)

    def shown(self, name):
        """The page as man shows it."""
        if shutil.which("man") is None:
            self.skipTest("man is not installed")
        done = subprocess.run(["man", "--warnings", "-l", str(self.pages[name])], capture_output=True,
                              text=True, timeout=60,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "200",
                                   "MAN_KEEP_FORMATTING": ""})
        self.assertEqual((done.returncode, done.stderr), (0, ""), name)
        return re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)

    def test_one_for_each_command(self):
        expected = {"qkscope", "sniff-qk", *(f"qkscope-{name}" for name in self.commands)}
        self.assertEqual(set(self.pages), expected)

    def test_man_has_no_warnings(self):
        for name in self.pages:
            if name != "sniff-qk":  # a link by its place in a tree
                self.shown(name)

    def test_mandoc_has_no_warnings(self):
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        # The pages have no date, so that a version gives the same bytes at any time.
        for name, path in self.pages.items():
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(path)], timeout=60,
                                  capture_output=True, text=True, cwd=self.folder.parent)
            found = [line for line in done.stdout.splitlines() if "missing date" not in line
                     and ".so is fragile" not in line]
            self.assertEqual(found, [], name)

    def test_all_that_the_help_says(self):
        for command in self.commands:
            page = self.shown(f"qkscope-{command}")
            words = set(re.findall(r"--[a-z_-]+", output_of(command, "--help")))
            self.assertEqual(words - set(re.findall(r"--[a-z_-]+", page)), set(), command)

    def test_sections_of_the_program(self):
        page = self.shown("qkscope")
        for heading in ("NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "EXAMPLES", "EXIT STATUS",
                        "ENVIRONMENT", "FILES", "SEE ALSO"):
            self.assertRegex(page, rf"(?m)^{heading}$")
        self.assertIn("qkscope sniff run.yaml --dry-run", page)
        self.assertEqual(page.count("stopped by a signal"), 1)

    def test_variables_of_the_page_are_read(self):
        sources = "".join(path.read_text() for path in (SOURCE / "src").rglob("*.cc")
                          if not path.name.endswith("_test.cc") and path.name != "manual.cc")
        named = re.findall(r"^       ([A-Z][A-Z_]+)$", self.shown("qkscope").split("ENVIRONMENT")[1], re.M)
        self.assertGreater(len(named), 5)
        read_by_curl = {"HTTPS_PROXY"}
        self.assertEqual({name for name in named if name not in sources} - read_by_curl, set())


if __name__ == "__main__":
    unittest.main()
