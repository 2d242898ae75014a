#!/usr/bin/env python3
"""The bill of materials that tools/make_sbom.py writes: valid by the schema of CycloneDX, whole, and the same again.
Skipped if pip cannot install what tools/wheels-release.txt pins.

usage: sbom_test.py CARGO"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

import packages

sys.path.append(str(packages.ROOT / "tests/python"))
import environment  # noqa: E402

CARGO = sys.argv.pop(1)
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(fault) if fault else 0)
"""


class BillOfMaterials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="qk-sbom-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.python = environment.make(cls.folder / "tools", "--require-hashes", "-r",
                                      packages.ROOT / "tools/wheels-release.txt")
        cls.artefact = cls.folder / "artefact.tar.xz"
        cls.artefact.write_bytes(b"some bytes")
        cls.file = cls.write("bill.json")
        cls.bill = json.loads(cls.file.read_text())
        cls.purls = {part.get("purl") for part in cls.bill["components"]}

    @classmethod
    def write(cls, name):
        subprocess.run([cls.python, packages.ROOT / "tools/make_sbom.py", "--cargo", CARGO, "--output", cls.folder / name,
                        cls.artefact], check=True, env=environment.variables(SOURCE_DATE_EPOCH="1700000000"))
        return cls.folder / name

    def is_valid(self, file):
        return subprocess.run([self.python, "-c", VALIDATE, file], capture_output=True).returncode == 0

    def test_is_valid(self):
        self.assertTrue(self.is_valid(self.file))
        broken = self.folder / "broken.json"
        broken.write_text(self.file.read_text().replace('"bomFormat": "CycloneDX"', '"bomFormat": "Other"'))
        self.assertFalse(self.is_valid(broken))

    def test_the_same_again(self):
        self.assertEqual(self.write("again.json").read_bytes(), self.file.read_bytes())

    def test_names_what_the_notices_name(self):
        """Crates with their versions, packages of npm, and all works in Arrow's libraries."""
        notices = (packages.ROOT / "third_party/notices.txt").read_text()
        crates = re.findall(r"^([a-z]\S*) (\d\S*)$", notices.partition("Rust crates inside")[2]
                            .partition("Libraries that are loaded")[0], re.M)
        self.assertGreater(len(crates), 100)
        self.assertLessEqual({f"pkg:cargo/{name}@{version}" for name, version in crates},
                             {purl and purl.replace("%2B", "+") for purl in self.purls})
        libraries = tomllib.loads((packages.ROOT / "third_party/libraries.toml").read_text())
        names = {part["name"] for part in self.bill["components"]}
        self.assertLessEqual({library["name"] for library in libraries["arrow"]}, names)
        self.assertIn("pkg:npm/d3-array@3.2.5", self.purls)
        (arrow,) = [part["dependsOn"] for part in self.bill["dependencies"] if part["ref"].startswith("pkg:pypi/pyarrow@")]
        self.assertEqual(len(arrow), len(libraries["arrow"]))

    def test_revisions_of_debian(self):
        """Of what tools/package_base compiles, its source; of what it copies, the installed package."""
        for name, arch in (("curl", "source"), ("nghttp2", "source"), ("fmtlib", "source"), ("zlib1g-dev", "amd64"),
                           ("libssl-dev", "amd64"), ("libxxhash-dev", "amd64")):
            with self.subTest(name):
                (purl,) = [purl for purl in self.purls if purl and purl.startswith(f"pkg:deb/debian/{name}@")]
                self.assertRegex(purl, rf"@[^?]*-[^?]*\?arch={arch}&distro=debian-12$")
        sources = (packages.ROOT / "tools/package-sources.txt").read_text()
        version = re.search(r"^dsc nghttp2 (\S+)", sources, re.M)[1]
        self.assertIn(f"pkg:deb/debian/nghttp2@{version}?",
                      " ".join(purl.replace("%2B", "+") for purl in self.purls if purl))

    def test_artefacts(self):
        program = self.bill["metadata"]["component"]
        self.assertEqual(program["components"][0]["name"], os.path.basename(self.artefact))
        self.assertEqual(program["components"][0]["hashes"],
                         [{"alg": "SHA-256", "content": hashlib.sha256(b"some bytes").hexdigest()}])


if __name__ == "__main__":
    unittest.main()
