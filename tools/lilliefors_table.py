#!/usr/bin/env python3
"""Simulates the Lilliefors statistic for the tables in lilliefors.cc: the tail probabilities of
D (sqrt(n) - 0.01 + 0.85 / sqrt(n)) for normal samples of size n.

    tools/lilliefors_table.py N SAMPLES        the tables: 20 1000000 and 400 600000"""

import sys

import numpy as np
from scipy.special import ndtr


def main():
    n, samples = int(sys.argv[1]), int(sys.argv[2])
    rng = np.random.default_rng(12345 + n)
    edges = np.arange(0.30, 1.72, 0.01)
    above, done = np.zeros(len(edges)), 0
    upper = np.arange(1, n + 1) / n
    while done < samples:
        count = max(1, min(samples - done, 4_000_000 // n))
        x = rng.standard_normal((count, n))
        x -= x.mean(1, keepdims=True)
        x /= x.std(1, ddof=1, keepdims=True)
        x.sort(1)
        p = ndtr(x)
        distance = np.maximum((upper - p).max(1), (p - (upper - 1 / n)).max(1))
        scaled = np.sort(distance * (np.sqrt(n) - 0.01 + 0.85 / np.sqrt(n)))
        above += count - np.searchsorted(scaled, edges, "left")
        done += count
    for edge, tail in zip(edges, above / done, strict=True):
        print(f"{edge:.2f} {tail:.7f}")


if __name__ == "__main__":
    main()
