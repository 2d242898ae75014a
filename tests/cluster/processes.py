"""Copies of a program that are running on this machine."""

import contextlib
import glob
import os


def find(program, **variables):
    """{pid: (words, environment)} of the processes started as `program` with these variables."""
    found = {}
    for path in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            words = read(f"{path}/cmdline")
            environment = dict(item.split("=", 1) for item in read(f"{path}/environ") if "=" in item)
            if words[0] == program and variables.items() <= environment.items():
                found[int(os.path.basename(path))] = (words, environment)
    return found


def read(path):
    with open(path, "rb") as file:
        return file.read().decode(errors="replace").split("\0")
