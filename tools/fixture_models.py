"""Tiny model files for tools that run qkscope: the checkpoints of tests/data/models/cases.json, and
GGUF files. Standard library only; the same arguments give the same bytes."""

import itertools
import json
import math
import pathlib
import random
import struct

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
GGUF_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8,
              "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "BF16": 30}


def weights(name, count):
    numbers = random.Random(name)
    return [numbers.uniform(-0.5, 0.5) + (1 if "norm" in name else 0) for _ in range(count)]


def stored(values, dtype):
    data = struct.pack(f"<{len(values)}{'e' if dtype == 'F16' else 'f'}", *values)
    if dtype != "BF16":
        return data
    return b"".join(data[i + 2:i + 4] for i in range(0, len(data), 4))


def write_checkpoint(folder, config, shapes, dtype):
    """config.json and model.safetensors with random weights of a dtype: F32, F16 or BF16."""
    header, parts, end = {}, [], 0
    for name, shape in shapes.items():
        parts.append(stored(weights(name, math.prod(shape)), dtype))
        begin, end = end, end + len(parts[-1])
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + b"".join(parts))


def write_checkpoints(folder):
    """Every case of tests/data/models/cases.json; returns their names."""
    file = json.loads((DATA / "models/cases.json").read_text())
    for case, dtype in zip(file["cases"], itertools.cycle(("F32", "F16", "BF16"))):
        shapes = file["layouts"][case["tensors"]]
        write_checkpoint(folder / case["name"], case["config"], shapes, dtype)
    return [case["name"] for case in file["cases"]]


def gguf_shapes():
    """Outermost axis first; the rows of matrices consist of whole blocks."""
    layer = {"attn_norm": [256], "ffn_norm": [256], "attn_q": [256, 256], "attn_k": [128, 256],
             "attn_v": [128, 256], "attn_output": [256, 256], "ffn_gate": [512, 256],
             "ffn_up": [512, 256], "ffn_down": [256, 512]}
    return {"token_embd": [64, 256], "output_norm": [256],
            **{f"blk.{i}.{name}": shape for i in range(2) for name, shape in layer.items()}}


def write_gguf(path, dtype):
    """A Llama of two layers whose matrices repeat the 512 elements of tests/data/gguf/blocks."""
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    blocks = (DATA / f"gguf/blocks/{dtype}.bin").read_bytes()[:-4 * 512]
    numbers = {"block_count": 2, "context_length": 512, "embedding_length": 256,
               "feed_forward_length": 512, "attention.head_count": 4, "attention.head_count_kv": 2}
    head = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    for key, number in numbers.items():
        head += text(f"llama.{key}") + struct.pack("<II", 4, number)
    head += text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", 6, 1e-5)
    data = b""
    for name, shape in gguf_shapes().items():
        is_norm = len(shape) == 1
        head += text(f"{name}.weight") + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", 0 if is_norm else GGUF_TYPES[dtype], len(data))
        if is_norm:
            data += struct.pack("<256f", *[1.0] * 256)
        else:
            data += blocks * (math.prod(shape) // 512)
    start = b"GGUF" + struct.pack("<IQQ", 3, len(gguf_shapes()), len(numbers) + 2) + head
    path.write_bytes(start + bytes(-len(start) % 32) + data)


def write_gguf_files(folder):
    """One file of each type; returns their names."""
    names = [f"{dtype}.gguf" for dtype in GGUF_TYPES]
    for name, dtype in zip(names, GGUF_TYPES):
        write_gguf(folder / name, dtype)
    return names
