# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.9.1", "transformers==5.1.0", "gguf==0.19.0", "safetensors==0.8.0",
#                 "accelerate", "numpy==2.3.5"]
# ///
"""Makes tiny random models of every architecture with random configurations, has transformers save
and run them (tools/make_reference.py), and checks each with `qkscope verify`.

    uv run tools/sweep_models.py [--qkscope build/release/qkscope] [--count 20] [--seed 0]
                                 [--only llama qwen3] [--work build/sweep] [--keep]

These vary: heads, ratio of key to query heads, head size, widths, layers, vocabulary, stored type,
shards, biases, tied heads, activation, epsilon, windows and layer types, rotary type and spelling,
wrappers. Prints each case that fails with its configuration; exits with 1 if there is one."""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys

import make_reference as reference
import torch
import transformers
from safetensors.torch import load_file, save_file

FLOAT = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
ACTIVATIONS = ["silu", "silu", "gelu_pytorch_tanh", "gelu", "gelu_new"]


def common(rng):
    heads = rng.choice([1, 2, 3, 4, 6, 8])
    keys = rng.choice([k for k in range(1, heads + 1) if heads % k == 0])
    return {
        "vocab_size": rng.randrange(50, 300),
        "hidden_size": heads * rng.choice([8, 10, 12, 16]),
        "intermediate_size": rng.randrange(20, 100),
        "num_hidden_layers": rng.randrange(2, 8),
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "max_position_embeddings": rng.choice([16, 64, 512, 4096]),
        "rms_norm_eps": rng.choice([1e-6, 1e-5, 1e-3]),
        "pad_token_id": 0,
    }


def head_dim_of(config):
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def rope(rng, config, fraction=None):
    """Random rotary parameters as transformers 4 or 5 spells them; fraction: part of a head."""
    kind = rng.choice(["none", "default", "linear", "dynamic", "llama3", "yarn", "longrope"])
    size = int(head_dim_of(config) * (fraction or 1.0))
    if kind == "dynamic" and size < 4:
        kind = "linear"
    out = {"rope_type": kind, "factor": rng.choice([2.0, 4.0, 8.0, 1.5])}
    original = rng.choice([8, 16, 32, 128])
    if kind in ("none", "default"):
        out = {"rope_type": "default"}
    elif kind == "llama3":
        out |= {"low_freq_factor": 1.0, "high_freq_factor": rng.choice([2.0, 4.0]),
                "original_max_position_embeddings": original}  # fmt: skip
    elif kind == "yarn":
        out["original_max_position_embeddings"] = original
        for key, values in (("attention_factor", [1.3, 0.7]), ("truncate", [False, True]),
                            ("beta_fast", [16.0, 64.0]), ("beta_slow", [2.0])):  # fmt: skip
            if rng.random() < 0.3:
                out[key] = rng.choice(values)
        if rng.random() < 0.3:
            out |= {"mscale": rng.choice([0.7, 1.0]), "mscale_all_dim": rng.choice([0.0, 1.0, 0.5])}
    elif kind == "longrope":
        for key in ("short_factor", "long_factor"):
            out[key] = [round(rng.uniform(1, 5), 2) for _ in range(size // 2)]
        out["original_max_position_embeddings"] = original
        if rng.random() < 0.5:
            del out["factor"]
    theta = rng.choice([10000.0, 500000.0, 1e6, 100.0])
    config["rope_theta"] = theta
    if kind == "none":
        return
    if rng.random() < 0.5:  # transformers 5
        del config["rope_theta"]
        config["rope_parameters"] = {**out, "rope_theta": theta}
    elif kind != "default":
        if kind in ("linear", "dynamic") and rng.random() < 0.5:
            out["type"] = out.pop("rope_type")
        config["rope_scaling"] = out


def fraction_of_heads(rng, config):
    """Sets partial_rotary_factor in one of its places; the number of components stays even."""
    size = config["head_dim"]
    fraction = rng.choice([f for f in (0.25, 0.5, 0.75, 1.0) if int(size * f) % 2 == 0])
    rope(rng, config, fraction)
    if "rope_parameters" in config:
        config["rope_parameters"]["partial_rotary_factor"] = fraction
    else:
        config["partial_rotary_factor"] = fraction


def some_head_dim(rng, config, always=False):
    if always or rng.random() < 0.5:
        config["head_dim"] = rng.choice([8, 12, 16, 20, 32])
    elif rng.random() < 0.3:
        config["head_dim"] = None  # differs from a missing key


def some_activation(rng, config):
    if rng.random() < 0.3:
        config["hidden_act"] = rng.choice(ACTIVATIONS)


def layer_types(rng, config):
    kinds = ["full_attention", "sliding_attention"]
    return [rng.choice(kinds) for _ in range(config["num_hidden_layers"])]


def llama(rng, config):
    config |= {"attention_bias": rng.random() < 0.5, "mlp_bias": rng.random() < 0.5,
               "hidden_act": rng.choice(ACTIVATIONS)}  # fmt: skip
    some_head_dim(rng, config)
    if rng.random() < 0.2:
        del config["num_key_value_heads"]
    elif rng.random() < 0.2:
        config["num_key_value_heads"] = None
    rope(rng, config)


def mistral(rng, config):
    some_head_dim(rng, config)
    config["sliding_window"] = rng.choice([None, 3, 7, 20])
    if rng.random() < 0.2:
        config["layer_types"] = layer_types(rng, config)  # which this class ignores
    some_activation(rng, config)
    rope(rng, config)


def ministral(rng, config):
    some_head_dim(rng, config, always=True)
    config["sliding_window"] = rng.choice([3, 7, 20])
    if rng.random() < 0.5:
        config["layer_types"] = layer_types(rng, config)
    rope(rng, config)


def ministral3(rng, config):
    some_head_dim(rng, config, always=True)
    if rng.random() < 0.5:
        config["sliding_window"] = rng.choice([None, 5, 20])
    if rng.random() < 0.8:
        config["rope_parameters"] = {
            "rope_type": "yarn", "rope_theta": rng.choice([1e4, 1e6]),
            "factor": rng.choice([4.0, 16.0]), "beta_fast": 32.0, "beta_slow": 1.0,
            "original_max_position_embeddings": rng.choice([4, 8, 16, 64]),
            "mscale": 1.0, "mscale_all_dim": rng.choice([0.0, 1.0]),
            "llama_4_scaling_beta": rng.choice([0.0, 0.1, 0.5])}  # fmt: skip


def qwen_windows(rng, config):
    if rng.random() < 0.6:
        config |= {"use_sliding_window": rng.random() < 0.8, "sliding_window": rng.choice([3, 6]),
                   "max_window_layers": rng.randrange(0, 6)}  # fmt: skip
        if rng.random() < 0.3 and config["use_sliding_window"]:
            config["layer_types"] = layer_types(rng, config)


def qwen2(rng, config):
    some_activation(rng, config)
    qwen_windows(rng, config)
    rope(rng, config)


def qwen3(rng, config):
    some_head_dim(rng, config, always=True)
    config["attention_bias"] = rng.random() < 0.5
    some_activation(rng, config)
    qwen_windows(rng, config)
    rope(rng, config)


def gemma3(rng, config):
    some_head_dim(rng, config, always=True)
    config |= {"sliding_window": rng.choice([4, 6, 15]), "attention_bias": rng.random() < 0.3,
               "query_pre_attn_scalar": rng.choice([16, 24, 256])}  # fmt: skip
    if rng.random() < 0.3:
        config["hidden_activation"] = rng.choice(ACTIVATIONS)
    if rng.random() < 0.3:
        config["attn_logit_softcapping"] = 1.0
    if rng.random() < 0.15:
        config["use_bidirectional_attention"] = True
    if rng.random() < 0.4:
        config["layer_types"] = layer_types(rng, config)
    elif rng.random() < 0.5:
        config["sliding_window_pattern"] = rng.choice([1, 2, 3])
    if rng.random() < 0.5:
        config["rope_parameters"] = {}
        for kind in ("full_attention", "sliding_attention"):
            one = dict(config)
            rope(rng, one)
            theta = one.get("rope_theta", 10000.0)
            found = one.get("rope_scaling") or one.get("rope_parameters") or {"rope_type": "default"}
            config["rope_parameters"][kind] = {"rope_theta": theta, **found}
    else:
        config |= {"rope_theta": 1e5, "rope_local_base_freq": 3000.0}
        if rng.random() < 0.5:
            config["rope_scaling"] = {"rope_type": "linear", "factor": 4.0}


def glm(rng, config):
    some_head_dim(rng, config, always=True)
    config["attention_bias"] = rng.random() < 0.5
    some_activation(rng, config)
    if rng.random() < 0.7:
        fraction_of_heads(rng, config)


def smollm3(rng, config):
    config |= {"attention_bias": rng.random() < 0.5, "mlp_bias": rng.random() < 0.5}
    some_head_dim(rng, config)
    some_activation(rng, config)
    if rng.random() < 0.5:
        config["no_rope_layers"] = [rng.choice([0, 1]) for _ in range(config["num_hidden_layers"])]
    else:
        config["no_rope_layer_interval"] = rng.choice([1, 2, 3, 4])
    if rng.random() < 0.5:
        config |= {"use_sliding_window": True, "sliding_window": rng.choice([4, 9])}
    if rng.random() < 0.3:
        config["layer_types"] = layer_types(rng, config)
        config.setdefault("sliding_window", 5)
    rope(rng, config)


def mllama(rng, config):
    layers = config["num_hidden_layers"]
    config["cross_attention_layers"] = sorted(rng.sample(range(layers), rng.randrange(0, layers)))
    some_activation(rng, config)
    rope(rng, config)


ARCHITECTURES = {
    "llama": llama, "mistral": mistral, "ministral": ministral, "ministral3": ministral3,
    "qwen2": qwen2, "qwen3": qwen3, "gemma3_text": gemma3, "glm": glm, "glm4": glm,
    "smollm3": smollm3, "mllama_text_model": mllama,
}  # fmt: skip
WRAPPERS = {"gemma3_text": "gemma3", "ministral3": "mistral3", "mistral": "mistral3",
            "mllama_text_model": "mllama"}  # fmt: skip
PREFIXES = ["language_model.model.", "model.language_model."]
VISION = {
    "gemma3": {"model_type": "siglip_vision_model", "hidden_size": 8, "intermediate_size": 8,
               "num_hidden_layers": 1, "num_attention_heads": 1, "image_size": 28,
               "patch_size": 14},
    "mistral3": {"model_type": "pixtral", "hidden_size": 8, "intermediate_size": 8, "head_dim": 8,
                 "num_hidden_layers": 1, "num_attention_heads": 1, "image_size": 28,
                 "patch_size": 14},
    "mllama": {},
}  # fmt: skip


def build(model_type, config):
    """A random model of this configuration."""
    if model_type == "mllama_text_model":
        package = transformers.models.mllama
        settings = package.configuration_mllama.MllamaTextConfig(**config)
        model = package.modeling_mllama.MllamaForCausalLM(settings)
    else:
        settings = transformers.CONFIG_MAPPING[model_type](**config)
        model = transformers.AutoModelForCausalLM.from_config(settings, dtype=torch.float32)
    centred = model_type == "gemma3_text"
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn_like(parameter)
            if "norm" in name:
                parameter.copy_(0.3 * noise + (0 if centred else 1))
            elif parameter.dim() == 2:
                parameter.copy_(noise * (1.0 if "embed" in name else 1.4 / parameter.shape[1] ** 0.5))
            else:
                parameter.copy_(0.25 * noise)
    return model


def wrap(folder, rng, model_type, config):
    """Turns the checkpoint into that of a multimodal model with this decoder."""
    wrapper = WRAPPERS[model_type]
    prefix = PREFIXES[0] if wrapper == "mllama" else rng.choice(PREFIXES)
    tensors = load_file(folder / "model.safetensors")
    out = {}
    for name, tensor in tensors.items():
        out[prefix + name.removeprefix("model.") if name.startswith("model.") else name] = tensor
    head = out.pop("lm_head.weight", None)
    if head is not None:
        inner = prefix == PREFIXES[0]
        out["language_model.lm_head.weight" if inner else "lm_head.weight"] = head
    save_file(out, folder / "model.safetensors", metadata={"format": "pt"})
    text = dict(config)
    if not (model_type == "mistral" and rng.random() < 0.3):
        text["model_type"] = model_type
    (folder / "config.json").write_text(json.dumps(
        {"model_type": wrapper, "text_config": text, "vision_config": VISION[wrapper]}))  # fmt: skip


def save(folder, rng, model_type, config):
    model = build(model_type, config)
    dtype = rng.choice(list(FLOAT))
    wrapped = model_type in WRAPPERS and rng.random() < 0.3
    sharded = not wrapped and rng.random() < 0.3
    model.to(FLOAT[dtype]).save_pretrained(folder, max_shard_size="40KB" if sharded else "1GB")
    if wrapped:
        wrap(folder, rng, model_type, config)
    elif rng.random() < 0.5:  # as the file was before transformers rewrote it
        saved = json.loads((folder / "config.json").read_text())
        kept = {key: saved[key] for key in ("model_type", "architectures") if key in saved}
        (folder / "config.json").write_text(json.dumps({**kept, **config}))


def check(folder, rng, qkscope):
    """The verdict of `qkscope verify`, or its error message."""
    tokens = rng.choice([9, 24, 40])
    file = folder / "reference.safetensors"
    options = reference.parse_options([str(folder), str(file), "--tokens", str(tokens), "--every", "1"])
    reference.make_reference(folder, file, options)
    command = [qkscope, "verify", "--model", folder, "--reference", file, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--count", type=int, default=20, help="models per architecture (default: 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/sweep"))
    parser.add_argument("--keep", action="store_true", help="keep the folders of models that fail")
    options = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    failed = 0
    for model_type in options.only:
        passed, beyond = 0, 0
        for case in range(options.count):
            seed = options.seed * 1000 + case
            rng = random.Random(f"{model_type} {seed}")
            torch.manual_seed(seed)
            config = common(rng)
            ARCHITECTURES[model_type](rng, config)
            folder = options.work / f"{model_type}-{seed}"
            shutil.rmtree(folder, ignore_errors=True)
            try:
                save(folder, rng, model_type, dict(config))
                ok, said = check(folder, rng, options.qkscope)
            except Exception as error:  # transformers itself cannot run this configuration
                beyond += 1
                print(f"{folder.name}: transformers: {str(error)[:160]!r}", file=sys.stderr)
                continue
            passed += ok
            failed += not ok
            if not ok:
                print(f"{folder.name}: {said}\n    {(folder / 'config.json').read_text()}")
            if ok or not options.keep:
                shutil.rmtree(folder)
        print(f"{model_type:18} {passed} passed, {options.count - beyond - passed} failed, "
              f"{beyond} not run by transformers", flush=True)  # fmt: skip
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
