# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.9.1", "transformers==5.1.0", "gguf==0.19.0", "safetensors==0.8.0",
#                 "accelerate", "numpy==2.3.5"]
# ///
"""Records the bits that transformers gives for the tiny models of tests/data/models on this processor, in
tests/data/models/torch_bits.json: of each layer, a hash of the queries and keys before and after the rotary
embedding, in float32, bfloat16 and float16, attention as torch's dispatcher chooses it. tests/torch compares
captures on torch:cpu with them.

    python tools/make_torch_bits.py

Records of other processors are kept, those of another torch are not. One record is of torch as it is, one of
the code that it has for processors without AVX."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import make_reference as reference
import torch
import transformers

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "torch"))

import checkpoints  # noqa: E402

PLAIN = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"}
OUT = checkpoints.MODELS / "torch_bits.json"


def bits_of(folder, case, dtype):
    decoder = reference.decoder_of(reference.load(folder, reference.DTYPES[dtype], "sdpa"))
    ids = checkpoints.read_reference(case)["ids"][1]
    taken, _ = reference.record(decoder, list(ids))
    layers = range(len(case["windows"]))
    return [checkpoints.digest({site: taken[f"L{i}.{site}"].tobytes() for site in checkpoints.SITES})
            if f"L{i}.q_pre" in taken else None for i in layers]  # fmt: skip


def record():
    """{case: {dtype: [hash of each layer]}} in this process."""
    out = {}
    with tempfile.TemporaryDirectory() as work:
        for case in checkpoints.CASES:
            folder = pathlib.Path(work, case["name"])
            checkpoints.write_checkpoint(folder, case)
            out[case["name"]] = {dtype: bits_of(folder, case, dtype) for dtype in reference.DTYPES}
    return out


def run_with(variables):
    environment = {name: value for name, value in os.environ.items() if name not in PLAIN} | variables
    done = subprocess.run([sys.executable, __file__, "--print"], env=environment, check=True,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--print", action="store_true", help="one record, of this environment")
    if parser.parse_args().print:
        transformers.utils.logging.disable_progress_bar()
        print(json.dumps(record()))
        return
    known, processor = checkpoints.recorded_bits(), checkpoints.processor()
    records = [one for one in known["records"] if one["processor"] != processor and known["torch"] == torch.__version__]
    for variables in ({}, PLAIN):
        records.append({"processor": processor, "variables": variables, "bits": run_with(variables)})
    data = {"torch": torch.__version__, "transformers": transformers.__version__, "records": records}
    text = json.dumps(data, separators=(",", ":"))
    OUT.write_text(text.replace('{"processor"', '\n{"processor"').replace('},"', '},\n"') + "\n")


if __name__ == "__main__":
    main()
