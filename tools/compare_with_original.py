#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "torch==2.9.1", "transformers==5.1.0", "tokenizers==0.22.1", "datasets==4.4.1",
#   "pyarrow==22.0.0", "numpy==2.3.5", "huggingface_hub==1.4.1", "accelerate", "pyyaml",
#   "python-dotenv", "tqdm",
# ]
# ///
"""Compares the datasets of the original tool and qkscope for the same checkpoint, corpus and configs.
Files, rows, order, positions, buckets, ids, windows and token strings must be equal, and vectors
within 1e-5 of the largest value of their file. With --device torch:cpu qkscope computes with torch, in
the type of --dtype and with compat: reference, and the bits of vectors must be equal to those of the
original with batch_size 1 (with more it pads, and some bits depend on the documents of a batch); the Python
that runs the original needs the torch of the plugin.

    tools/compare_with_original.py --original PATH_OF_QK_SNIFFER [--qkscope build/release/qkscope]
                                   [--model FOLDER] [--work FOLDER]
                                   [--device torch:cpu --dtype bfloat16]
    tools/compare_with_original.py --original PATH --architectures [llama qwen3 ...]

Without --model, a tiny random Llama with its own tokenizer is made. With --architectures, two of
the cases are run with a tiny random model of each architecture. Exits with 1 on a difference."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq

import yaml

TOLERANCE = 1e-5
# name -> differences from the base config
CASES = {
    "uniform": {"capture": {"min_bucket_size": 16, "sampler": {"type": "uniform", "base_rate": 4.0}}},
    "log_uniform batch of 3": {
        "inference": {"batch_size": 3},
        "capture": {"min_bucket_size": 8, "sampler": {"type": "log_uniform", "base_rate": 4.0}},
    },
    "all, pre-RoPE, token strings": {
        "capture": {
            "min_bucket_size": 32, "sampler": {"type": "all"},
            "capture_pre_rope": True, "capture_token_strings": True,
        },
    },
    "head sampling, layers": {
        "capture": {
            "layers": [0, 2, 3], "head_sampling": {"count": 5, "seed": 7},
            "min_bucket_size": 16, "sampler": {"type": "uniform", "base_rate": 8.0},
        },
    },
    "row cap, running ids": {
        "dataset": {"id_column": None},
        "capture": {
            "max_rows_per_batch": 5, "min_bucket_size": 16,
            "sampler": {"type": "uniform", "base_rate": 8.0},
        },
    },
    "queries of two heads": {
        "capture": {
            "capture_keys": False, "heads": [1, 3], "min_bucket_size": 16,
            "sampler": {"type": "uniform", "base_rate": 8.0},
        },
    },
}


SIZES = {
    "vocab_size": 512, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 5,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
MINISTRAL3 = {
    "rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 32,
    "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0,
    "llama_4_scaling_beta": 0.1,
}  # fmt: skip
# model_type -> differences from SIZES; each case has what is special about its architecture
MODELS = {
    "llama": {"rope_theta": 10000.0},
    "mistral": {"sliding_window": 40, "head_dim": 24},
    "ministral": {"head_dim": 16, "sliding_window": 30, "layer_types": [
        "full_attention", "sliding_attention", "sliding_attention", "full_attention",
        "sliding_attention"]},
    "ministral3": {"head_dim": 32, "rope_parameters": MINISTRAL3},
    "qwen2": {"use_sliding_window": True, "sliding_window": 20, "max_window_layers": 3},
    "qwen3": {"head_dim": 32, "attention_bias": True, "rope_scaling": YARN},
    "gemma3_text": {"head_dim": 32, "sliding_window": 25, "sliding_window_pattern": 3,
                    "query_pre_attn_scalar": 24},
    "glm": {"head_dim": 16},
    "glm4": {"head_dim": 32, "attention_bias": False},
    "smollm3": {"rope_theta": 1e5, "use_sliding_window": True, "sliding_window": 33},
    "mllama_text_model": {"num_hidden_layers": 7, "cross_attention_layers": [1, 4]},
}  # fmt: skip
WRAPPED = ("ministral3", "gemma3_text", "mllama_text_model")
MODEL_CASES = ("uniform", "all, pre-RoPE, token strings")


def make_checkpoint(folder, model_type="llama"):
    import random

    import sweep_models
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    torch.manual_seed(0)
    config = {**SIZES, **MODELS[model_type]}
    sweep_models.build(model_type, dict(config)).save_pretrained(folder)
    if model_type in WRAPPED:
        sweep_models.wrap(folder, random.Random(0), model_type, config)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)


def texts():
    words = "the head reads where it stands and what it means , so we measure both 1 2 34 é 漢 ".split()
    state = 12345
    for document in range(7):
        out = []
        for _ in range(40 + 60 * document):
            state = (state * 1103515245 + 12345) % 2**31
            out.append(words[state // 65536 % len(words)])
        yield " ".join(out)


def make_corpus(folder):
    folder.mkdir(parents=True)
    with open(folder / "train.jsonl", "w", encoding="utf-8") as out:
        for index, text in enumerate(texts()):
            json.dump({"id": f"doc-{index}", "text": text}, out)
            out.write("\n")


def config_for(case, model, corpus, out, dtype):
    config = {
        "dataset": {"path": str(corpus), "split": "train", "text_column": "text", "id_column": "id"},
        "model": {"name": str(model), "dtype": dtype},
        "tokenizer": {"max_length": 256},
        "inference": {"batch_size": 1},
        "capture": {},
        "output": {"data_root": str(out)},
    }
    for section, values in case.items():
        config[section].update(values)
    return config


def run(command, cwd, what):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{what} failed (exit code {done.returncode}):\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def same_bits(left, right):
    """Of each pair of float32 numbers: 0 is not -0, and a NaN is itself."""
    return left.view(np.int32) == right.view(np.int32)


def compare_files(theirs, ours, tolerance):
    """Yields one line per difference; returns the worst relative error (as StopIteration.value)."""
    worst = 0.0
    a, b = pq.read_table(theirs), pq.read_table(ours)
    # example_id: theirs is the low 32 bits of ours
    for column in ("bucket", "position", "example_id", "sliding_window", "token_str"):
        if column not in a.column_names:
            if column in b.column_names:
                yield f"{column}: only ours has it"
            continue
        left, right = a[column].to_pylist(), b[column].to_pylist()
        if column == "example_id":
            right = [(v + 2**31) % 2**32 - 2**31 for v in right]
        if left != right:
            yield f"{column}: differs ({len(left)} and {len(right)} rows)"
            return worst
    left = np.array(a["vector"].to_pylist(), dtype=np.float32)
    right = np.array(b["vector"].to_pylist(), dtype=np.float32)
    if left.shape != right.shape:
        yield f"vector: shapes {left.shape} and {right.shape}"
        return worst
    wide = left.astype(np.float64)
    worst = float(np.abs(wide - right).max() / (np.abs(wide).max() or 1.0))
    equal = same_bits(left, right)
    # Written so that a NaN, whose distance is no number, is a difference.
    if not (worst <= tolerance if tolerance > 0 else equal.all()):
        yield f"vector: {worst:.2e} of the largest value, {equal.mean():.1%} of the bits are equal"
    return worst


def compare_datasets(theirs, ours, tolerance):
    def names(root):
        return sorted(p.parent.name for p in root.glob("*/data.parquet"))

    differences, worst, rows = [], 0.0, 0
    if names(theirs) != names(ours):
        differences.append(f"files: {names(theirs)} and {names(ours)}")
    for name in sorted(set(names(theirs)) & set(names(ours))):
        files = [root / name / "data.parquet" for root in (theirs, ours)]
        checker = compare_files(*files, tolerance)
        while True:
            try:
                differences.append(f"{name}: {next(checker)}")
            except StopIteration as stop:
                worst = max(worst, stop.value or 0.0)
                break
        rows += pq.read_metadata(theirs / name / "data.parquet").num_rows
    return differences, len(names(theirs)), rows, worst


def compare(args, work, label, name, model):
    """Runs both tools on one case, prints a line, and returns whether they differ."""
    roots = {}
    flags = ["--device", args.device] if args.device else []
    for tool, command in (
        ("theirs", [sys.executable, "sniff.py", "--config"]),
        ("ours", [str(args.qkscope.resolve()), "sniff", *flags, "--config"]),
    ):
        roots[tool] = work / f"{label}-{tool}"
        path = work / f"{label}-{tool}.yaml"
        config = config_for(CASES[name], model, work / "corpus", roots[tool], args.dtype)
        if args.device and tool == "ours":
            config["compat"] = "reference"
        if args.device and tool == "theirs":
            # It pads the documents of a batch, and the last bits of some rows depend on that.
            config["inference"]["batch_size"] = 1
        path.write_text(yaml.safe_dump(config))
        run([*command, str(path)], args.original if tool == "theirs" else work, f"{label}: {tool}")
    tolerance = 0.0 if args.device else TOLERANCE
    differences, files, rows, worst = compare_datasets(roots["theirs"], roots["ours"], tolerance)
    verdict = "DIFFERENT" if differences else "equal"
    print(f"{label:52} {verdict}: {files} files, {rows} rows, worst vector error {worst:.1e}",
          flush=True)  # fmt: skip
    for line in differences[:10]:
        print(f"    {line}")
    return bool(differences) or files == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--original", type=pathlib.Path, required=True)
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--architectures", nargs="*", choices=list(MODELS), metavar="MODEL_TYPE",
                        help="run two cases with a tiny model of each of these (default: of all)")  # fmt: skip
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/compare"))
    parser.add_argument("--device", help="of qkscope: torch:cpu (default: its own kernels)")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"],
                        help="model.dtype of both (default: float32)")  # fmt: skip
    args = parser.parse_args()
    if args.dtype != "float32" and not args.device:
        parser.error("--dtype: needs --device torch:cpu, since qkscope's own kernels compute in float32")
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_CACHE=str(args.work.resolve() / "cache"))
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    work = args.work.resolve()
    make_corpus(work / "corpus")
    failed = False
    if args.architectures is not None:
        for model_type in args.architectures or MODELS:
            make_checkpoint(work / model_type, model_type)
            for name in MODEL_CASES:
                failed |= compare(args, work, f"{model_type}: {name}", name, work / model_type)
        sys.exit(1 if failed else 0)
    model = args.model.resolve() if args.model else work / "model"
    if not args.model:
        make_checkpoint(model)
    for name in CASES:
        failed |= compare(args, work, name, name, model)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
