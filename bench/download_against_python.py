#!/usr/bin/env python3
"""Seconds that downloads from the test Hub take: `qkscope fetch` and snapshot_download of
huggingface_hub, each into an empty cache, in turn.

    bench/download_against_python.py build/release/qkscope [--rounds 3]

QK_REFERENCE_PYTHON is a Python with huggingface_hub (default: this one). The test Hub is a Python
program on the same machine: the times are those of the clients and of the Hub together."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/hub"))

from test_hub import TestHub  # noqa: E402

PYTHON = os.environ.get("QK_REFERENCE_PYTHON", sys.executable)
# Without the second or so that Python needs to load the library.
SNAPSHOT = """
import time
from huggingface_hub import snapshot_download
begin = time.monotonic()
snapshot_download("org/m")
print(time.monotonic() - begin)
"""
REPOSITORIES = {
    "1,440 files of 1 kB": {f"l{i // 24:02d}h{i % 24:02d}q/data.json": b"%04d" % i * 250
                            for i in range(1440)},
    "one file of 300 MB": {"model.safetensors": os.urandom(300_000_000)},
}


def with_ours(program, hub):
    begin = time.monotonic()
    subprocess.run([program, "fetch", "org/m", "--type", "model", "--files", "*", "--quiet"],
                   env=hub.env(), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def with_python(hub):
    done = subprocess.run([PYTHON, "-c", SNAPSHOT], check=True, capture_output=True, text=True,
                          env=hub.env(HF_HUB_DISABLE_PROGRESS_BARS=1))
    return float(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print("| repository | qkscope fetch | requests | snapshot_download | requests |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for title, contents in REPOSITORIES.items():
        best, requests = {}, {}
        with TestHub() as hub:
            hub.add_repo("model", "org/m", contents)
            for _ in range(given.rounds):
                for name, run in (("ours", lambda h: with_ours(given.program, h)),
                                  ("python", with_python)):
                    shutil.rmtree(f"{hub.root}/home", ignore_errors=True)
                    hub.log.clear()
                    best[name] = min(best.get(name, float("inf")), run(hub))
                    requests[name] = len(hub.log)
        print(f"| {title} | {best['ours']:.2f} s | {requests['ours']} | {best['python']:.2f} s "
              f"| {requests['python']} |")


if __name__ == "__main__":
    main()
