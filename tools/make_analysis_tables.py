#!/usr/bin/env python3
"""Writes the tables of an analysis that figures read, with made-up but realistic numbers.

usage: make_analysis_tables.py OUTPUT [--layers 30] [--heads 9] [--buckets 16] [--log]

Plasticity falls with distance, not with position; every third layer has a window of 512 tokens; few
documents reach the last buckets; the method linear is too high in the middle of the document. A second
run gives the same bytes."""

import argparse
import json
import pathlib
import random

METHODS = ("bucket", "linear", "counted")
WIDTH = 256
DOCUMENTS = (48, 48, 46, 41, 37, 30, 26, 22, 17, 14, 11, 9, 6, 4, 2, 1)
HEAD = "layer,q_head,k_head"
DETAILS = (HEAD + ",method,q_bucket,k_bucket,q_from,q_to,k_from,k_to,queries,pairs,documents,"
           "ap_bucket,ci_low,ci_high,std_error,note")
POSITIONS = (HEAD + ",method,reach,q_bucket,position_from,position_to,queries,documents,pairs,ap_mean,"
             "ci_low,ci_high,std_error,drift_mean,drift_sd,q_norm,k_norm,note")
TRENDS = HEAD + ",method,trend,reach,documents,cells,slope,ci_low,ci_high,std_error,unit,note"
CURVES = ("curve,heads,method,reach,bucket,center,from,to,num_heads,documents,ap_mean,ci_low,ci_high,"
          "std_error,note")
DIAGNOSTICS = (HEAD + ",documents,window,position_share,position_share_low,position_share_high,"
               "position_share_std_error,position_floor,bucket_R2,line_share,score_ks_distance,"
               "score_ks_floor,score_skew,score_kurt,warning")
ROPE_PAIRS = (HEAD + ",rope_set,pair,first_component,second_component,wavelength,line_R2,bucket_R2,"
              "floor,position_share")


class Tables:
    def __init__(self, args):
        self.numbers = random.Random(11)
        self.log = args.log
        self.buckets = args.buckets
        self.heads = [(layer, head, head // 3) for layer in range(args.layers)
                      for head in range(args.heads)]
        self.cells = {method: {head: self.head_cells(head, method) for head in self.heads}
                      for method in METHODS}

    def bounds(self, bucket):
        if self.log:
            return (2**bucket - 1 if bucket > 0 else 0), 2**(bucket + 1) - 2
        return bucket * WIDTH, (bucket + 1) * WIDTH - 1

    def center(self, bucket):
        return 2**(bucket + 0.5) if self.log else (bucket + 0.5) * WIDTH

    def documents(self, bucket):
        return DOCUMENTS[bucket * len(DOCUMENTS) // self.buckets]

    def window(self, head):
        return None if head[0] % 3 == 0 else 512

    def head_cells(self, head, method):
        own = random.Random(f"{head}")
        level, slope = own.gauss(0.66, 0.09), own.gauss(-0.014, 0.012)
        noise = random.Random(f"{head} {method}")
        out = {}
        for q in range(1, self.buckets):
            for k in range(q):
                if self.window(head) and self.bounds(q)[0] - self.bounds(k)[1] >= 512:
                    continue
                value = level + slope * (q - k) + noise.gauss(0, 0.02)
                value += 0.004 * (q - 8) * own.random()
                if method == "linear":
                    value += 0.07 * max(0, 1 - abs(q - 6) / 6)
                out[q, k] = min(max(value, 0.01), 0.99)
        return out

    def groups(self):
        yield "all", self.heads
        yield "full_attention", [head for head in self.heads if not self.window(head)]
        yield "window_512", [head for head in self.heads if self.window(head)]

    def interval(self, value, documents):
        """A few numbers as text: interval and standard error, or none."""
        if documents < 3:
            return ["", "", "", "documents"]
        error = 0.09 / documents**0.5
        return [repr(value - 2 * error), repr(value + 2 * error), repr(error), ""]

    def details(self):
        for head in self.heads:
            for method in METHODS:
                for (q, k), value in self.cells[method][head].items():
                    documents = self.documents(q)
                    yield [*head, method, q, k, *self.bounds(q), *self.bounds(k), 8 * documents,
                           200 * documents, documents, repr(value),
                           *self.interval(value, documents)]

    def curve(self, head, method):
        by_bucket = {}
        for (q, _), value in self.cells[method][head].items():
            by_bucket.setdefault(q, []).append(value)
        return {q: sum(values) / len(values) for q, values in by_bucket.items()}

    def positions(self):
        for head in self.heads:
            for method in METHODS:
                for q, value in self.curve(head, method).items():
                    documents = self.documents(q)
                    yield [*head, method, "", q, *self.bounds(q), 8 * documents, documents,
                           900 * documents, repr(value), *self.interval(value, documents)[:3], 0.1,
                           1.0, 9.5, 8.25, self.interval(value, documents)[3]]

    def trends(self):
        for head in self.heads:
            for method in METHODS:
                for trend in ("position", "distance", "curve"):
                    slope = self.numbers.gauss({"position": 0.004, "distance": -0.05,
                                                "curve": -0.02}[trend], 0.02)
                    interval = [repr(slope - 0.025), repr(slope + 0.025), 0.0125]
                    if head == self.heads[1]:
                        interval = ["", "", ""]
                    yield [*head, method, trend, "", 48, 120, repr(slope), *interval,
                           "per doubling" if self.log else "per 1000 tokens", ""]

    def curves(self):
        for name, heads in self.groups():
            for method in METHODS:
                for curve, key in (("position", 0), ("distance", None)):
                    yield from self.mean_rows(name, heads, method, curve, key)

    def mean_rows(self, name, heads, method, curve, key):
        by_head = {}
        for head in heads:
            own = {}
            for (q, k), value in self.cells[method][head].items():
                own.setdefault(q if key == 0 else q - k, []).append(value)
            for bucket, values in own.items():
                by_head.setdefault(bucket, []).append(sum(values) / len(values))
        reaches = ["", *(self.buckets * part // 4 for part in (1, 2, 3))] if key == 0 else [""]
        for reach in reaches:
            for bucket, values in sorted(by_head.items()):
                documents = self.documents(bucket if key == 0 else min(bucket + 1, self.buckets - 1))
                if reach != "":
                    documents = min(documents, self.documents(reach))
                mean = sum(values) / len(values)
                mean += 0.0 if reach == "" else 0.003 * reach / self.buckets
                center = self.center(bucket) if key == 0 else bucket * WIDTH
                first, last = self.bounds(bucket) if key == 0 else ("", "")
                yield [curve, name, method, reach, bucket, repr(center), first, last, len(values),
                       documents, repr(mean), *self.interval(mean, documents)]

    def diagnostics(self):
        for head in self.heads:
            window = self.window(head)
            yield [*head, 48, "" if window is None else window, 0.2, 0.15, 0.25, 0.02, 0.03, 0.1,
                   0.5, 0.04, 0.02, 0.1, 0.2, ""]

    def rope_pairs(self):
        for head in self.heads:
            base = 1e6 if not self.window(head) else 1e4
            name = 0 if not self.window(head) else 1
            for pair in range(32):
                wavelength = 6.283185307179586 * base**(pair / 32)
                share = 0.5 / (1 + (wavelength / 3000)**2) + abs(self.numbers.gauss(0, 0.05))
                share *= min(1, wavelength / 60)
                yield [*head, name, pair, pair, pair + 32, repr(wavelength), repr(share / 3),
                       repr(share), 0.02, repr(share)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--heads", type=int, default=9)
    parser.add_argument("--buckets", type=int, default=16)
    parser.add_argument("--log", action="store_true")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    tables = Tables(args)

    def write(name, header, rows):
        lines = [header] + [",".join(str(field) for field in row) for row in rows]
        (args.output / name).write_text("\n".join(lines) + "\n", encoding="ascii")

    write("head_bucket_details.csv", DETAILS, tables.details())
    write("head_positions.csv", POSITIONS, tables.positions())
    write("head_trends.csv", TRENDS, tables.trends())
    write("mean_curves.csv", CURVES, tables.curves())
    write("head_diagnostics.csv", DIAGNOSTICS, tables.diagnostics())
    write("head_rope_pairs.csv", ROPE_PAIRS, tables.rope_pairs())
    write("head_metrics.csv", HEAD + ",ap_overall", [[*head, 0.5] for head in tables.heads])
    write("head_component_weights.csv", HEAD + ",component,component_r2,component_weight",
          [[*head, j, 0.1, (j + 1) / 36 if head[0] else 0.125] for head in tables.heads
           for j in range(8)])
    write("head_bucket_plasticity.csv", HEAD + ",q_bucket,k_bucket,ap_bucket",
          ([*head, q, k, repr(value)] for head in tables.heads
           for (q, k), value in tables.cells["bucket"][head].items()))
    record = {"program": "qkscope", "method": "bucket", "methods": METHODS, "confidence": 0.95,
              "buckets": {"type": "log"} if args.log else {"type": "uniform", "width": WIDTH},
              "tables": {"heads": "head_metrics.csv", "buckets": "head_bucket_plasticity.csv",
                         "components": "head_component_weights.csv",
                         "details": "head_bucket_details.csv", "positions": "head_positions.csv",
                         "trends": "head_trends.csv", "curves": "mean_curves.csv",
                         "diagnostics": "head_diagnostics.csv",
                         "rope_pairs": "head_rope_pairs.csv"}}
    (args.output / "head_metrics.csv.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
