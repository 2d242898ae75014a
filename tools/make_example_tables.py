#!/usr/bin/env python3
"""Writes synthetic tables of any size in the format of `qkscope analyze`, to try figures with.

usage: make_example_tables.py OUTPUT LAYERS HEADS KEY_HEADS BUCKETS COMPONENTS [FIRST_BUCKET]

    python3 tools/make_example_tables.py /tmp/small 6 5 5 16 64
    python3 tools/make_example_tables.py /tmp/large 48 30 6 24 128

The same arguments give the same bytes."""

import math
import os
import random
import sys


def clip(value):
    return min(1.0, max(0.0, value))


def write_buckets(path, heads, num_buckets, first, numbers):
    with open(path, "w", encoding="ascii") as out:
        out.write("layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n")
        for layer, q_head, k_head in heads:
            level = numbers.betavariate(2, 2)
            slope, decay = numbers.gauss(0, 0.2), numbers.expovariate(1 / 0.15)
            for q_bucket in range(num_buckets):
                for k_bucket in range(q_bucket):
                    value = clip(level + slope * q_bucket / num_buckets
                                 - decay * (q_bucket - k_bucket) / num_buckets
                                 + numbers.gauss(0, 0.03))
                    text = "" if numbers.random() < 0.01 else repr(value)
                    out.write(f"{layer},{q_head},{k_head},{first + q_bucket},{first + k_bucket},"
                              f"{text}\n")


def write_components(path, heads, num_components, numbers):
    with open(path, "w", encoding="ascii") as out:
        out.write("layer,q_head,k_head,component,component_r2,component_weight\n")
        for layer, q_head, k_head in heads:
            weights = [numbers.expovariate(1) * math.exp(-2 * component / num_components)
                       for component in range(num_components)]
            total = sum(weights)
            for component, weight in enumerate(weights):
                out.write(f"{layer},{q_head},{k_head},{component},{0.3 * weight / total!r},"
                          f"{weight / total!r}\n")


def main():
    folder = sys.argv[1]
    num_layers, num_heads, num_key_heads, num_buckets, num_components = map(int, sys.argv[2:7])
    first = int(sys.argv[7]) if len(sys.argv) > 7 else 0
    numbers = random.Random(0)
    group = num_heads // num_key_heads
    heads = [(layer, q_head, q_head // group)
             for layer in range(num_layers) for q_head in range(num_heads)]
    os.makedirs(folder, exist_ok=True)
    write_buckets(f"{folder}/head_bucket_plasticity.csv", heads, num_buckets, first, numbers)
    write_components(f"{folder}/head_component_weights.csv", heads, num_components, numbers)


if __name__ == "__main__":
    main()
