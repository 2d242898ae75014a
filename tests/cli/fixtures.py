"""A tiny checkpoint, tokenizer, corpus and configuration for the tests of the program. Standard
library only; the same arguments give the same bytes."""

import glob
import json
import os
import struct

WORDS = [f"w{i}" for i in range(60)]

# The bytes that tests expect are those of a CPU, so `auto` finds no GPU in the tests of this process.
NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
os.environ.update(NO_GPU)


class Numbers:
    """A small linear congruential generator: uniform numbers in [-1, 1)."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 40) / 2**23 - 1


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def model_config(**changes):
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 64,
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": True, "torch_dtype": "float32"}
    config.update(changes)
    return config


def tensor_shapes(config):
    hidden, middle = config["hidden_size"], config["intermediate_size"]
    head_dim = hidden // config["num_attention_heads"]
    keys = config["num_key_value_heads"] * head_dim
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], hidden],
              "model.norm.weight": [hidden]}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        shapes.update({
            prefix + "input_layernorm.weight": [hidden],
            prefix + "post_attention_layernorm.weight": [hidden],
            prefix + "self_attn.q_proj.weight": [hidden, hidden],
            prefix + "self_attn.k_proj.weight": [keys, hidden],
            prefix + "self_attn.v_proj.weight": [keys, hidden],
            prefix + "self_attn.o_proj.weight": [hidden, hidden],
            prefix + "mlp.gate_proj.weight": [middle, hidden],
            prefix + "mlp.up_proj.weight": [middle, hidden],
            prefix + "mlp.down_proj.weight": [hidden, middle]})
    return shapes


def safetensors(shapes, dtype="F32"):
    numbers = Numbers(7)
    header, data = {}, b""
    for name, shape in sorted(shapes.items()):
        count = 1
        for n in shape:
            count *= n
        offset = 1.0 if name.endswith("norm.weight") else 0.0
        raw = struct.pack(f"<{count}f", *(offset + 0.3 * numbers.next() for _ in range(count)))
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def make_model(folder, **changes):
    config = model_config(**changes)
    write(f"{folder}/config.json", json.dumps(config))
    write(f"{folder}/model.safetensors", safetensors(tensor_shapes(config)))
    make_tokenizer(folder)
    return folder


def make_wide_model(folder, **changes):
    """A large matrix: repeats one row of numbers, starting one number later in each row."""
    config = model_config(**changes)
    header, data = {}, []
    numbers = Numbers(11)
    row = [0.05 * numbers.next() for _ in range(16384)]
    at = 0
    for name, shape in sorted(tensor_shapes(config).items()):
        if name.endswith("norm.weight"):
            raw = struct.pack("<f", 1.0) * shape[0]
        else:
            width = shape[1]
            packed = struct.pack("<16384f", *row)
            raw = b"".join(packed[4 * (r % (16384 - width)):][:4 * width] for r in range(shape[0]))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    write(f"{folder}/config.json", json.dumps(config))
    write(f"{folder}/model.safetensors", struct.pack("<Q", len(text)) + text + b"".join(data))
    return folder


def make_tokenizer(folder, words=WORDS):
    vocabulary = {"[UNK]": 0, **{word: i + 1 for i, word in enumerate(words)}}
    write(f"{folder}/tokenizer.json", json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}}))


def document(index, num_words):
    numbers = Numbers(1000 + index)
    return " ".join(WORDS[int((numbers.next() + 1) / 2 * len(WORDS))] for _ in range(num_words))


def make_corpus(folder, lengths=(90, 5, 0, 41, 200, 17, 64)):
    rows = [json.dumps({"id": f"doc-{i}", "text": document(i, n)}) for i, n in enumerate(lengths)]
    write(f"{folder}/train.jsonl", "\n".join(rows) + "\n")
    return folder


CONFIG = """dataset:
  path: {root}/corpus
  id_column: id
model:
  name: {root}/model
tokenizer:
  max_length: 128
inference: {{}}
capture:
  sampler: {{type: uniform, base_rate: 4}}
  min_bucket_size: 16
output:
  data_root: {root}/out
"""


def make_all(root):
    make_model(f"{root}/model")
    make_corpus(f"{root}/corpus")
    return write(f"{root}/run.yaml", CONFIG.format(root=root))


def head_columns(layer, head, kind):
    """The rows of a head of a made-up dataset without a footer: two documents of 64 tokens, every
    second position, buckets of 16; vectors of 4 multiples of 1/256."""
    numbers = Numbers(1000 * layer + 10 * head + (kind == "k"))
    places = [(example, position) for example in (3, 8) for position in range(0, 64, 2)]
    vectors = [[round(256 * (numbers.next() + (i + 1) * position / 64)) / 256 for i in range(4)]
               for _, position in places]
    return {"bucket": [position // 16 for _, position in places],
            "example_id": [example for example, _ in places],
            "position": [position for _, position in places],
            "vector": vectors}


def write_grid_dataset(folder):
    """2 layers of 4 query heads and 2 key heads, with pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    types = {"bucket": pa.int32(), "example_id": pa.int64(), "position": pa.int32(),
             "vector": pa.list_(pa.float32())}
    for layer in range(2):
        for kind, count in (("q", 4), ("k", 2)):
            for head in range(count):
                columns = head_columns(layer, head, kind)
                table = pa.table({name: pa.array(columns[name], types[name]) for name in types})
                os.makedirs(f"{folder}/l{layer:02}h{head:02}{kind}")
                pq.write_table(table, f"{folder}/l{layer:02}h{head:02}{kind}/data.parquet")


def sniff_arguments(config, out, *flags, sets=()):
    """What follows `qkscope sniff` for a run into the folder `out`; sets: "section.key=value"."""
    arguments = ["--config", config, "--set", f"output.data_root={out}", *flags]
    for text in sets:
        arguments += ["--set", text]
    return arguments


def files_of(folder):
    """The bytes of every file below a folder, hidden ones included, by relative path."""
    out = {}
    for path in sorted(glob.glob(f"{folder}/**/*", recursive=True, include_hidden=True)):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                out[os.path.relpath(path, folder)] = file.read()
    return out
