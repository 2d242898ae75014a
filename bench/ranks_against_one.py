#!/usr/bin/env python3
"""Measures one process with all cores, and MPI ranks that share the same cores, in turn: wall time of the
whole run, its efficiency against one process, and the start-up (the run of one short document).

    bench/ranks_against_one.py --model FOLDER [--mpirun mpirun.openmpi] [--ranks 2] [--rounds 3]
        [--tokens 512] [--documents 24] [--json OUT]

FOLDER is a Hugging Face checkpoint (tools/smollm2_checkpoint.py makes one from the demo's model). On one
machine ranks have no more cores than one process: what is seen here is what dealing documents, messages, journals
and the shared finishing cost, less what processes of one thread gain. The datasets must be equal, byte for byte."""

import argparse
import datetime
import filecmp
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

import against_original as base

LOOPBACK = {"OMPI_MCA_btl_tcp_if_include": "lo", "FI_PROVIDER": "tcp", "FI_TCP_IFACE": "lo",
            "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_rmaps_base_oversubscribe": "1"}  # fmt: skip


def run_once(args, work, num_ranks, corpus, tokens):
    config, folder = work / "config.yaml", work / f"out-{num_ranks}"
    shutil.rmtree(folder, ignore_errors=True)
    base.write_config(config, args.model.resolve(), corpus, tokens, folder)
    threads = max(1, len(os.sched_getaffinity(0)) // num_ranks)
    command = [str(args.qkscope.resolve()), "sniff", "--config", str(config), "--quiet"]
    if num_ranks > 1:
        command = [args.mpirun, "--bind-to", "none", "-n", str(num_ranks), *command,
                   "--threads", str(threads)]  # fmt: skip
    start = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **LOOPBACK})
    return time.monotonic() - start


def same_bytes(one, other):
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    others = sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    return files == others and all(filecmp.cmp(one / f, other / f, shallow=False) for f in files)


def first_line(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0]


def machine_of(args):
    """What the numbers depend on. `load`: of the last minute before them, 0 if nothing else runs."""
    return {"date": datetime.date.today().isoformat(), "processor": base.processor(),
            "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0],
            "qkscope": first_line([str(args.qkscope.resolve()), "--version"]),
            "mpi": first_line([args.mpirun, "--version"])}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--mpirun", default="mpirun.openmpi")
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/bench-work"))
    parser.add_argument("--ranks", type=int, nargs="*", default=[2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--documents", type=int, default=24)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    work = args.work.resolve()
    corpora = {"start": (work / "one", 1, 16), "run": (work / "all", args.documents, args.tokens)}
    for corpus, documents, tokens in corpora.values():
        base.make_corpus(corpus, documents, tokens)
    machine = machine_of(args)
    seconds = {(what, ranks): [] for what in corpora for ranks in [1, *args.ranks]}
    for _ in range(args.rounds):
        for (what, ranks), measured in seconds.items():
            corpus, _, tokens = corpora[what]
            measured.append(run_once(args, work, ranks, corpus, tokens))
            if ranks > 1 and not same_bytes(work / "out-1", work / f"out-{ranks}"):
                raise SystemExit(f"{ranks} ranks wrote other bytes than one process")
    out = {"machine": machine, "tokens": args.tokens, "documents": args.documents,
           "rounds": args.rounds, "results": {}}  # fmt: skip
    for ranks in [1, *args.ranks]:
        start = statistics.median(seconds["start", ranks])
        whole = statistics.median(seconds["run", ranks])
        efficiency = statistics.median(seconds["run", 1]) / whole
        out["results"][ranks] = {"start_s": start, "run_s": whole, "efficiency": efficiency,
                                 "start_samples_s": seconds["start", ranks],
                                 "run_samples_s": seconds["run", ranks]}  # fmt: skip
        print(f"{ranks} process{'es' if ranks > 1 else ''}: one short document {start:.2f} s, "
              f"{args.documents} x {args.tokens} tokens {whole:.2f} s, efficiency {efficiency:.2f}")
    if args.json:
        args.json.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
