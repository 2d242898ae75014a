"""Wheels of an ordinary build for the tests."""

import pathlib
import shutil
import subprocess
import sys

import environment

sys.path.append(str(environment.SOURCE / "tools"))
from check_version import project_version as version  # noqa: E402, F401


def package(tree, output, platform="linux_x86_64"):
    """Path of the wheel of an installed tree; skips the test without hatchling."""
    if not (environment.SOURCE / ".deps/hatchling").is_dir():
        environment.skip("there is no hatchling in .deps (tools/setup --check)")
    done = subprocess.run(
        [sys.executable, environment.SOURCE / "tools/package_wheel.py", "--tree", tree, "--output", output,
         "--platform", platform], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return pathlib.Path(done.stdout.strip())


def of_build(build, tree, output):
    """The wheel of a build for this machine; `tree` is where it is installed."""
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["cmake", "--install", build, "--prefix", tree, "--strip"], check=True, capture_output=True)
    return package(tree, output)
