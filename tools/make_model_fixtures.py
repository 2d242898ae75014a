# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.9.1", "transformers==5.1.0", "safetensors==0.8.0", "numpy==2.3.5"]
# ///
"""Reference queries and keys of tiny models, for tests/data/models/.

    uv run tools/make_model_fixtures.py [--cases llama qwen3 ...] [--out tests/data/models]

Each case is a configuration whose weights are derived from the names of the tensors (see `weights`).
The tests generate the same checkpoint, so only configuration and reference are stored:

    cases.json                     the cases: configuration, the window of each layer (null: none), and
                                   tensors with their shapes
    <case>.safetensors             ids [tokens] and rows [rows], int32;
                                   L<layer>.<q|k>_<pre|post> [rows, heads, head_dim], float32
    long.safetensors               layer 0 at positions up to 131071, and the frequencies used

    defaults.json                  the default configuration of each class

Hugging Face runs in float32 with eager attention (one case: SDPA) on one row of ids.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
import transformers
from make_reference import record
from safetensors.numpy import save_file

BASE = {
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 5,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
    "pad_token_id": 0,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
LONGROPE = {
    "rope_type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.3],
    "long_factor": [2.0, 3.0, 4.0, 5.0],
}  # fmt: skip
MINISTRAL3 = {
    "type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 8,
    "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0,
    "llama_4_scaling_beta": 0.1,
}  # fmt: skip
GEMMA = {"num_hidden_layers": 7, "head_dim": 16, "sliding_window": 6}
CASES = {
    "llama-plain": ("llama", {}),
    "llama-mqa": ("llama", {"num_key_value_heads": 1}),
    "llama-bias": ("llama", {
        "head_dim": 12, "attention_bias": True, "mlp_bias": True, "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0, "rope_scaling": LLAMA3}),
    "llama-llama3": ("llama", {"rope_parameters": {**LLAMA3, "rope_theta": 500000.0}}),
    "llama-linear": ("llama", {"rope_scaling": {"type": "linear", "factor": 4.0}}),
    "llama-dynamic": ("llama", {
        "max_position_embeddings": 16, "rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}),
    "llama-yarn": ("llama", {"rope_scaling": YARN}),
    "llama-yarn-factor": ("llama", {"rope_scaling": {
        **YARN, "attention_factor": 1.3, "truncate": False, "beta_fast": 16.0,
        "beta_slow": 2.0}}),
    "llama-longrope-short": ("llama", {"rope_scaling": {
        **LONGROPE, "factor": 8.0, "original_max_position_embeddings": 64}}),
    "llama-longrope-long": ("llama", {"rope_scaling": {
        **LONGROPE, "original_max_position_embeddings": 16}}),
    "mistral-window": ("mistral", {"sliding_window": 7}),
    "mistral-head-dim": ("mistral", {
        "sliding_window": None, "rope_theta": 1000000.0, "head_dim": 16}),
    "ministral-mixed": ("ministral", {
        "head_dim": 8, "sliding_window": 5, "layer_types": [
            "full_attention", "sliding_attention", "sliding_attention", "full_attention",
            "sliding_attention"]}),
    "ministral-derived": ("ministral", {"head_dim": 8, "sliding_window": 5}),
    "ministral3-yarn": ("ministral3", {"head_dim": 16, "rope_parameters": MINISTRAL3}),
    "ministral3-window": ("ministral3", {"head_dim": 16, "sliding_window": 9, "rope_parameters": {
        **MINISTRAL3, "mscale_all_dim": 0.0, "llama_4_scaling_beta": 0.5}}),
    "ministral3-defaults": ("ministral3", {"head_dim": 16}),
    "qwen2-plain": ("qwen2", {}),
    "qwen2-windows": ("qwen2", {
        "use_sliding_window": True, "sliding_window": 6, "max_window_layers": 3}),
    "qwen3-plain": ("qwen3", {"head_dim": 16}),
    "qwen3-windows": ("qwen3", {
        "head_dim": 16, "attention_bias": True, "use_sliding_window": True, "sliding_window": 6,
        "max_window_layers": 2, "rope_scaling": {
            "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}}),
    "gemma3-defaults": ("gemma3_text", {**GEMMA, "query_pre_attn_scalar": 24}),
    "gemma3-sdpa": ("gemma3_text", {**GEMMA, "query_pre_attn_scalar": 24}),
    "gemma3-v4": ("gemma3_text", {
        **GEMMA, "sliding_window_pattern": 3, "attention_bias": True,
        "attn_logit_softcapping": 1.0, "rope_theta": 1000000.0, "rope_local_base_freq": 5000.0,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0}}),
    "gemma3-v5": ("gemma3_text", {
        "head_dim": 16, "sliding_window": 6, "layer_types": [
            "full_attention", "sliding_attention", "full_attention", "sliding_attention",
            "sliding_attention"],
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}}),
    "glm-defaults": ("glm", {"head_dim": 16}),
    "glm-quarter": ("glm", {
        "head_dim": 16, "attention_bias": False, "partial_rotary_factor": 0.25}),
    "glm-three-quarters": ("glm", {"head_dim": 16, "rope_parameters": {
        "rope_type": "default", "rope_theta": 50000.0, "partial_rotary_factor": 0.75}}),
    "glm4-sandwich": ("glm4", {"head_dim": 16}),
    "smollm3-derived": ("smollm3", {"rope_theta": 100000.0}),
    "smollm3-windows": ("smollm3", {
        "attention_bias": True, "mlp_bias": True, "use_sliding_window": True,
        "sliding_window": 5, "no_rope_layer_interval": 2}),
    "smollm3-list": ("smollm3", {"no_rope_layers": [0, 1, 1, 0, 1]}),
    "mllama-llama3": ("mllama_text_model", {
        "num_hidden_layers": 7, "cross_attention_layers": [1, 4], "rope_theta": 500000.0,
        "rope_scaling": LLAMA3}),
    "mllama-default": ("mllama_text_model", {
        "num_hidden_layers": 7, "cross_attention_layers": [3]}),
}  # fmt: skip
LENGTH = 24
# Tokens whose vectors are stored; fewer where there is already a test of the same rope type.
ROWS = {"llama": [0, 1, 9, 16, 22, 23], "": [9, 16, 23]}
LONG_POSITIONS = [0, 1, 4095, 40000, 77777, 131070, 131071]


def weights(name: str, count: int) -> np.ndarray:
    """Numbers that F32, F16 and BF16 represent exactly. value_i = top byte of
    splitmix64(fnv1a(name) + (i + 1) * golden ratio); matrices and biases (b - 128) / 256, norm
    weights 1 + floor((b - 128) / 2) / 128."""
    hashed = np.uint64(14695981039346656037)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            hashed = (hashed ^ np.uint64(byte)) * np.uint64(1099511628211)
        z = hashed + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    centred = (z >> np.uint64(56)).astype(np.int64) - 128
    if "norm" in name:
        return (1 + (centred // 2) / 128).astype(np.float32)
    return (centred / 256).astype(np.float32)


def token_id(index: int, vocab_size: int) -> int:
    return (index * 37 + index // 5 * 11 + 3) % vocab_size


def build(model_type: str, settings: dict, attention: str = "eager"):
    settings = {k: v for k, v in settings.items() if k != "model_type"}
    if model_type == "mllama_text_model":  # the library supports it only inside its wrapper
        config = transformers.models.mllama.configuration_mllama.MllamaTextConfig(**settings)
        config._attn_implementation = attention
        model = transformers.models.mllama.modeling_mllama.MllamaForCausalLM(config)
    else:
        config = transformers.CONFIG_MAPPING[model_type](**settings)
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    model = model.to(torch.float32).eval()
    state = model.state_dict()
    if config.tie_word_embeddings:
        del state["lm_head.weight"]  # the same numbers as the embedding
    for name, tensor in state.items():
        values = weights(name, tensor.numel()).reshape(tensor.shape)
        if model_type == "gemma3_text" and "norm" in name:
            values = values - 1  # the stored weight is centred at 0
        tensor.copy_(torch.from_numpy(np.array(values, dtype=np.float32)))
    shapes = {name: list(tensor.shape) for name, tensor in state.items()}
    return model, shapes


def write_case(out, name, model_type, overrides):
    settings = {"model_type": model_type, **BASE, **overrides}
    attention = "sdpa" if name.endswith("-sdpa") else "eager"
    model, shapes = build(model_type, json.loads(json.dumps(settings)), attention)
    rows = settings["vocab_size"] + (8 if model_type == "mllama_text_model" else 0)
    ids = [token_id(i, rows) for i in range(LENGTH)]
    kept_rows = ROWS.get(model_type, ROWS[""])
    kept, windows = record(model.model, ids, kept_rows)
    layers = [windows.get(i, "skipped") for i in range(settings["num_hidden_layers"])]
    kept |= {"ids": np.array(ids, np.int32), "rows": np.array(kept_rows, np.int32)}
    save_file(kept, out / f"{name}.safetensors")
    return {"name": name, "config": settings, "windows": layers, "tensors": shapes}


def write_long(out):
    settings = {"model_type": "llama", **BASE, "num_hidden_layers": 1,
                "max_position_embeddings": 131072, "rope_theta": 500000.0,
                "head_dim": 16}  # fmt: skip
    model, shapes = build("llama", settings)
    ids = [token_id(p, BASE["vocab_size"]) for p in LONG_POSITIONS]
    taken, _ = record(model.model, ids, positions=LONG_POSITIONS)
    taken["frequencies"] = model.model.rotary_emb.inv_freq.numpy()
    taken["rows"] = np.array(LONG_POSITIONS, np.int32)
    taken["ids"] = np.array(ids, np.int32)  # of these rows; token_id gives the others
    save_file(taken, out / "long.safetensors")
    return {"name": "long", "config": settings, "windows": [None], "tensors": shapes}


def write_defaults(out):
    """The values that transformers uses for missing keys of a configuration."""
    types = {model_type for model_type, _ in CASES.values()} - {"mllama_text_model"}
    classes = {name: transformers.CONFIG_MAPPING[name] for name in sorted(types)}
    classes["mllama_text_model"] = transformers.models.mllama.configuration_mllama.MllamaTextConfig
    beside = ("transformers_version", "_name_or_path", "return_dict", "output_", "is_encoder_decoder",
              "chunk_size", "id2label", "label2id", "problem_type", "architectures")  # fmt: skip
    kept = {
        name: {k: v for k, v in config().to_dict().items() if not k.startswith(beside)}
        for name, config in classes.items()
    }
    lines = [f"{json.dumps(name)}: {json.dumps(config)}" for name, config in kept.items()]
    (out / "defaults.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=[""],
                        help="prefixes of the names of cases")  # fmt: skip
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("tests/data/models"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, (model_type, overrides) in CASES.items():
        if any(name.startswith(prefix) for prefix in options.cases):
            cases.append(write_case(options.out, name, model_type, overrides))
            print(name)
    write_defaults(options.out)
    layouts = []  # many cases have the same tensors
    for case in [*cases, write_long(options.out)]:
        if case["tensors"] not in layouts:
            layouts.append(case["tensors"])
        case["tensors"] = layouts.index(case["tensors"])
        if case not in cases:
            cases.append(case)
    text = json.dumps({"layouts": layouts, "cases": cases}, separators=(",", ":"))
    (options.out / "cases.json").write_text(text.replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
