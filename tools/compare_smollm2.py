# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.9.1", "transformers==5.1.0", "gguf==0.19.0", "safetensors==0.8.0",
#                 "accelerate", "numpy"]
# ///
"""Reference queries and keys of a real Llama model, read by transformers from the same GGUF file.

    uv run tools/compare_smollm2.py MODEL.gguf REFERENCE.safetensors [--tokens 512] [--ids FILE]
    QK_SMOLLM2_GGUF=MODEL.gguf QK_SMOLLM2_REFERENCE=REFERENCE.safetensors \\
        build/release/smollm2_test

The ids are given to transformers as they are (its own conversion of GGUF tokenizers is not exact):
those of --ids (integers, separated by white space), or a fixed sequence that covers the vocabulary.
"""

import argparse
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM
from transformers.models.llama import modeling_llama

KEPT_EVERY = 16  # one token in so many is stored


def token_ids(options, vocab_size):
    if options.ids:
        ids = [int(word) for word in options.ids.read_text().split()][: options.tokens]
    else:
        ids = [(i * 7919 + i // 3 * 104729 + 11) % vocab_size for i in range(options.tokens)]
    if len(ids) < options.tokens or max(ids) >= vocab_size:
        raise SystemExit(f"expected {options.tokens} ids below {vocab_size}, found {len(ids)}")
    return ids


def record(model, taken, rows):
    """Wraps the rotary embedding: it sees q and k of each layer in turn, before and after."""
    rotate, count = modeling_llama.apply_rotary_pos_emb, iter(range(10**6))

    def keep(name, x):  # [1, heads, tokens, head_dim] -> [rows, heads, head_dim]
        taken[name] = np.ascontiguousarray(x[0].transpose(0, 1)[rows].numpy())

    def wrapped(q, k, *rest, **more):
        layer = next(count)
        q_post, k_post = rotate(q, k, *rest, **more)
        for name, x in (("q_pre", q), ("k_pre", k), ("q_post", q_post), ("k_post", k_post)):
            keep(f"L{layer}.{name}", x)
        return q_post, k_post

    modeling_llama.apply_rotary_pos_emb = wrapped


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gguf", type=pathlib.Path)
    parser.add_argument("reference", type=pathlib.Path)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--ids", type=pathlib.Path)
    options = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(
        str(options.gguf.parent), gguf_file=options.gguf.name, dtype=torch.float32,
        attn_implementation="eager",
    ).eval()  # fmt: skip
    ids = token_ids(options, model.config.vocab_size)
    rows = list(range(0, len(ids), KEPT_EVERY)) + [len(ids) - 1]
    taken = {"ids": np.array(ids, np.int32), "rows": np.array(rows, np.int32)}
    record(model, taken, rows)
    model.model(input_ids=torch.tensor([ids]), use_cache=False)
    save_file(taken, options.reference)
    print(f"{len(taken) // 4} layers, {len(ids)} tokens, {len(rows)} of them stored")


if __name__ == "__main__":
    main()
