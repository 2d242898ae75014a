#!/usr/bin/env python3
"""Writes tests/data/plasticity/large_positions.json: a table of queries, and the statistics of its line
and of log2(position + 1) for the same positions moved by up to 2^53, in fractions and decimals of 60
digits. Needs nothing but Python's standard library."""

import decimal
import fractions
import json
import pathlib
import random

OUT = pathlib.Path(__file__).parent.parent / "tests/data/plasticity/large_positions.json"
SHIFTS = (0, 2**20, 2**31, 2**40, 2**40 + 12345, 2**52, 2**53 - 600)
ROWS, DIM, MAX_POSITION = 40, 3, 500


def to_decimal(number):
    return decimal.Decimal(number.numerator) / decimal.Decimal(number.denominator)


def mean(numbers):
    return sum(numbers) / len(numbers)


def statistics(positions, vectors):
    n = len(positions)
    centered = [fractions.Fraction(t * n - sum(positions), n) for t in positions]
    square = sum(t * t for t in centered)
    slopes, r2 = [], []
    for column in zip(*vectors):
        values = [fractions.Fraction(x) for x in column]
        around = [x - mean(values) for x in values]
        slope = sum(t * x for t, x in zip(centered, around)) / square
        slopes.append(slope)
        left = sum((x - slope * t) ** 2 for t, x in zip(centered, around))
        r2.append(1 - left / sum(x * x for x in around))
    norm = to_decimal(sum(slope * slope for slope in slopes)).sqrt()
    along = [to_decimal(sum(s * fractions.Fraction(x) for s, x in zip(slopes, row))) / norm
             for row in vectors]
    along = [s - mean(along) for s in along]
    logs = [decimal.Decimal(t + 1).ln() / decimal.Decimal(2).ln() for t in positions]
    logs = [y - mean(logs) for y in logs]
    rate = sum(s * y for s, y in zip(along, logs)) / sum(s * s for s in along)
    left = [y - rate * s for s, y in zip(along, logs)]
    return {"q_R2_pos": mean(r2), "q_beta_norm": norm,
            "q_R2_scalar": 1 - sum(e * e for e in left) / sum(y * y for y in logs),
            "q_mae_baseline": mean([abs(y) for y in logs]),
            "q_mae_proj": mean([abs(e) for e in left])}


def main():
    decimal.getcontext().prec = 60
    draw = random.Random(11)
    positions = [draw.randrange(MAX_POSITION) for _ in range(ROWS)]
    vectors = [[(draw.randrange(-256, 256) + (j - 1) * t) / 256 for j in range(DIM)]
               for t in positions]
    table = {"position": positions, "bucket": [t // 64 for t in positions],
             "example_id": [i % 4 for i in range(ROWS)], "vector": vectors}
    cases = [{"shift": shift, **{name: float(value) for name, value in
                                 statistics([t + shift for t in positions], vectors).items()}}
             for shift in SHIFTS]
    OUT.write_text(json.dumps({"table": table, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
