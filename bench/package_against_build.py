#!/usr/bin/env python3
"""Measures two programs in turn on the demo's model: a capture of three licence texts, and its analysis.

    bench/package_against_build.py PROGRAM OTHER [--rounds 5] [--tokens 1024]

For each work it prints the median of the seconds of the processor and of the clock over the rounds, and how many times as
much OTHER needs as PROGRAM: the median and the range of the rounds' ratios. On a machine that others use, the seconds of
the processor say more."""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / ".deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
TEXTS = ("Apache-2.0", "Artistic", "BSD")


def run(*words):
    """Seconds of the processor and of the clock."""
    start = time.monotonic()
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{words[0]}: ended with status {status}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start


def capture(program, folder, tokens):
    return run(program, "sniff", "--quiet", "--overwrite", "--config", ROOT / "configs/demo.yaml",
               "--set", f"dataset.path={folder}/corpus", "--set", f"model.name={MODEL}",
               "--set", f"tokenizer.max_length={tokens}", "--set", f"output.data_root={folder}/dataset")


def analyze(program, folder, _):
    return run(program, "analyze", folder / "dataset", "--quiet", "--overwrite", "--method", "bucket,counted",
               "--error_bars", "jackknife", "--profiles", "--output_dir", folder / "analysis")


def show(name, times):
    """times: for each round the pairs (processor, clock) of both programs."""
    for at, what in enumerate(("processor", "clock")):
        first, second = ([pair[which][at] for pair in times] for which in (0, 1))
        ratios = [b / a for a, b in zip(first, second)]
        print(f"{name:8} {what:9} {statistics.median(first):7.2f} s {statistics.median(second):7.2f} s   "
              f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs=2, metavar="PROGRAM")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=1024)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "corpus").mkdir()
        for text in TEXTS:
            (folder / f"corpus/{text}.txt").write_bytes(pathlib.Path(f"/usr/share/common-licenses/{text}").read_bytes())
        for work in (capture, analyze):
            work(options.programs[0], folder, options.tokens)  # files are read, and the dataset is there
            show(work.__name__, [[work(program, folder, options.tokens) for program in options.programs]
                                 for _ in range(options.rounds)])


if __name__ == "__main__":
    main()
