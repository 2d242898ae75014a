#!/usr/bin/env python3
"""The version stands in CMakeLists.txt. CITATION.cff, the newest heading of CHANGELOG.md and the
names of packages in README.md, docs/ and packaging/ must have the same one, and a crate of rust/
none of its own. Exit code 1 with one line per finding.

usage: check_version.py [--print]      --print: only say which one it is"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def first(pattern, path):
    match = re.search(pattern, (ROOT / path).read_text(), re.M)
    return match[1] if match else None


def project_version():
    version = first(r"^project\(qkscope VERSION (\S+)", "CMakeLists.txt")
    if version is None:
        sys.exit("CMakeLists.txt: project(qkscope VERSION ...) not found")
    return version


def findings():
    version = project_version()
    found = []
    for path, pattern in (("CITATION.cff", r"^version: (\S+)$"),
                          ("CHANGELOG.md", r"^## \[([^\]]*)\] - (?:unreleased|\d{4}-\d\d-\d\d)$")):
        other = first(pattern, path)
        if other != version:
            found.append(f"{path}: expected version {version}, as in CMakeLists.txt, found {other}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "packaging").iterdir())]:
        if path.suffix not in (".md", ".def", "") or not path.is_file():  # else a package that was made there
            continue
        for other in re.findall(r"(?:\bqkscope[-_]|\bversion=)(\d+\.\d+\.\d+)", path.read_text()):
            if other != version:
                found.append(f"{path.relative_to(ROOT)}: expected packages of version {version}, found {other}")
    for path in sorted((ROOT / "rust").glob("*/Cargo.toml")):
        if re.search(r"^version\s*=", path.read_text(), re.M):
            found.append(f"{path.relative_to(ROOT)}: has a version of its own")
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        print(project_version())
        sys.exit()
    found = findings()
    print("\n".join(found) if found else "version: the same everywhere")
    sys.exit(1 if found else 0)
