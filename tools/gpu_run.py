"""How a step of tools/check_gpu runs qkscope and keeps what it found."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

import yaml


class Step:
    """One step: where things are, and its result, a file that is written anew with every note."""

    def __init__(self, name, package, work, device, small):
        self.name, self.package, self.device, self.small = name, package, device, small
        self.work = work / name
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.shared = work / "shared"
        self.shared.mkdir(exist_ok=True)
        self.file = work / f"{name}.json"
        self.result = {"step": name, "device": device, "small": small, "passed": None}
        self.begin = time.monotonic()

    def note(self, **values):
        self.result |= values
        self.result["seconds"] = round(time.monotonic() - self.begin, 2)
        partial = self.file.with_suffix(".tmp")
        partial.write_text(json.dumps(self.result, indent=1))
        os.replace(partial, self.file)

    def require(self, what, holds):
        """A condition of the step; the step passes if all of them hold."""
        conditions = {**self.result.get("conditions", {}), what: bool(holds)}
        self.note(conditions=conditions, passed=all(conditions.values()))

    def attempt(self, what, function, *arguments):
        """What the function returns; if it fails, the reason is noted and None returned."""
        try:
            return function(*arguments)
        except Exception as error:  # one measurement that fails must not end the others
            reason = f"{type(error).__name__}: {str(error)[:600]}"
            self.note(errors={**self.result.get("errors", {}), what: reason})
            return None

    # qkscope

    def environment(self, **more):
        import torch

        libraries = f"{self.package / 'lib'}:{self.package / 'site' / 'pyarrow'}"
        return {**os.environ, "LD_LIBRARY_PATH": libraries, "HF_HUB_OFFLINE": "1",
                "QKSCOPE_TORCH_PLUGIN": str(self.package / "libqkscope_torch.so"),
                "QKSCOPE_TORCH_DIR": str(pathlib.Path(torch.__file__).parent), **more}

    def configuration(self, out, model, corpus, dtype, changes):
        config = {
            "dataset": {"path": str(corpus), "id_column": "id"},
            "model": {"name": str(model), "dtype": dtype},
            "tokenizer": {"max_length": 1024 if self.small else 131072}, "inference": {"autocast_dtype": dtype},
            "capture": {"sampler": {"type": "all"}, "min_bucket_size": 8},
            "output": {"data_root": str(out)}}
        for section, values in changes.items():
            config[section] = {**config[section], **values} if isinstance(values, dict) else values
        path = out.with_suffix(".yaml")
        path.write_text(yaml.safe_dump(config))
        return path

    def command(self, out, model, corpus, dtype, *flags, device=None, **changes):
        path = self.configuration(out, model, corpus, dtype, changes)
        return [str(self.package / "qkscope"), "sniff", "--config", str(path), "--device",
                device or self.device, *flags]

    def sniff(self, out, model, corpus, dtype, *flags, environment=None, code=0, **options):
        """Captures into the folder `out`; returns its seconds, and what it said."""
        command = self.command(out, model, corpus, dtype, "--overwrite", *flags, **options)
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env=self.environment(**(environment or {})))
        if done.returncode != code:
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr[-500:]}")
        return time.monotonic() - begin, done.stdout + done.stderr


def side_by_side(jobs, workers):
    """{name: result or exception} of {name: function}, several at a time."""
    out = {}
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(job): name for name, job in jobs.items()}
        for future in concurrent.futures.as_completed(futures):
            out[futures[future]] = future.exception() or future.result()
    return out


class PeakMemory:
    """The most memory of the device in use, as nvidia-smi reports it, while the block runs; in MiB."""

    def __enter__(self):
        self.most, self.ended = None, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def watch(self):
        command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        while not self.ended.wait(0.25):
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
            except (OSError, subprocess.TimeoutExpired):
                return
            found = re.findall(r"\d+", done.stdout)
            if found:
                self.most = max(self.most or 0, int(found[0]))

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
