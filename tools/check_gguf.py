# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.9.1", "transformers==5.1.0", "gguf==0.19.0", "safetensors==0.8.0",
#                 "accelerate", "numpy==2.3.5", "llama-cpp-python==0.3.36"]
# ///
"""Are GGUF files of every architecture read as by llama.cpp?

    uv run tools/check_gguf.py [--qkscope build/release/qkscope] [--work build/check-gguf]

For each architecture, a tiny random model of transformers is written as GGUF (F32, with the keys
and the order of rows of llama.cpp's converters). llama.cpp must then compute transformers' logits,
which shows that the file means the same to llama.cpp, and `qkscope verify` must pass for the file
against transformers' queries and keys. Exits with 1 if either fails."""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import gguf
import llama_cpp
import make_reference as reference
import numpy as np
import sweep_models
import torch
from safetensors.numpy import save_file

IDS = [(i * 37 + i // 5 * 11 + 3) % 96 for i in range(40)]
SIZES = {
    "vocab_size": 96, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 7,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
    "head_dim": 32, "rms_norm_eps": 1e-5, "pad_token_id": 0,
}  # fmt: skip
YARN = {"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 16,
        "beta_fast": 32.0, "beta_slow": 1.0}  # fmt: skip
# model_type -> general.architecture, rows of q and k permuted?, differences from SIZES, other keys
MODELS = {
    "llama": ("llama", True, {"rope_theta": 5e5}, {}),
    "mistral": ("llama", True, {"sliding_window": None, "rope_theta": 1e6}, {}),
    "qwen2": ("qwen2", False, {"head_dim": 16}, {}),
    "qwen3": ("qwen3", False, {"rope_theta": 1e6}, {}),
    "gemma3_text": ("gemma3", False, {
        "sliding_window": 8, "query_pre_attn_scalar": 32, "rope_theta": 1e6,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        {"attention.sliding_window": 8, "rope.scaling.type": "linear",
         "rope.scaling.factor": 8.0}),
    "ministral3": ("mistral3", True, {"rope_parameters": {
        **YARN, "rope_theta": 1e6, "mscale": 1.0, "mscale_all_dim": 1.0,
        "llama_4_scaling_beta": 0.1}},
        {"rope.scaling.type": "yarn", "rope.scaling.factor": 16.0,
         "rope.scaling.original_context_length": 16, "rope.scaling.yarn_beta_fast": 32.0,
         "rope.scaling.yarn_beta_slow": 1.0, "rope.scaling.yarn_log_multiplier": 1.0,
         "attention.temperature_scale": 0.1}),
    "glm4": ("glm4", False, {}, {"rope.dimension_count": 16}),
    "smollm3": ("smollm3", True, {"rope_theta": 1e5}, {}),
}  # fmt: skip
NAMES = [
    ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"),
    ("model.layers", "blk"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"),
    ("input_layernorm", "attn_norm"), ("post_self_attn_layernorm", "post_attention_norm"),
    ("post_mlp_layernorm", "post_ffw_norm"), ("pre_feedforward_layernorm", "ffn_norm"),
    ("post_feedforward_layernorm", "post_ffw_norm"), ("mlp.gate_up_proj", "ffn_up"),
    ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
]  # fmt: skip


def stored_name(arch, name):
    for hf, ours in NAMES:
        name = name.replace(hf, ours)
    after = "post_attention_norm" if arch == "gemma3" else "ffn_norm"
    return name.replace("post_attention_layernorm", after)


def permuted(tensor, head_dim):
    heads = tensor.shape[0] // head_dim
    return tensor.reshape(heads, 2, head_dim // 2, -1).swapaxes(1, 2).reshape(tensor.shape)


def write_gguf(path, model, arch, permute, config, keys):
    writer = gguf.GGUFWriter(str(path), arch)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    theta = config.get("rope_theta") or config.get("rope_parameters", {}).get("rope_theta", 1e4)
    writer.add_rope_freq_base(theta)
    writer.add_vocab_size(config["vocab_size"])
    if "rope.dimension_count" not in keys:
        writer.add_rope_dimension_count(config["head_dim"])
    for key, value in keys.items():
        add = {int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}
        add[type(value)](f"{arch}.{key}", value)
    writer.add_tokenizer_model("none")
    state = model.state_dict()
    if model.config.tie_word_embeddings:
        del state["lm_head.weight"]
    for name, tensor in state.items():
        if permute and ("q_proj" in name or "k_proj" in name):
            tensor = permuted(tensor, config["head_dim"])
        if arch == "gemma3" and name.endswith("norm.weight"):
            tensor = tensor + 1
        writer.add_tensor(stored_name(arch, name), np.ascontiguousarray(tensor.numpy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama_cpp_logits(path):
    f32 = 0  # of ggml's types, for the cache
    model = llama_cpp.Llama(str(path), n_ctx=64, n_batch=64, n_threads=1, logits_all=True, type_k=f32,
                            type_v=f32, verbose=False)  # fmt: skip
    model.eval(IDS)
    return np.array(model.scores[: len(IDS)])


@torch.no_grad()
def check(model_type, options):
    arch, permute, differs, keys = MODELS[model_type]
    config = {**SIZES, **differs}
    torch.manual_seed(1)
    model = sweep_models.build(model_type, dict(config)).eval()
    model.set_attn_implementation("eager")
    path = options.work / f"{model_type}.gguf"
    write_gguf(path, model, arch, permute, config, keys)
    theirs = model(torch.tensor([IDS]), use_cache=False).logits[0].numpy()
    apart = reference.relative(llama_cpp_logits(path) - theirs, theirs)
    taken, windows = reference.record(model.model, IDS)
    metadata = {
        "format": reference.FORMAT, "model": path.name, "dtype": "float32", "torch": "-",
        "transformers": "-", "files": json.dumps([reference.identity(path)]),
        "windows": json.dumps([windows[i] for i in range(config["num_hidden_layers"])])}  # fmt: skip
    ids, rows = np.array(IDS, np.int32), np.arange(len(IDS), dtype=np.int32)
    file = path.with_suffix(".safetensors")
    save_file({**taken, "ids": ids, "rows": rows}, file, metadata=metadata)
    done = subprocess.run([options.qkscope, "verify", "--model", path, "--reference", file, "--quiet"],
                          capture_output=True, text=True, check=False)  # fmt: skip
    print(f"{model_type:12} llama.cpp's logits: {apart:.1e} of the largest from transformers'; "
          f"{(done.stdout + done.stderr).strip()}", flush=True)  # fmt: skip
    return apart < 1e-3 and done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/check-gguf"))
    parser.add_argument("--only", nargs="*", default=list(MODELS))
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    good = [check(model_type, options) for model_type in options.only]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
