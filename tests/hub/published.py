"""The 24 configurations that the original has published, as their facts: which model, tokenizer,
length, buckets and branch each names. The files themselves carry no licence, so they are not copied;
write_configs() writes equivalent ones, with the same keys and values. And, for the test Hub, tiny
repositories under the real names, with the architectures, wrappers and file layouts of the real ones."""

import json
import math
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/cli")]

import fixture_models  # noqa: E402
import fixtures  # noqa: E402

CORPUS = "viktoroo/longbench-pro-128k-plus"
CHECKPOINTS = "HuggingFaceTB/SmolLM3-3B-checkpoints"
YARN = {"rope_scaling": {"rope_type": "yarn", "factor": 4.0,
                         "original_max_position_embeddings": 32768}}
# Configuration: model, changes of the common values (section.key).
LARGE = {
    "llama3.1-8b": ("meta-llama/Llama-3.1-8B", {}),
    "llama3.2-11b": ("meta-llama/Llama-3.2-11B-Vision", {}),
    "llama3.2-1b": ("meta-llama/Llama-3.2-1B", {"inference.debug_logging": True}),
    "llama3.2-3b": ("meta-llama/Llama-3.2-3B", {}),
    "ministral3-14b": ("mistralai/Ministral-3-14B-Base-2512", {}),
    "ministral3-3b": ("mistralai/Ministral-3-3B-Base-2512", {}),
    "ministral3-8b": ("mistralai/Ministral-3-8B-Base-2512", {}),
    "mistral-v0.2-7b": ("mistralai/Mistral-7B-Instruct-v0.2", {"tokenizer.max_length": 32768}),
    **{f"qwen3-{size}b": (f"Qwen/Qwen3-{size}B", {"model.config_overrides": YARN})
       for size in ("0.6", "1.7", "4", "8", "14")},
}
SMOLLM3 = {
    **{f"lc-32k-to-64k-step-{step}": (65536, 4096) for step in (4000, 20000)},
    **{f"lc-4k-to-32k-step-{step}": (32768, 2048) for step in (4000, 20000)},
    **dict.fromkeys((
        "stage1-step-40000", "stage1-step-1200000", "stage1-step-2400000", "stage1-step-3440000",
        "stage2-step-4200000", "stage3-step-4720000"), (4096, 256)),
}
SAMPLE = {
    "model.dtype": "float16", "tokenizer.max_length": 512, "tokenizer.padding_side": "right",
    "tokenizer.trust_remote_code": False, "inference.autocast_dtype": "float16",
    "inference.debug_logging": True, "capture.capture_token_strings": False,
    "capture.min_bucket_size": 32, "output.hf_repo_id": "viktoroo/test-sniffer-qk",
    "output.private": False}


def config(model, tokenizer, branch, revision="main", **changes):
    value = {
        "dataset": {"path": CORPUS, "name": None, "split": "test", "text_column": "text",
                    "id_column": "id", "max_samples": None},
        "model": {"name": model, "revision": revision, "dtype": "bfloat16", "device_map": "auto",
                  "trust_remote_code": False},
        "tokenizer": {"name": tokenizer, "max_length": 131072, "padding": "longest"},
        "inference": {"batch_size": 1, "autocast_dtype": "bfloat16"},
        "capture": {"capture_queries": True, "capture_keys": True, "layers": None, "heads": None,
                    "head_sampling": {"count": 300, "seed": 0}, "full_attention_only": True,
                    "capture_pre_rope": False, "min_bucket_size": 8192,
                    "sampler": {"type": "uniform", "base_rate": 1.0}},
        "output": {"data_root": "data/attention-plasticity", "readme_path": "README.md",
                   "hf_repo_id": "viktoroo/sniffed-qk",
                   "hf_branch": f"{branch}-longbench-pro-128k-plus"}}
    for key, new in changes.items():
        section, name = key.split(".")
        value[section][name] = new
    return value


def configs():
    """{path of the file: its value}, 24 of them."""
    out = {f"attention-plasticity/{name}.yaml": config(model, model, name, **changes)
           for name, (model, changes) in LARGE.items()}
    for step, (length, bucket) in SMOLLM3.items():
        out[f"attention-plasticity/smollm3-checkpoints/{step}.yaml"] = config(
            CHECKPOINTS, "HuggingFaceTB/SmolLM3-3B", f"smollm3-3b-{step}", step,
            **{"tokenizer.max_length": length, "capture.min_bucket_size": bucket})
    small = "HuggingFaceTB/SmolLM2-135M"
    out["sample.yaml"] = config(small, small, "smollm2-135m", **SAMPLE)
    return out


def yaml_lines(value, indent=""):
    for key, item in value.items():
        if isinstance(item, dict):
            yield f"{indent}{key}:"
            yield from yaml_lines(item, indent + "  ")
        else:
            yield f"{indent}{key}: {item if isinstance(item, str) else json.dumps(item)}"


def write_configs(folder):
    """The files below a folder; returns their paths."""
    return [fixtures.write(f"{folder}/{name}", "\n".join(yaml_lines(value)) + "\n")
            for name, value in configs().items()]


# --- repositories

def architecture_of(model):
    """The case of tests/data/models/cases.json with the model's architecture, and its wrapper."""
    if model.startswith("Qwen/"):
        return "qwen3-plain", None
    if "Vision" in model:
        return "mllama-llama3", "mllama"
    if "Ministral-3" in model:
        return "ministral3-yarn", "mistral3"
    if "Mistral-7B" in model:
        return "mistral-head-dim", None
    if "SmolLM3" in model:
        return "smollm3-derived", None
    return ("llama-llama3" if model.startswith("meta-llama/") else "llama-plain"), None


def safetensors(tensors):
    header, end = {}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(d for _, d in tensors.values())


def tokenizer_files():
    vocabulary = {"[UNK]": 0, **{word: i + 1 for i, word in enumerate(fixtures.WORDS)}}
    return {
        "tokenizer.json": json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
            "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None,
            "decoder": None, "model": {"type": "WordLevel", "vocab": vocabulary,
                                       "unk_token": "[UNK]"}}).encode(),
        "tokenizer_config.json": json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}).encode(),
        "special_tokens_map.json": b"{}"}


def model_files(model, revision="main", cases=None):
    """{path: bytes}: config.json, two shards and their index, the tokenizer, and what must never be
    downloaded beside them. The weights differ from one revision to the next."""
    cases = cases or json.loads((fixture_models.DATA / "models/cases.json").read_text())
    name, wrapper = architecture_of(model)
    case = next(c for c in cases["cases"] if c["name"] == name)
    prefix, value = "", {**case["config"], "max_position_embeddings": 131072}
    if wrapper:
        prefix = "language_model."
        value = {"model_type": wrapper, "text_config": value,
                 "vision_config": {"model_type": "mllama_vision_model" if wrapper == "mllama"
                                   else "pixtral"}}
    tensors = {}
    for key, shape in cases["layouts"][case["tensors"]].items():
        numbers = fixture_models.weights(f"{key} {revision}" + (" norm" if "norm" in key else ""),
                                         math.prod(shape))
        tensors[prefix + key] = (shape, fixture_models.stored(numbers, "BF16"))
    if wrapper:
        tensors["vision_tower.patch_conv.weight"] = ([4, 4], bytes(32))
    names = list(tensors)
    shards = {f"model-0000{i + 1}-of-00002.safetensors": names[i::2] for i in range(2)}
    files = {shard: safetensors({n: tensors[n] for n in inside}) for shard, inside in shards.items()}
    index = {"metadata": {"total_size": sum(len(d) for _, d in tensors.values())},
             "weight_map": {n: shard for shard, inside in shards.items() for n in inside}}
    return files | tokenizer_files() | {
        "config.json": json.dumps(value).encode(), "README.md": f"# {model}\n".encode(),
        "model.safetensors.index.json": json.dumps(index).encode()} | UNWANTED


UNWANTED = {"pytorch_model.bin": b"unwanted" * 100, "original/consolidated.00.pth": b"unwanted" * 100,
            "model-Q4_K_M.gguf": b"unwanted" * 100, "onnx/model.onnx": b"unwanted" * 100,
            "consolidated.safetensors": b"unwanted" * 100}


def corpus_files():
    """As push_to_hub() writes a dataset with one split."""
    data = fixture_models.DATA / "hub/corpus.parquet"
    card = ("---\ndataset_info:\n  features:\n  - name: id\n    dtype: string\n  - name: text\n"
            "    dtype: string\n  splits:\n  - name: test\n    num_examples: 6\nconfigs:\n"
            "- config_name: default\n  data_files:\n  - split: test\n    path: data/test-*\n---\n")
    return {"README.md": card.encode(), "data/test-00000-of-00001.parquet": data.read_bytes()}


def add_repositories(hub, wanted=None):
    """Every repository that the configurations (values of configs()) name."""
    cases = json.loads((fixture_models.DATA / "models/cases.json").read_text())
    hub.add_repo("dataset", CORPUS, corpus_files())
    for value in wanted or configs().values():
        model, revision = value["model"]["name"], value["model"]["revision"]
        if revision == "main":
            hub.add_repo("model", model, model_files(model, cases=cases))
            continue
        if ("model", model) not in hub.repos:
            hub.add_repo("model", model, {"README.md": f"# {model}\n".encode()})
        hub.branch("model", model, revision, model_files(model, revision, cases))
        tokenizer = value["tokenizer"]["name"]
        if ("model", tokenizer) not in hub.repos:
            hub.add_repo("model", tokenizer, model_files(tokenizer, cases=cases))
