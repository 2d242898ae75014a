#!/usr/bin/env python3
"""Tiny models on torch:cpu against transformers, bit for bit: tools/check_torch_bits.py with one model of
some architectures.

usage: equal_bits_test.py QKSCOPE PLUGIN

QK_REFERENCE_PYTHON is a Python with transformers and the torch that the plugin was built for. If there is
none, the test prints what is missing and exits with 77 (skipped)."""

import os
import subprocess
import sys
import tempfile

from torch_case import PLUGIN, PROGRAM, SOURCE, built_for, skip

PYTHON = os.environ.get("QK_REFERENCE_PYTHON")
ARCHITECTURES = ["llama", "gemma3_text", "ministral3", "glm"]


def check_python():
    if not PYTHON:
        skip("QK_REFERENCE_PYTHON is not set")
    script = "import numpy, pyarrow, safetensors, transformers, yaml, torch; print(torch.__version__)"
    done = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it does not start"
        skip(f"QK_REFERENCE_PYTHON ({PYTHON}): {reason}")
    there = done.stdout.split()[-1].partition("+")[0]
    release, _ = built_for(PLUGIN)
    if there != release:
        skip(f"QK_REFERENCE_PYTHON ({PYTHON}) has torch {there}, the plugin was built for {release}")


def main():
    check_python()
    tool = f"{SOURCE}/tools/check_torch_bits.py"
    with tempfile.TemporaryDirectory() as work:
        done = subprocess.run(
            [PYTHON, tool, "--qkscope", PROGRAM, "--count", "1", "--work", f"{work}/bits", "--only",
             *ARCHITECTURES], env={**os.environ, "QKSCOPE_TORCH_PLUGIN": PLUGIN}, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
