"""The tiny models of tests/data/models: their checkpoints, what transformers gives for them, and whether the
bits of torch that are recorded there (tools/make_torch_bits.py) are those of this machine. Standard library
only."""

import hashlib
import json
import math
import os
import pathlib
import platform
import struct
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(f"{SOURCE}/tests/cli")

import fixtures  # noqa: E402

MODELS = SOURCE / "tests" / "data" / "models"
FIXTURES = json.loads((MODELS / "cases.json").read_text())
# Not `long`: positions up to 131071, and made-up states before them.
CASES = [case for case in FIXTURES["cases"] if case["name"] != "long"]
WORDS = [f"w{i}" for i in range(127)]
SITES = ("q_pre", "q_post", "k_pre", "k_post")
MASK = 2**64 - 1
# Of a processor, what torch and its libraries choose their code by.
FLAGS = ("avx2", "fma", "avx512f", "avx512bw", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_bf16",
         "amx_fp16", "asimd", "bf16", "sve")


def weights(name, count):
    """As in tools/make_model_fixtures.py."""
    hashed = 14695981039346656037
    for byte in name.encode():
        hashed = (hashed ^ byte) * 1099511628211 & MASK
    out = []
    for i in range(1, count + 1):
        z = hashed + i * 0x9E3779B97F4A7C15 & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        centred = ((z ^ z >> 31) >> 56) - 128
        out.append(1 + (centred // 2) / 128 if "norm" in name else centred / 256)
    return out


def write_checkpoint(folder, case):
    header, data = {}, b""
    centred = case["config"]["model_type"].startswith("gemma3")
    for name, shape in FIXTURES["layouts"][case["tensors"]].items():
        values = weights(name, math.prod(shape))
        if centred and "norm" in name:
            values = [value - 1 for value in values]
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    fixtures.write(f"{folder}/model.safetensors", struct.pack("<Q", len(text)) + text + data)
    fixtures.write(f"{folder}/config.json", json.dumps(case["config"]))
    fixtures.make_tokenizer(folder, WORDS)


def text_of(ids):
    return " ".join("?" if i == 0 else WORDS[i - 1] for i in ids)


def read_reference(case):
    """{name: (shape, numbers)}"""
    raw = (MODELS / f"{case['name']}.safetensors").read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            letter = {"F32": "f", "I32": "i"}[entry["dtype"]]
            out[name] = entry["shape"], struct.unpack(f"<{math.prod(entry['shape'])}{letter}",
                                                      data[slice(*entry["data_offsets"])])
    return out


def processor():
    """What decides the bits of torch besides its version and the environment, as far as the system says it."""
    path = pathlib.Path("/proc/cpuinfo")
    fields = dict(line.partition(":")[::2] for line in reversed(path.read_text().splitlines())
                  if ":" in line) if path.exists() else {}
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    flags = fields.get("flags", fields.get("Features", "")).split()
    return {"machine": platform.machine(), "libc": "-".join(platform.libc_ver()),
            "vendor": fields.get("vendor_id", fields.get("CPU implementer", "")),
            "flags": [flag for flag in FLAGS if flag in flags]}


def digest(arrays):
    """Of a layer's queries and keys before and after the rotary embedding: bytes of float32 numbers
    [tokens, heads, head_dim] by name."""
    hashed = hashlib.sha256()
    for site in SITES:
        hashed.update(arrays[site])
    return hashed.hexdigest()[:12]


def recorded_bits():
    path = MODELS / "torch_bits.json"
    return json.loads(path.read_text()) if path.exists() else {"torch": "", "records": []}


def variables_set():
    """Variables of the environment that choose the code of torch's libraries."""
    return {name: value for name, value in os.environ.items()
            if name.startswith(("ATEN_", "ONEDNN_", "DNNL_", "MKL_"))}
