# /// script
# requires-python = ">=3.10"
# dependencies = ["gguf==0.19.0", "llama-cpp-python==0.3.36", "numpy==2.3.5", "pyarrow==22.0.0"]
# ///
"""Does every key of a GGUF file's metadata mean to qkscope what it means to llama.cpp?

    uv run tools/sweep_gguf_keys.py [--qkscope build/release/qkscope] [--work build/sweep-gguf]
                                    [--only llama gemma3] [--list]

For each architecture that qkscope reads from GGUF, tiny random models are written. Then one key at a
time is removed, given another value, given another type, or added, and llama.cpp computes queries
and keys of the file (its nodes Qcur and Kcur, float32). Outcomes:

    follows   llama.cpp's vectors changed, and qkscope's are the same as llama.cpp's
    unmoved   llama.cpp's vectors did not change, nor did qkscope's
    refused   qkscope refuses the file
    lenient   llama.cpp refuses the file for the type of a value; qkscope's vectors are as before
    SILENT    qkscope accepts the file and gives other vectors than llama.cpp: a failure
    ACCEPTED  llama.cpp refuses the file for another reason, qkscope accepts it: a failure
    CRASHED   qkscope ends with another exit code than 0 or 1: a failure

Prints a table and each failure; exits with 1 if there is one. LLAMA_CPP_LIB_PATH names a folder with
another build of llama.cpp's libraries."""

import argparse
import collections
import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import gguf
import llama_cpp
import numpy as np
import pyarrow.parquet
from gguf import GGUFValueType as Type

IDS = [(i * 37 + i // 5 * 11 + 3) % 96 for i in range(40)]
VOCABULARY, HIDDEN, FEED_FORWARD, LAYERS, HEADS, KV_HEADS = 96, 64, 96, 4, 4, 2
TOLERANCE = 1e-3  # of the largest component
U32, I32, F32, TEXT, FLAG = Type.UINT32, Type.INT32, Type.FLOAT32, Type.STRING, Type.BOOL


class Family:
    """One architecture: its sizes, its tensors, and the keys of its base file."""

    def __init__(self, arch, head_dim=32, permuted=False, qkv_bias=False, qk_norm=False,
                 sandwich=False, fused=False, keys=None, name=None):  # fmt: skip
        self.arch, self.head_dim, self.permuted = arch, head_dim, permuted
        self.qkv_bias, self.qk_norm, self.sandwich, self.fused = qkv_bias, qk_norm, sandwich, fused
        self.name = name or arch
        self.nextn = (keys or {}).get("nextn_predict_layers", (U32, 0))[1]
        self.keys = {
            "block_count": (U32, LAYERS), "context_length": (U32, 512),
            "embedding_length": (U32, HIDDEN), "feed_forward_length": (U32, FEED_FORWARD),
            "attention.head_count": (U32, HEADS), "attention.head_count_kv": (U32, KV_HEADS),
            "attention.key_length": (U32, head_dim), "attention.value_length": (U32, head_dim),
            "attention.layer_norm_rms_epsilon": (F32, 1e-5), "rope.freq_base": (F32, 5e5),
            "rope.dimension_count": (U32, head_dim), "vocab_size": (U32, VOCABULARY),
            **(keys or {}),
        }  # fmt: skip

    def tensors(self, seed=5):
        rng = np.random.default_rng(seed)

        def matrix(rows, columns):
            return rng.normal(0, columns**-0.5, (rows, columns)).astype(np.float32)

        def vector(size, centre):
            return (centre + rng.normal(0, 0.2, size)).astype(np.float32)

        out = {"token_embd.weight": matrix(VOCABULARY, HIDDEN),
               "output_norm.weight": vector(HIDDEN, 1)}  # fmt: skip
        for layer in range(LAYERS):
            block = {}
            for name, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
                block[f"attn_{name}.weight"] = 2 * matrix(heads * self.head_dim, HIDDEN)
                if self.qkv_bias:
                    block[f"attn_{name}.bias"] = vector(heads * self.head_dim, 0)
            block["attn_output.weight"] = matrix(HIDDEN, HEADS * self.head_dim)
            block["attn_norm.weight"] = vector(HIDDEN, 1)
            block["ffn_norm.weight"] = vector(HIDDEN, 1)
            if self.qk_norm:
                block["attn_q_norm.weight"] = vector(self.head_dim, 1)
                block["attn_k_norm.weight"] = vector(self.head_dim, 1)
            if self.sandwich:
                block["post_attention_norm.weight"] = vector(HIDDEN, 1)
                block["post_ffw_norm.weight"] = vector(HIDDEN, 1)
            if not self.fused:
                block["ffn_gate.weight"] = matrix(FEED_FORWARD, HIDDEN)
            block["ffn_up.weight"] = matrix(FEED_FORWARD * (2 if self.fused else 1), HIDDEN)
            block["ffn_down.weight"] = matrix(HIDDEN, FEED_FORWARD)
            if layer >= LAYERS - self.nextn:
                block["nextn.eh_proj.weight"] = matrix(HIDDEN, 2 * HIDDEN)
                block["nextn.enorm.weight"] = block["nextn.hnorm.weight"] = vector(HIDDEN, 1)
            out.update({f"blk.{layer}.{name}": value for name, value in block.items()})
        return out


YARN = {"rope.scaling.type": (TEXT, "yarn"), "rope.scaling.factor": (F32, 4.0),
        "rope.scaling.original_context_length": (U32, 16)}  # fmt: skip
LINEAR = {"rope.scaling.type": (TEXT, "linear"), "rope.scaling.factor": (F32, 4.0)}
FAMILIES = [
    Family("llama", permuted=True, keys=LINEAR),
    Family("llama", permuted=True, keys=YARN, name="llama-yarn"),
    Family("qwen2", head_dim=16, qkv_bias=True, keys=YARN),
    Family("qwen3", qk_norm=True, keys=YARN),
    Family("gemma3", qk_norm=True, sandwich=True, keys={
        **LINEAR, "attention.sliding_window": (U32, 8), "rope.freq_base_swa": (F32, 2e4),
        "attention.sliding_window_pattern": (U32, 3)}),
    Family("mistral3", permuted=True, keys={
        **YARN, "rope.scaling.yarn_beta_fast": (F32, 16.0), "rope.scaling.yarn_beta_slow": (F32, 2.0),
        "rope.scaling.yarn_log_multiplier": (F32, 1.0), "attention.temperature_scale": (F32, 0.1)}),
    Family("glm4", qkv_bias=True, sandwich=True, fused=True, keys={
        **YARN, "rope.dimension_count": (U32, 16)}),
    Family("glm4", qkv_bias=True, sandwich=True, fused=True, name="glm4-mtp", keys={
        "nextn_predict_layers": (U32, 1), "rope.dimension_count": (U32, 16)}),
    Family("smollm3", permuted=True, keys=LINEAR),
]  # fmt: skip

# Keys that a file of another architecture, another program or a later version may have.
ADDED = {
    "rope.scale_linear": (F32, 3.0), "rope.scaling.attn_factor": (F32, 1.5),
    "rope.scaling.alpha": (F32, 2.0), "rope.scaling.finetuned": (FLAG, True),
    "rope.scaling.yarn_ext_factor": (F32, 0.5), "rope.scaling.yarn_attn_factor": (F32, 1.5),
    "rope.scaling.yarn_beta_fast": (F32, 8.0), "rope.scaling.yarn_beta_slow": (F32, 4.0),
    "rope.scaling.yarn_log_multiplier": (F32, 0.7), "rope.scaling.beta_fast": (F32, 8.0),
    "rope.scaling.mscale": (F32, 1.0), "rope.scaling_beta": (F32, 0.1),
    "rope.freq_base_swa": (F32, 3e4), "rope.global.freq_base": (F32, 3e4),
    "rope.local.freq_base": (F32, 3e4), "rope.freq_scale": (F32, 0.5),
    "rope.dimension_count_swa": (U32, 8), "rope.dimension_sections": (I32, [4, 4, 4, 4]),
    "rope.interleaved": (FLAG, True), "attention.sliding_window": (U32, 5),
    "attention.sliding_window_pattern": (U32, 2), "attention.causal": (FLAG, False),
    "attention.scale": (F32, 0.5), "attention.output_scale": (F32, 0.5),
    "attention.value_scale": (F32, 0.5), "attention.clamp_kqv": (F32, 0.5),
    "attention.max_alibi_bias": (F32, 8.0), "attention.temperature_scale": (F32, 0.3),
    "attention.temperature_length": (U32, 8), "attention.layer_norm_epsilon": (F32, 1e-2),
    "attention.key_length_swa": (U32, 16), "attention.value_length_swa": (U32, 16),
    "attention.key_length_mla": (U32, 16), "attention.q_lora_rank": (U32, 8),
    "attention.shared_kv_layers": (U32, 2), "attn_logit_softcapping": (F32, 5.0),
    "final_logit_softcapping": (F32, 5.0), "logit_scale": (F32, 0.3), "pooling_type": (U32, 3),
    "residual_scale": (F32, 0.5), "embedding_scale": (F32, 3.0), "embedding_multiplier": (F32, 3.0),
    "residual_multiplier": (F32, 0.5), "expert_count": (U32, 4), "expert_used_count": (U32, 2),
    "expert_weights_scale": (F32, 2.0), "use_parallel_residual": (FLAG, True),
    "nextn_predict_layers": (U32, 1), "leading_dense_block_count": (U32, 1),
    "hidden_activation": (TEXT, "relu"), "embedding_length_out": (U32, 32),
    "tensor_data_layout": (TEXT, "Meta AI original pth"), "swin_norm": (FLAG, True),
    "vision.block_count": (U32, 2), "mm.tokens_per_image": (U32, 4), "some_note": (TEXT, "x"),
}  # fmt: skip


def sensible_values(key, kind, value):
    """Other values for a key: as a model of the same tensors might have, and as none would."""
    if kind == TEXT:
        return ["none", "linear", "yarn", "longrope", "Linear", ""]
    if kind == FLAG:
        return [not value]
    if kind == F32:
        return [value * 2, value / 3, 1.0, 0.0, -value]
    if key.endswith("sliding_window_pattern"):
        return [0, 1, 2, 6, 100]
    return [value * 2, value - 1, 1, 0, 2**32 - 1]


def retyped(kind, value):
    """The same value as other types."""
    if kind == TEXT:
        return [(U32, 1)]
    if kind == F32:
        return [(Type.FLOAT64, value), (TEXT, str(value)), (U32, max(int(value), 0)),
                (Type.ARRAY, [value])]  # fmt: skip
    if kind == FLAG:
        return [(U32, int(value)), (TEXT, str(value))]
    return [(I32, value), (I32, -value), (F32, float(value)), (FLAG, value > 0)]


def per_layer(key, kind, value):
    """A list in place of one number: the same for all layers, one that differs, one too short."""
    if kind != U32 or key not in PER_LAYER:
        return []
    if key.endswith("pattern"):
        flags = [layer % 2 == 0 for layer in range(LAYERS)]
        return [flags, [int(flag) for flag in flags], flags[:-1], [*flags, True]]
    same = [value] * LAYERS
    return [same, [*same[:-1], value + 1], same[:-1], [*same, value]]


PER_LAYER = ("feed_forward_length", "attention.head_count", "attention.head_count_kv",
             "attention.sliding_window_pattern")  # fmt: skip


def variants(family):
    """(what is done, is only the type changed, the changed keys) for each change."""
    base = family.keys
    for key, (kind, value) in base.items():
        yield f"{key} removed", False, {k: v for k, v in base.items() if k != key}
        for other in sensible_values(key, kind, value):
            if other != value:
                yield f"{key} = {other!r}", False, {**base, key: (kind, other)}
        for other_kind, other in retyped(kind, value):
            what = f"{key} as {other_kind.name.lower()} {other!r}"
            yield what, True, {**base, key: (other_kind, other)}
        for values in per_layer(key, kind, value):
            yield f"{key} = {values!r}", False, {**base, key: (Type.ARRAY, values)}
    for key, (kind, value) in ADDED.items():
        if key not in base:
            kind = Type.ARRAY if isinstance(value, list) else kind
            yield f"{key} = {value!r} added", False, {**base, key: (kind, value)}
    if "rope.scaling.type" in base:
        plain = {k: v for k, v in base.items() if not k.startswith("rope.scaling.")}
        yield "no scaling", False, plain
        yield "rope.scaling.factor alone", False, {**plain, "rope.scaling.factor": (F32, 4.0)}
        yield "rope.scale_linear alone", False, {**plain, "rope.scale_linear": (F32, 4.0)}
        both = {"rope.scale_linear": (F32, 4.0), "rope.scaling.type": (TEXT, "none")}
        yield "rope.scale_linear with type none", False, {**plain, **both}


def write(path, family, keys, tensors):
    writer = gguf.GGUFWriter(str(path), family.arch)
    for key, (kind, value) in keys.items():
        if kind == Type.ARRAY:
            writer.add_array(f"{family.arch}.{key}", value)
        else:
            writer.add_key_value(f"{family.arch}.{key}", value, kind)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"w{i}" for i in range(VOCABULARY)])
    writer.add_token_merges(["w 0"])
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Shape(ctypes.Structure):
    """The beginning of ggml_tensor."""

    _fields_ = [("type", ctypes.c_int), ("buffer", ctypes.c_void_p), ("ne", ctypes.c_int64 * 4),
                ("nb", ctypes.c_size_t * 4)]  # fmt: skip


def ggml_library():
    folder = pathlib.Path(os.environ.get("LLAMA_CPP_LIB_PATH")
                          or pathlib.Path(llama_cpp.__file__).parent / "lib")  # fmt: skip
    library = ctypes.CDLL(str(folder / "libggml.so"))
    base = folder / "libggml-base.so"
    base = ctypes.CDLL(str(base)) if base.exists() else library
    base.ggml_get_name.restype = ctypes.c_char_p
    base.ggml_get_name.argtypes = [ctypes.c_void_p]
    base.ggml_backend_tensor_get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t,
                                             ctypes.c_size_t]  # fmt: skip
    if any(folder.glob("libggml-cpu-*")):  # built with one library per kind of processor
        library.ggml_backend_load_all_from_path(str(folder).encode())
    return base


def llama_cpp_vectors(ggml, path):
    """{"L0.q": [tokens, heads, head_dim]} after the rotary embedding; None if the file is refused."""
    taken = {}

    def on_node(tensor, ask, _):
        name = ggml.ggml_get_name(tensor).decode()
        node = re.fullmatch(r"([QK])cur(_attn_temp_scaled)?-(\d+)", name)
        if ask or not node:
            return bool(node) or not ask
        shape = Shape.from_address(tensor)
        if shape.ne[2] != len(IDS) or shape.nb[0] != 4:
            return True  # not yet split into heads
        raw = (ctypes.c_float * (shape.ne[0] * shape.ne[1] * shape.ne[2]))()
        if shape.nb[1] != 4 * shape.ne[0] or shape.nb[2] != shape.nb[1] * shape.ne[1]:
            return True  # a view of more than this
        ggml.ggml_backend_tensor_get(tensor, raw, 0, ctypes.sizeof(raw))
        values = np.frombuffer(raw, np.float32).reshape(shape.ne[2], shape.ne[1], shape.ne[0])
        taken[f"L{node[3]}.{node[1].lower()}"] = values.copy()
        return True

    model_options = llama_cpp.llama_model_default_params()
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_options)
    if not model:
        return None
    options = llama_cpp.llama_context_default_params()
    options.n_ctx = options.n_batch = options.n_ubatch = 64
    options.n_threads = options.n_threads_batch = 1
    options.type_k = options.type_v = 0  # float32
    options.flash_attn_type = 0
    callback = llama_cpp.ggml_backend_sched_eval_callback(on_node)
    options.cb_eval = callback
    context = llama_cpp.llama_init_from_model(model, options)
    if not context:
        return None
    ids = (llama_cpp.llama_token * len(IDS))(*IDS)
    if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(ids, len(IDS))) != 0:
        return None
    return taken


def in_a_child(ggml, family, options):
    """llama_cpp_vectors in a process of its own, as llama.cpp aborts on some files. None if it
    refuses the file or its vectors are not finite."""
    out = options.work / "theirs.npz"
    out.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        for stream in (1, 2):
            os.dup2(options.log, stream)
        taken = llama_cpp_vectors(ggml, options.work / "model.gguf")
        if taken:
            np.savez(out, **taken)
        os._exit(0 if taken else 1)
    _, status = os.waitpid(child, 0)
    if status != 0:
        return None
    theirs = dict(np.load(out))
    if not all(np.isfinite(values).all() for values in theirs.values()):
        return None
    return {name: in_hugging_face_order(family, values) for name, values in theirs.items()}


def in_hugging_face_order(family, values):
    """Components of each head as qkscope orders them."""
    if not family.permuted:
        return values
    half = values.shape[-1] // 2
    tokens, heads, _ = values.shape
    return values.reshape(tokens, heads, half, 2).swapaxes(2, 3).reshape(values.shape)


def prepare(work):
    """A corpus of IDS as words, their tokenizer, and the configuration of a capture."""
    words = {f"w{i}": i for i in range(VOCABULARY)}
    tokenizer = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
                 "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"},
                 "post_processor": None, "decoder": None,
                 "model": {"type": "WordLevel", "vocab": words, "unk_token": "w0"}}  # fmt: skip
    (work / "tokenizer.json").write_text(json.dumps(tokenizer))
    (work / "text.jsonl").write_text(json.dumps({"id": 0, "text": " ".join(f"w{i}" for i in IDS)}))
    (work / "run.yaml").write_text(
        f"dataset: {{path: {work}/text.jsonl, id_column: id}}\n"
        f"model: {{name: {work}/model.gguf, dtype: float32}}\n"
        f"tokenizer: {{name: {work}, max_length: {len(IDS)}}}\n"
        "inference: {}\n"
        "capture: {sampler: {type: all}, min_bucket_size: 16}\n"
        f"output: {{data_root: {work}/out}}\n")  # fmt: skip


def qkscope(options):
    """(exit code, what it says, {"L0.q": [tokens, heads, head_dim]}) of a capture."""
    out = options.work / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [options.qkscope, "sniff", "--config", options.work / "run.yaml", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    if done.returncode != 0:
        return done.returncode, said, {}
    heads = collections.defaultdict(list)
    for folder in sorted(out.glob("l*h*")):
        layer, kind = int(folder.name[1:3]), folder.name[-1]
        table = pyarrow.parquet.read_table(folder / "data.parquet").sort_by("position")
        heads[f"L{layer}.{kind}"].append(np.array(table["vector"].to_pylist(), np.float32))
    return 0, said, {name: np.stack(values, 1) for name, values in heads.items()}


def same(vectors, others):
    return vectors.keys() == others.keys() and all(
        values.shape == others[name].shape
        and np.abs(values - others[name]).max() <= TOLERANCE * np.abs(others[name]).max()
        for name, values in vectors.items()
    )


def outcome(options, ggml, family, base, type_only):
    """The outcome's word, and what qkscope says."""
    code, said, ours = qkscope(options)
    if code not in (0, 1):
        return "CRASHED", said
    if code == 1:
        return "refused", said
    theirs = in_a_child(ggml, family, options)
    if theirs is None:
        return ("lenient" if type_only and same(ours, base) else "ACCEPTED"), said
    if not same(ours, theirs):
        return "SILENT", said
    return ("unmoved" if same(theirs, base) else "follows"), said


def sweep(options, ggml, family, table):
    path = options.work / "model.gguf"
    tensors = family.tensors()
    write(path, family, family.keys, tensors)
    base = in_a_child(ggml, family, options)
    if base is None:
        sys.exit(f"{family.name}: llama.cpp does not read the base file: see {options.work}/log")
    code, said, ours = qkscope(options)
    if code != 0 or not same(ours, base):
        sys.exit(f"{family.name}: the base file gives other vectors than llama.cpp: {said}")
    for what, type_only, keys in variants(family):
        write(path, family, keys, tensors)
        word, said = outcome(options, ggml, family, base, type_only)
        table[family.name][word] += 1
        if options.list or word.isupper():
            print(f"{family.name:10} {word:8} {what}: {said}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/sweep-gguf"))
    parser.add_argument("--only", nargs="*", default=[family.name for family in FAMILIES])
    parser.add_argument("--list", action="store_true", help="print every change, not only failures")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    options.work = options.work.resolve()
    options.log = os.open(options.work / "log", os.O_WRONLY | os.O_CREAT)
    prepare(options.work)
    ggml = ggml_library()
    table = collections.defaultdict(collections.Counter)
    for family in FAMILIES:
        if family.name in options.only:
            sweep(options, ggml, family, table)
    words = ["follows", "unmoved", "refused", "lenient", "SILENT", "ACCEPTED", "CRASHED"]
    print(f"{'':10} " + " ".join(f"{word:>8}" for word in words))
    for name, counts in table.items():
        print(f"{name:10} " + " ".join(f"{counts[word]:8}" for word in words))
    bad = any(counts[word] for counts in table.values() for word in words if word.isupper())
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
