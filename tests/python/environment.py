"""Fresh environments for the tests of the Python package, by the standard library and pip."""

import os
import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def install(python, *words):
    """`pip install` into the environment of `python`; skips the test if there is no package index."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input",
         "--disable-pip-version-check", "--no-warn-script-location", "--retries", "1", "--timeout", "30",
         "--no-compile", "--only-binary=:all:", *map(str, words)], capture_output=True, text=True)
    if done.returncode == 0:
        return
    if "(from versions: none)" in done.stderr or "No module named pip" in done.stderr:
        skip(f"pip cannot install {' '.join(map(str, words))}: {done.stderr.strip().splitlines()[-1]}")
    raise AssertionError(done.stderr)


def make(folder, *words):
    """A fresh environment in `folder` with what `words` tell pip to install. Returns its Python."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    python = pathlib.Path(folder) / "bin/python"
    if words:
        install(python, *words)
    return python


def variables(**changes):
    """The environment of a test: nothing of the caller's Python, no Hub, no GPU, nothing written beside
    the sources."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "QKSCOPE"))}
    return {**kept, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "",
            "PYTHONDONTWRITEBYTECODE": "1", **changes}
