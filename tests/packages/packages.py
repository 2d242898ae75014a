"""The packages that the tests look at, and the machine that they need.

They are made by tools/package, unless QK_PACKAGES names a folder that has them."""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77


def skip(reason):
    print(f"skipped: {reason}", flush=True)
    sys.exit(SKIPPED)


def need_root_and(*programs):
    if os.geteuid() != 0:
        skip("not root: what packages are made and tried with is installed and mounted by root")
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        skip(f"not installed: {', '.join(missing)}; tools/setup --package installs them")


def package(pattern, mode):
    """The file of QK_PACKAGES that fits `pattern`, or the one that `tools/package mode` makes."""
    given = os.environ.get("QK_PACKAGES")
    if not given:
        given = ROOT / "build" / "packages"
        subprocess.run([ROOT / "tools" / "package", mode, given], check=True)
    found = list(pathlib.Path(given).glob(pattern))
    if len(found) != 1:
        sys.exit(f"{given}: expected one {pattern}, found {[path.name for path in found]}")
    return found[0]


def tarball():
    return package("qkscope-*-linux-x86_64.tar.xz", "tarball")


def deb():
    return package("qkscope_*_amd64.deb", "deb")


def unpack(file, folder):
    """Unpacks a tarball. Returns its only folder."""
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="tar") if hasattr(tarfile, "tar_filter") else archive.extractall(folder)
    (top,) = pathlib.Path(folder).iterdir()
    return top
