#!/usr/bin/env python3
"""Makes the wheel of Qkscope: the Python package of python/ around a program that was installed.

usage: package_wheel.py --tree DIR --output DIR [--platform TAG]

The tree is what `cmake --install` writes (bin/qkscope, lib/qkscope/, share/). The wheel has bin and lib in
qkscope/_program, manual pages and completions where an environment keeps them (share/), and the licences in
its dist-info. hatchling, of .deps/ (tools/setup --check), writes it; the same tree and SOURCE_DATE_EPOCH, or
none, give the same bytes. Prints the path of the wheel."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILDER = ("hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers")
MOST_BYTES = 60_000_000
PARTS = ("bin/qkscope", "lib", "share/qkscope")  # of the tree, into qkscope/_program
SHARED = ("man", "bash-completion", "zsh", "fish")  # of the tree's share/, into the environment's
LICENCES = ("LICENSE", "NOTICE", "third_party/notices.txt")
NO_LICENCES = ("README.md", "CHANGELOG.md")  # of the tree's share/doc/qkscope, which has all licences

# Writes the wheel of the project in the working folder.
BUILD = "import hatchling.build, sys; print(hatchling.build.build_wheel(sys.argv[1]))"


def copy(source, target):
    """A file or a folder. Links become what they point to, since wheels have none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def stage(tree, folder):
    """A project for hatchling: the version's file, and beside it python/ with all that is inside."""
    project = folder / "python"
    copy(ROOT / "CMakeLists.txt", folder / "CMakeLists.txt")
    shutil.copytree(ROOT / "python", project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for licence in [*(ROOT / name for name in LICENCES), *sorted(tree.glob("share/doc/qkscope/*"))]:
        if licence.is_file() and licence.name not in NO_LICENCES:
            copy(licence, project / licence.name)
    for part in PARTS:
        if (tree / part).exists():
            copy(tree / part, project / "qkscope/_program" / part)
    for name in SHARED:
        if (tree / "share" / name).exists():
            copy(tree / "share" / name, project / "share" / name)
    (project / "share").mkdir(exist_ok=True)
    return project


def build(project, output, platform):
    """Path of the wheel of a project."""
    packages = os.pathsep.join(str(ROOT / ".deps" / name) for name in BUILDER)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(output)], cwd=project, check=True, text=True,
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": packages, "QK_WHEEL_PLATFORM": platform})
    return output / done.stdout.splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tree", required=True, type=pathlib.Path, help="what cmake --install wrote")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder for the wheel")
    parser.add_argument("--platform", default="manylinux_2_31_x86_64", help="platform of its tag")
    options = parser.parse_args()
    if not (options.tree / "bin/qkscope").is_file():
        sys.exit(f"package_wheel: {options.tree}: expected the tree of an installation, found no bin/qkscope")
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="qkscope-wheel-") as folder:
        project = stage(options.tree, pathlib.Path(folder))
        wheel = build(project, options.output.resolve(), options.platform)
    size = wheel.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"package_wheel: {wheel}: expected at most {MOST_BYTES:,} bytes, found {size:,}")
    print(wheel)


if __name__ == "__main__":
    main()
