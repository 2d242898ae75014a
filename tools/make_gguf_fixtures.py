#!/usr/bin/env python3
"""Makes tests/data/gguf/ and tests/data/safetensors/ with the formats' own Python packages.

    pip install gguf==0.19.0 safetensors==0.8.0 numpy==2.3.5
    python tools/make_gguf_fixtures.py

tests/data/gguf/blocks/<type>.bin   blocks of 512 elements with random bits, then the 512 float32
                                    values that ggml's Python package gives for them
tests/data/gguf/types.gguf          the same blocks as tensors [2, 256], and a value of every kind
                                    in the metadata
tests/data/gguf/v2.gguf             a version 2 file with general.alignment 64
tests/data/safetensors/small.safetensors   tensors of several types, one without elements
"""

import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants
from safetensors import TensorSpec, serialize_file

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
TYPES = "F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q4_K Q5_K Q6_K".split()
# Offsets of the half-precision scales in a block.
SCALES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2],
          "Q5_K": [0, 2], "Q6_K": [208]}
ELEMENTS = 512


def random_blocks(name, random):
    """Random bits, but with finite scales: normal ones, and tiny ones in every fourth block."""
    elements, size = gguf.constants.GGML_QUANT_SIZES[Type[name]]
    blocks = random.integers(0, 256, (ELEMENTS // elements, size), dtype=np.uint8)
    for at in SCALES.get(name, []):
        scales = random.normal(0, 0.05, len(blocks)).astype(np.float16)
        scales[3::4] = np.float16(3e-6)
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(-1, 2)
    if name in ("F32", "F16", "BF16"):
        values = random.normal(0, 1, ELEMENTS).astype(np.float32)
        blocks = {"F32": values, "F16": values.astype(np.float16),
                  "BF16": (values.view(np.uint32) >> 16).astype(np.uint16)}[name].view(np.uint8)
    return blocks.reshape(2, -1)


def write_blocks(random):
    tensors = {}
    for name in TYPES:
        blocks = random_blocks(name, random)
        values = quants.dequantize(blocks, Type[name]).astype(np.float32)
        if name == "F16":
            values = blocks.view(np.float16).astype(np.float32)
        if name == "F32":
            values = blocks.view(np.float32)
        assert values.size == ELEMENTS and np.isfinite(values).all()
        (DATA / "gguf/blocks" / f"{name}.bin").write_bytes(blocks.tobytes() + values.tobytes())
        tensors[name] = blocks
    return tensors


def write_types(tensors):
    writer = gguf.GGUFWriter(DATA / "gguf/types.gguf", "fixture")
    writer.add_uint8("value.u8", 200)
    writer.add_int8("value.i8", -100)
    writer.add_uint16("value.u16", 60000)
    writer.add_int16("value.i16", -30000)
    writer.add_uint32("value.u32", 4000000000)
    writer.add_int32("value.i32", -2000000000)
    writer.add_float32("value.f32", 1e-5)
    writer.add_bool("value.bool", True)
    writer.add_string("value.string", "naïve\0text")
    writer.add_uint64("value.u64", 2**64 - 1)
    writer.add_int64("value.i64", -(2**63))
    writer.add_float64("value.f64", 0.1)
    writer.add_array("list.strings", ["a", "", "Ġb"])
    writer.add_array("list.integers", [3, 1, -2])
    writer.add_array("list.floats", [0.5, -1.5])
    writer.add_array("list.booleans", [True, False, True])
    for name, blocks in tensors.items():
        writer.add_tensor(name, blocks, raw_dtype=Type[name])
    writer.add_tensor("ids", np.arange(5, dtype=np.int32))
    close(writer)


def write_v2():
    writer = gguf.GGUFWriter(DATA / "gguf/v2.gguf", "fixture")
    writer.data_alignment = 64
    writer.add_custom_alignment(64)
    writer.add_tensor("a", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("b", np.arange(4, dtype=np.float16))
    close(writer)
    path = DATA / "gguf/v2.gguf"
    content = bytearray(path.read_bytes())
    content[4:8] = (2).to_bytes(4, "little")  # same layout as version 3
    path.write_bytes(content)


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_safetensors():
    def tensor(dtype, values):
        alive.append(values)
        return TensorSpec(dtype=dtype, shape=values.shape, data_ptr=values.ctypes.data,
                          data_len=values.nbytes)

    alive = []
    values = np.arange(12, dtype=np.float32).reshape(3, 4) / 8
    serialize_file(
        {
            "f32": tensor("float32", values),
            "f16": tensor("float16", values.astype(np.float16)),
            "bf16": tensor("bfloat16", (values.view(np.uint32) >> 16).astype(np.uint16)),
            "ids": tensor("int32", np.arange(5, dtype=np.int32)),
            "scalar": tensor("float32", np.array(2.5, np.float32)),
            "none": tensor("float32", np.zeros((0, 7), np.float32)),
            "é": tensor("bool", np.array([True, False])),
        },
        str(DATA / "safetensors/small.safetensors"),
        metadata={"format": "pt"},
    )


def main():
    (DATA / "gguf/blocks").mkdir(parents=True, exist_ok=True)
    (DATA / "safetensors").mkdir(exist_ok=True)
    write_types(write_blocks(np.random.default_rng(20)))
    write_v2()
    write_safetensors()


if __name__ == "__main__":
    main()
