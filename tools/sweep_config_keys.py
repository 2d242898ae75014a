# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.9.1", "transformers==5.1.0", "safetensors==0.8.0", "accelerate",
#                 "numpy==2.3.5"]
# ///
"""Changes every key of config.json, one at a time, in a tiny checkpoint of each architecture, and
compares what `qkscope verify` computes with what transformers computes.

    uv run tools/sweep_config_keys.py [--qkscope build/release/qkscope] [--only llama gemma3_text]
                                      [--keys sliding_window ...] [--table sweep.tsv]
                                      [--fixture tests/data/models/config_changes.json]

Keys: those of the configuration class, those that code for masks and rotary embeddings reads, and
those of related models. Values: other numbers, null, no key, wrong types, NaN. The text is longer
than every window. Each change falls into one class:

    follows          the vectors of transformers moved, ours are equal to them
    unmoved          the vectors of transformers did not move, ours are equal to them
    refused          we refuse what transformers computes
    both refuse      neither computes anything
    tolerated        the same, of a kind in `TOLERATED`
    only we run      transformers refuses, we compute
    WRONG            we compute other vectors than transformers

Prints a row per architecture and every case of the last two classes; exits with 1 if there is one.
"""

import argparse
import copy
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile

import make_reference as reference
import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file
from sweep_models import build

TOKENS = 40
ABSENT = object()
NAN = math.nan
SIZES = {
    "vocab_size": 96, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5, "pad_token_id": 0,
}  # fmt: skip
LLAMA3 = {"rope_type": "llama3", "rope_theta": 5e4, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}  # fmt: skip
YARN = {"rope_type": "yarn", "rope_theta": 5e4, "factor": 4.0, "attention_factor": 1.2,
        "beta_fast": 16.0, "beta_slow": 2.0, "mscale": 0.7, "mscale_all_dim": 0.5,
        "truncate": True, "original_max_position_embeddings": 16}  # fmt: skip
LONGROPE = {"rope_type": "longrope", "rope_theta": 5e4, "factor": 4.0, "attention_factor": 1.2,
            "short_factor": [1.0, 1.1, 1.2, 1.3], "long_factor": [2.0, 3.0, 4.0, 5.0],
            "original_max_position_embeddings": 16}  # fmt: skip
ROPES = {
    "default": {"rope_type": "default", "rope_theta": 5e4, "partial_rotary_factor": 0.5},
    "linear": {"rope_type": "linear", "rope_theta": 5e4, "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "rope_theta": 5e4, "factor": 4.0},
    "llama3": LLAMA3, "yarn": YARN, "longrope": LONGROPE,
}  # fmt: skip
# Every rope type of these is swept; the others share the code of one of them, and sweep one type.
ALL_ROPES = ("llama", "gemma3_text", "glm", "ministral3")
TYPES = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]


def bases(model_type):
    """Configurations to change, by name. The first has the class's own keys, the others vary rope."""
    own = {
        "llama": {"attention_bias": False, "mlp_bias": False},
        "mistral": {"sliding_window": 6},
        "ministral": {"sliding_window": 6, "layer_types": TYPES, "head_dim": 8},
        "ministral3": {"sliding_window": 6, "head_dim": 8,
                       "rope_parameters": {**YARN, "llama_4_scaling_beta": 0.3}},
        "qwen2": {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 2},
        "qwen3": {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 2,
                  "head_dim": 8, "attention_bias": False},
        "gemma3_text": {"sliding_window": 6, "head_dim": 8, "query_pre_attn_scalar": 12,
                        "sliding_window_pattern": 3, "rope_local_base_freq": 3000.0},
        "glm": {"head_dim": 8, "attention_bias": False},
        "glm4": {"head_dim": 8, "attention_bias": True},
        "smollm3": {"no_rope_layer_interval": 2, "use_sliding_window": True, "sliding_window": 6},
        "mllama_text_model": {"cross_attention_layers": [1]},
    }[model_type]  # fmt: skip
    first = {**SIZES, **own}
    if "rope_parameters" not in first:
        first["rope_theta"] = 5e4
    out = {"plain": first}
    plain = {key: value for key, value in first.items() if not key.startswith("rope")}
    for name, rope in ROPES.items():
        if model_type not in ALL_ROPES and name != "yarn":
            continue
        if model_type == "gemma3_text" and name == "yarn":
            continue  # transformers 5.1 trips over it, see TOLERATED
        if model_type == "gemma3_text":
            both = {"full_attention": dict(rope), "sliding_attention": {"rope_type": "default",
                                                                        "rope_theta": 3000.0}}
            out[name] = {**plain, "rope_parameters": both}
        elif model_type == "ministral3":
            out[name] = {**plain, "rope_parameters": {
                "original_max_position_embeddings": 16, **rope, "llama_4_scaling_beta": 0.3}}  # fmt: skip
        elif model_type.startswith("glm"):
            out[name] = {**plain, "partial_rotary_factor": 1.0, "rope_parameters": dict(rope)}
        else:
            out[name] = {**plain, "rope_parameters": dict(rope)}
    old = LLAMA3 if model_type == "gemma3_text" else YARN
    scaling = {key: value for key, value in old.items() if key != "rope_theta"}
    out["rope_scaling"] = {**plain, "rope_theta": 5e4, "rope_scaling": scaling}
    if own.get("layer_types") is None and model_type in ("qwen2", "qwen3", "smollm3", "gemma3_text"):
        out["layer_types"] = {**first, "layer_types": TYPES}
    if model_type == "smollm3":
        out["layer_types"]["no_rope_layers"] = [1, 0, 1, 1]
    return out


# Keys of other classes and of the code that all share, with values that would matter there.
FOREIGN = {
    "is_causal": [False, True, None], "is_decoder": [False, True, None],
    "use_bidirectional_attention": [True, False, None], "bidirectional": [True],
    "sliding_window": [6, 5, None, 0, -1, 64, "6", 6.0, 6.5, True, NAN],
    "use_sliding_window": [True, False, None, 1, "yes"], "max_window_layers": [0, 1, 3, 28, None],
    "sliding_window_pattern": [1, 2, 3, 6, None, 0],
    "layer_types": [TYPES, TYPES[::-1], ["full_attention"] * 4, TYPES[:3], TYPES + TYPES[:1], None,
                    ["chunked_attention"] * 4, ["linear_attention"] * 4, "full_attention", []],
    "no_rope_layers": [[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1], None, [True, False, True, True]],
    "no_rope_layer_interval": [2, 3, 1, 0, None], "attention_chunk_size": [8, None],
    "attn_logit_softcapping": [0.5, None], "final_logit_softcapping": [0.5, None],
    "query_pre_attn_scalar": [7, 24, None, "7", NAN, 0, -4], "attention_multiplier": [0.5],
    "embedding_multiplier": [3.0], "residual_multiplier": [0.3], "logits_scaling": [4.0],
    "scale_attn_weights": [False], "scale_emb": [2.0], "scale_depth": [1.4], "dim_model_base": [16],
    "qk_norm": [True], "use_qk_norm": [True], "qk_layernorm": [True], "attn_temperature_tuning": [True],
    "attention_bias": [True, False, None, 0, 1, "true"], "mlp_bias": [True, False, None, 0, 1, "true"],
    "qkv_bias": [True], "use_bias": [True], "bias": [True], "no_bias": [False],
    "partial_rotary_factor": [0.5, 0.25, 1.0, None, 0, 1.5, "0.5", NAN, 0.3],
    "rotary_pct": [0.5], "rotary_dim": [4], "rope_dim": [4], "rope_interleave": [True],
    "rope_theta": [1e3, None, 0, -1.0, "1e4", NAN, True, 1], "rope_local_base_freq": [1e3, None],
    "rope_scaling": [None, {}, {"type": "linear", "factor": 2.0}, {"rope_type": "yarn", "factor": 2.0},
                     {"type": "yarn", "rope_type": "linear", "factor": 2.0}, {"factor": 2.0},
                     {"type": "su", "factor": 2.0}, {"rope_type": "proportional"}, [], "linear",
                     {"type": "mrope", "mrope_section": [1, 1, 2]}, {"rope_type": None}],
    "rope_parameters": [None, {}, {"rope_theta": 1e3}, {"rope_type": "linear", "factor": 2.0},
                        {"type": "linear", "factor": 2.0}, {"full_attention": {"rope_theta": 1e3}},
                        {"full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e3},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 70.0}}, []],
    "original_max_position_embeddings": [16, None, "16", NAN],
    "max_position_embeddings": [32, 16, 8, None, "64", NAN, 64.0, 0],
    "head_dim": [8, 16, 4, None, 0, "8", 8.0, NAN], "num_key_value_heads": [None, 1, 4, 2.0, "2", 0, NAN],
    "rms_norm_eps": [1e-2, 0, None, "1e-5", NAN, -1.0, True, 1], "layer_norm_eps": [1e-2],
    "hidden_act": ["gelu", "gelu_new", "relu", "gelu_pytorch_tanh", "swish", "silu", "SiLU",
                   "quick_gelu", "gelu_fast", "gelu_10", "mish", None, 1, "nothing"],
    "hidden_activation": ["gelu", "silu", None, "relu"],
    "vocab_size": [95, 97, None, "96", 96.0, NAN], "hidden_size": [16, None, "32", 32.0, NAN],
    "intermediate_size": [47, None, "48", 48.0, NAN],
    "num_hidden_layers": [2, 3, 5, None, "4", 4.0, NAN, 0, True],
    "num_attention_heads": [2, 8, None, "4", 4.0, NAN, 0],
    "pruned_heads": [{}, {"0": [1]}, {"1": [0]}], "tie_word_embeddings": [True, False, None],
    "torch_dtype": ["float16", "bfloat16", None, "float32", "int8"], "dtype": ["bfloat16", None],
    "quantization_config": [None, {"quant_method": "fp8"}, {}],
    "auto_map": [{"AutoModel": "modeling_x.X"}], "text_config": [{"sliding_window": 3}, None],
    "is_encoder_decoder": [True, False, None], "add_cross_attention": [True], "pad_token_id": [1, None],
    "cross_attention_layers": [[], [0, 2], [1, 9], None, [1.0], "1"], "attention_dropout": [0.5, None],
    "hidden_dropout": [0.5], "pretraining_tp": [2], "use_cache": [False, None],
    "llama_4_scaling_beta": [0.5], "rope_type": ["linear"], "factor": [2.0], "initializer_range": [NAN],
    "layer_norm_epsilon": [1e-2], "norm_eps": [1e-2], "num_experts": [4], "num_local_experts": [4],
    "chunk_size_feed_forward": [2], "position_embedding_type": ["alibi"], "alibi": [True],
    "attn_implementation": ["eager"], "_attn_implementation": ["eager"], "architectures": [["X"], None],
    "transformers_version": ["4.0.0"], "model_type": [None, 1, "nothing"],
}  # fmt: skip
# Numbers and types for keys of the class that are not in FOREIGN.
GENERIC = [None, 2.5, "text", NAN]
IN_ROPE = {
    "rope_type": ["linear", "default", "yarn", "dynamic", "proportional", None, 1],
    "type": ["linear", "yarn", None], "rope_theta": [1e3, None, "1e4", NAN, 0, 1, True],
    "partial_rotary_factor": [0.5, 1.0, None, "x", NAN], "factor": [2.0, 2, 0.5, None, "2", NAN, 0, True],
    "original_max_position_embeddings": [32, 8, 8.0, None, "16", NAN, 0],
    "max_position_embeddings": [32, None], "low_freq_factor": [2.0, 1, None, "1", NAN, 0, 4.0],
    "high_freq_factor": [8.0, 8, None, "4", NAN, 0.5],
    "attention_factor": [1.0, 0.5, None, 0, -1.0, "1", NAN, 2, True], "beta_fast": [32.0, 8, None, 0, "x", NAN],
    "beta_slow": [1.0, 3, None, 0, "x", NAN], "mscale": [1.0, None, 0, "x", NAN],
    "mscale_all_dim": [1.0, None, 0, "x", NAN], "truncate": [False, None, 0, "x"],
    "short_factor": [[2.0, 2.0, 2.0, 2.0], [1, 1, 1, 1], [1.0], None, "x", [0.0, 1.0, 1.0, 1.0]],
    "long_factor": [[2.0, 2.0, 2.0, 2.0], [1, 1, 1, 1], [1.0], None, "x"],
    "llama_4_scaling_beta": [0.5, 0, None, "x", NAN], "finetuned": [True], "mrope_section": [[1, 1, 2]],
}  # fmt: skip
# Words of a refusal of transformers 5.1 -> why we may compute it all the same.
TOLERATED = {
    "Padding_idx must be within": "the default pad token is beyond the tiny vocabulary of this sweep",
    "'NoneType' object has no attribute 'get'": "quantization_config: null says that there is none",
    "KeyError: 'original_max_position_embeddings'": "yarn per layer type: a fault that later versions "
    "do not have",
}  # fmt: skip
LABELS = ("id2label", "label2id", "problem_type")  # of classifiers


def changed(config, path, value):
    out = copy.deepcopy(config)
    inner = out
    for key in path[:-1]:
        inner = inner[key]
    if value is ABSENT:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = copy.deepcopy(value)
    return out


def class_keys(model_type):
    if model_type == "mllama_text_model":
        settings = transformers.models.mllama.configuration_mllama.MllamaTextConfig()
    else:
        settings = transformers.CONFIG_MAPPING[model_type]()
    return [key for key in settings.to_dict() if not key.startswith("_")]


def changes(model_type, name, config):
    """(path, value) of every change of one configuration. A key that the configuration does not have
    and its class does not know gets fewer values."""
    for place in ("rope_parameters", "rope_scaling"):
        inner = config.get(place, {})
        objects = [(place,)] if "full_attention" not in inner else [(place, key) for key in inner]
        for path in objects if inner else []:
            found = inner if len(path) == 1 else inner[path[1]]
            for key, values in IN_ROPE.items():
                tried = [*values, ABSENT] if key in found else values[:3]
                yield from (((*path, key), value) for value in tried)
    if name == "plain":
        known = class_keys(model_type)
        for key in dict.fromkeys([*FOREIGN, *known]):
            values = FOREIGN.get(key, GENERIC)
            tried = [*values, ABSENT] if key in config or key in known or len(values) > 5 else values[:2]
            if key not in LABELS:
                yield from (((key,), value) for value in tried)
    else:
        keys = ["rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor",
                "original_max_position_embeddings", "max_position_embeddings"]  # fmt: skip
        if name == "layer_types":
            keys += ["layer_types", "sliding_window", "use_sliding_window", "no_rope_layers",
                     "num_hidden_layers", "sliding_window_pattern"]  # fmt: skip
        for key in keys:
            yield from (((key,), value) for value in [*FOREIGN[key], ABSENT])


class Bench:
    """One folder whose config.json changes and whose weights stay."""

    def __init__(self, folder, qkscope, model_type, config):
        self.folder, self.qkscope, self.model_type = folder, qkscope, model_type
        self.file = folder / "reference.safetensors"
        torch.manual_seed(0)
        build(model_type, copy.deepcopy(config)).save_pretrained(folder)
        weights = load_file(folder / "model.safetensors")
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        self.write(config)
        self.base = self.run_transformers()
        if isinstance(self.base, str):
            sys.exit(f"{model_type}: {config}: {self.base}")

    def write(self, config):
        out = {"model_type": self.model_type, **config}
        (self.folder / "config.json").write_text(json.dumps(out))

    def run_transformers(self):
        """Arrays and windows, or the sentence with which transformers refuses."""
        try:
            model = reference.load(self.folder)
            decoder = reference.decoder_of(model)
            ids = [(i * 37 + 11) % 90 for i in range(TOKENS)]
            taken, windows = reference.record(decoder, ids)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"
        if not all(np.isfinite(array).all() for array in taken.values()):
            return "numbers that are not finite"
        layers = [windows.get(i, "skipped") for i in range(len(decoder.layers))]
        return taken, [int(x) if isinstance(x, float) and x == x // 1 else x for x in layers]

    def run_qkscope(self, taken, windows):
        """PASS, FAIL, or the message of a refusal, against these arrays."""
        files = [reference.identity(path) for path in reference.model_files(self.folder)]
        ids = [(i * 37 + 11) % 90 for i in range(TOKENS)]
        metadata = {"format": reference.FORMAT, "model": "x", "files": json.dumps(files),
                    "transformers": transformers.__version__, "torch": torch.__version__,
                    "dtype": "float32", "windows": json.dumps(windows)}  # fmt: skip
        arrays = {**taken, "ids": np.array(ids, np.int32), "rows": np.arange(TOKENS, dtype=np.int32)}
        save_file(arrays, self.file, metadata=metadata)
        command = [self.qkscope, "verify", "--model", self.folder, "--reference", self.file, "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr).strip()
        if done.returncode not in (0, 1):
            return f"CRASH {done.returncode}: {said}"
        if done.returncode == 0:
            return "PASS"
        return "FAIL" if "FAIL" in said else said

    def classify(self, config):
        self.write(config)
        oracle = self.run_transformers()
        if isinstance(oracle, str):
            ours = self.run_qkscope(*self.base)
            if "CRASH" in ours:
                return "WRONG", oracle, ours
            ran = ours in ("PASS", "FAIL") or "reference" in ours
            known = any(words in oracle for words in TOLERATED)
            return ("tolerated" if known else "only we run") if ran else "both refuse", oracle, ours
        taken, windows = oracle
        ours = self.run_qkscope(taken, windows)
        same = windows == self.base[1] and taken.keys() == self.base[0].keys() and all(
            taken[k].shape == self.base[0][k].shape and np.allclose(taken[k], self.base[0][k], 1e-5, 1e-6)
            for k in taken)  # fmt: skip
        if ours == "PASS":
            return ("unmoved" if same else "follows"), "", ours
        if ours in ("FAIL",) or "CRASH" in ours or str(self.file) in ours:
            return "WRONG", "unmoved" if same else "moved", ours
        return "refused", "unmoved" if same else "moved", ours


CLASSES = ["follows", "unmoved", "refused", "both refuse", "tolerated", "only we run", "WRONG"]


def verdict(kind, oracle):
    """What transformers does with a change: moved, unmoved or refused."""
    if kind in ("follows", "unmoved"):
        return {"follows": "moved"}.get(kind, kind)
    return oracle if oracle in ("moved", "unmoved") else "refused"


def write_fixture(rows, path):
    """rows: (model_type, base, path of the key, value, verdict). For src/arch/config_changes_test.cc:
    the changes that transformers follows or refuses; one without a value removes the key."""
    out = {}
    for model_type, name, key, value, oracle in rows:
        if oracle == "unmoved" or name not in ("plain", "yarn", "layer_types"):
            continue
        config = {"model_type": model_type, **bases(model_type)[name]}
        entry = out.setdefault(f"{model_type} {name}", {"config": config, "changes": []})
        entry["changes"].append([list(key), oracle, *([] if value is ABSENT else [value])])
    lines = [f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}"
             for name, entry in out.items()]  # fmt: skip
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def shown(value):
    return "absent" if value is ABSENT else json.dumps(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--keys", nargs="*", default=None)
    parser.add_argument("--table", type=pathlib.Path, help="write every case to this file")
    parser.add_argument("--fixture", type=pathlib.Path, help="write the verdicts of transformers")
    options = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity(transformers.utils.logging.CRITICAL)
    torch.set_num_threads(1)
    names = ["llama", "mistral", "ministral", "ministral3", "qwen2", "qwen3", "gemma3_text", "glm",
             "glm4", "smollm3", "mllama_text_model"]  # fmt: skip
    table = open(options.table, "w") if options.table else None
    rows, bad = [], 0
    for model_type in options.only or names:
        counts = dict.fromkeys(CLASSES, 0)
        for name, config in bases(model_type).items():
            folder = pathlib.Path(tempfile.mkdtemp())
            bench = Bench(folder, options.qkscope.resolve(), model_type, config)
            for path, value in changes(model_type, name, config):
                if options.keys and path[-1] not in options.keys:
                    continue
                kind, oracle, ours = bench.classify(changed(config, path, value))
                counts[kind] += 1
                rows.append((model_type, name, path, value, verdict(kind, oracle)))
                row = "\t".join([model_type, name, ".".join(path), shown(value), kind,
                                 oracle.replace("\n", " ")[:160],
                                 ours.replace(str(folder), "").replace("\n", " ")[:240]])  # fmt: skip
                if table:
                    print(row, file=table, flush=True)
                if kind in ("only we run", "WRONG"):
                    bad += 1
                    print(row, flush=True)
            shutil.rmtree(folder)
        print(f"{model_type:18}", "  ".join(f"{kind}: {n}" for kind, n in counts.items()), flush=True)
    if options.fixture:
        write_fixture(rows, options.fixture)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
