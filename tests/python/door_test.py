#!/usr/bin/env python3
"""The Python package of python/ with a program: the tests and doctests of inside/, and its types, in a fresh
environment. Skipped if pip cannot install NumPy and the others of requirements-door.txt.

usage: door_test.py QKSCOPE [TEST...]"""

import os
import subprocess
import sys
import tempfile

import environment


def main():
    program = os.path.abspath(sys.argv[1])
    chosen = [word for name in sys.argv[2:] for word in ("-k", name)]
    with tempfile.TemporaryDirectory(prefix="qkscope-python-") as folder:
        python = environment.make(folder, "-r", environment.HERE / "requirements-door.txt")
        path = os.pathsep.join(str(environment.SOURCE / part) for part in ("python", "tests/cli", "tests/hub"))
        done = subprocess.run(
            [python, "-m", "unittest", "discover", "-s", environment.HERE / "inside", "-p", "*_test.py",
             *chosen],
            env=environment.variables(QKSCOPE_PROGRAM=program, PYTHONPATH=path))
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
