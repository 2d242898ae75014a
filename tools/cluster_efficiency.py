#!/usr/bin/env python3
"""The tables of expected efficiency in docs/cluster.md: computed, not measured.

usage: cluster_efficiency.py [--documents 500] [--seed 0]

A document of L tokens takes t = a L + b L^2 seconds; the rates of ranks differ by 3 % (standard
deviation, fixed for a run). Lengths are either all 131,072 tokens or log-normal with a median of 48,000
and a spread of 0.8, cut to 131,072. Shards are documents with index mod N; a slot takes the next shard
when it is free. Under MPI rank 0 hands out the longest of a window of 4 documents a rank. A document that is
parked ends with the layer in progress; its state, float32 of hidden_size for each token, is written and read."""

import argparse
import heapq
import math
import random

LONGEST = 131072
# A model of 8B parameters in 32 layers of width 4096: 2 FLOP for each parameter and token, and causal
# attention with 2 n^2 FLOP for each layer and component.
LINEAR, SQUARE = 2 * 8.0e9, 2 * 32 * 4096
GPU = 600e12       # FLOP/s
CPU = 5e12
START, END = 20, 10  # seconds before the first document and after the last: weights, digests; files
WINDOW = 4         # documents a rank that rank 0 holds
DISK = 1e9         # bytes/s, of the state of a document that is parked
SEEDS = 20


def seconds(tokens, rate):
    return (LINEAR * tokens + SQUARE * tokens * tokens) / rate


def lengths(kind, count, rng):
    if kind == "equal":
        return [LONGEST] * count
    return [min(LONGEST, max(1, round(rng.lognormvariate(math.log(48000), 0.8))))
            for _ in range(count)]


def rates(ranks, rng, slow=False):
    out = [max(0.5, rng.gauss(1, 0.03)) for _ in range(ranks)]
    if slow:
        out[0] = 0.8
    return out


def play(tasks, speed):
    """Seconds until the last of `tasks` is done: whoever is free takes the next one."""
    free = [(0.0, rank) for rank in range(len(speed))]
    for task in tasks:
        at, rank = heapq.heappop(free)
        heapq.heappush(free, (at + task / speed[rank], rank))
    return max(at for at, _ in free)


def shards(times, count, speed):
    return play([sum(times[i::count]) for i in range(count)], speed)


def window(times, speed):
    """The longest of the first WINDOW documents a rank that have not been handed out."""
    size = WINDOW * len(speed)
    waiting = [-t for t in times[:size]]
    heapq.heapify(waiting)
    order = []
    for t in times[size:]:
        order.append(-heapq.heapreplace(waiting, -t))
    order += sorted((-t for t in waiting), reverse=True)
    return play(order, speed)


def mean(values):
    return sum(values) / len(values)


def percent(value):
    return f"{100 * value:.0f}"


def efficiency_row(ranks, args):
    cells = []
    wall = []
    for kind in ("equal", "uneven"):
        found = {"one": [], "four": [], "mpi": [], "slow four": [], "slow mpi": []}
        for seed in range(SEEDS):
            rng = random.Random(f"{args.seed} {seed} {ranks} {kind}")
            times = [seconds(n, GPU) for n in lengths(kind, args.documents, rng)]
            for name, slow in (("", False), ("slow ", True)):
                speed = rates(ranks, rng, slow)
                ideal = sum(times) / sum(speed)
                if not slow:
                    found["one"].append(ideal / shards(times, ranks, speed))
                    wall.append(window(times, speed) + START + END)
                found[name + "four"].append(ideal / shards(times, 4 * ranks, speed))
                found[name + "mpi"].append(ideal / window(times, speed))
        cells += [percent(mean(found["one"])),
                  f"{percent(mean(found['four']))} ({percent(mean(found['slow four']))})",
                  f"{percent(mean(found['mpi']))} ({percent(mean(found['slow mpi']))})"]
        if kind == "equal":
            elapsed = mean(wall)
            total = args.documents * seconds(LONGEST, GPU) / ranks
            cells += [f"{elapsed / 60:,.0f} min" if elapsed > 600 else f"{elapsed:.0f} s",
                      percent(total / elapsed)]
    return cells


def room(job):
    """Seconds of a job in which documents may be computed."""
    return job - START - min(120, max(1, 0.02 * job))


def useful(job, document):
    """The share of a job's time that goes into documents: none is begun that would not end in time."""
    return max(0, int(room(job) // document)) * document / job


def parked(job, document, layers, width):
    """The same if documents are parked: half a layer is lost, and the time for the state."""
    state = LONGEST * width * 4
    return (room(job) - document / layers / 2 - 2 * state / DISK) / job


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("| ranks or slots | equal: one shard a slot | four | MPI | wall time of MPI | of the ideal | "
          "uneven: one shard a slot | four | MPI |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for ranks in (1, 8, 16, 32, 64, 128):
        print(f"| {ranks} | " + " | ".join(efficiency_row(ranks, args)) + " |")
    print()
    print("| a document of 131,072 tokens takes | job of 1 h | 4 h | 12 h | 24 h | parked: 1 h | 4 h | 12 h |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for title, factor, rate, layers, width in (("8B on a GPU", 1, GPU, 32, 4096), ("8B on a CPU node", 1, CPU, 32, 4096),
                                               ("70B on a CPU node", 6.2, CPU, 80, 8192)):
        document = factor * seconds(LONGEST, rate)
        time = f"{document:.0f} s" if document < 100 else f"{document / 60:.0f} min"
        shares = [useful(hours * 3600, document) for hours in (1, 4, 12, 24)]
        shares += [parked(hours * 3600, document, layers, width) for hours in (1, 4, 12)]
        print(f"| {title}: {time} | " + " | ".join(f"{percent(share)} %" for share in shares) + " |")


if __name__ == "__main__":
    main()
