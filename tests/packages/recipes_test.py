#!/usr/bin/env python3
"""The container recipes of packaging/, step by step, in a Debian 12 of debootstrap: the commands are those of the
recipes. What Docker and Apptainer do themselves, namespaces, layers and images, is not tried.

usage: recipes_test.py QKSCOPE [TEST...]"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import packages

sys.path += [str(packages.ROOT / "tests/cli"), str(packages.ROOT / "tools")]
import check_version  # noqa: E402
import fixtures  # noqa: E402

RECIPES = packages.ROOT / "packaging"
SYSTEM = "debian:12-slim"


def instructions(text):
    """Of a Dockerfile: pairs of a keyword and the rest, continued lines joined."""
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def sections(text):
    """Of a definition of Apptainer: the head, and the sections by name."""
    head, *rest = re.split(r"^%(\w+).*\n", re.sub(r"^\s*#.*\n", "", text, flags=re.M), flags=re.M)
    return head, dict(zip(rest[::2], rest[1::2]))


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="qk-recipes-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o755)
        cls.tarball = packages.tarball()
        cls.system = cls.folder / "bookworm"
        packages.install_system("bookworm", cls.system)
        shutil.copy("/etc/resolv.conf", cls.system / "etc")

    def new_system(self):
        root = pathlib.Path(tempfile.mkdtemp(dir=self.folder)) / "root"
        subprocess.run(["cp", "--archive", self.system, root], check=True)
        return root

    def build(self, root, script):
        packages.run_apart(root, "sh", "-e", "-c", script, user="root:root", has_network=True)

    def capture(self, root, *start):
        """A capture in the container, by what it starts with."""
        fixtures.make_all(f"{root}/data")
        fixtures.write(f"{root}/data/run.yaml", fixtures.CONFIG.format(root="/data"))
        subprocess.run(["chown", "-R", "nobody:nogroup", root / "data"], check=True)
        packages.run_apart(root, *start, "sniff", "/data/run.yaml")
        self.assertIn("whole", packages.run_apart(root, *start, "check", "/data/out"))
        self.assertTrue((root / "etc/ssl/certs/ca-certificates.crt").stat().st_size > 100_000)

    def test_dockerfile(self):
        root, start, variables = self.new_system(), [], []
        for keyword, rest in instructions((RECIPES / "Dockerfile").read_text()):
            if keyword == "FROM":
                self.assertEqual(rest, SYSTEM)
            elif keyword == "RUN":
                self.build(root, rest)
            elif keyword == "ADD":  # Docker unpacks an archive
                pattern, place = rest.split()
                self.assertTrue(self.tarball.match(pattern))
                packages.unpack(self.tarball, f"{root}{place}")
            elif keyword == "WORKDIR":
                self.assertEqual(rest, "/data")
            elif keyword == "ENV":
                variables.append(rest)
            elif keyword == "ENTRYPOINT":
                start = ["env", *variables, *json.loads(rest)]
            else:
                self.assertEqual((keyword, rest), ("CMD", '["--help"]'))
        self.assertIn("Usage", packages.run_apart(root, *start, "--help"))
        self.capture(root, *start)
        # A user without a home can keep the Hub's files.
        self.assertIn("/data/.cache/huggingface", packages.run_apart(root, *start, "doctor"))

    def test_apptainer(self):
        root = self.new_system()
        head, parts = sections((RECIPES / "qkscope.def").read_text())
        self.assertEqual(head.split(), ["Bootstrap:", "docker", "From:", SYSTEM])
        version = re.search(r"version=(\S+)", parts["arguments"])[1]
        self.assertEqual(version, check_version.project_version())
        source, place = parts["files"].replace("{{ version }}", version).split()
        self.assertEqual(source, self.tarball.name)
        shutil.copy(self.tarball, f"{root}{place}")
        self.build(root, parts["post"])
        self.assertFalse((root / place.lstrip("/")).exists())
        self.assertIn(version, packages.run_apart(root, "sh", "-e", "-c", parts["test"]))
        self.capture(root, "sh", "-e", "-c", parts["runscript"], "runscript")


if __name__ == "__main__":
    del sys.argv[1]
    packages.need_root_and("debootstrap", "unshare", "chroot")
    unittest.main()
