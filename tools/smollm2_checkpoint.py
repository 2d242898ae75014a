#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.9.1", "transformers==5.1.0", "tokenizers==0.22.1", "numpy==2.3.5", "gguf==0.17.1"]
# ///
"""Writes the demo's GGUF model as a Hugging Face folder.
It holds config.json, model.safetensors and tokenizer.json, so that transformers and the original
tool can run the same weights and ids.

    tools/smollm2_checkpoint.py .deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf OUT [--dtype float32]

The tokenizer is built from the file's own vocabulary and merges: byte-level BPE after splitting
single digits, without special tokens. (transformers' own conversion is not used, because it adds a
BOS token and does not split digits.)"""

import argparse
import pathlib

import gguf
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers


def build_tokenizer(path):
    fields = gguf.GGUFReader(path).fields
    pieces = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ", 1)) for m in fields["tokenizer.ggml.merges"].contents()]
    vocab = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = [p for p, t in zip(pieces, types, strict=True) if t == 3]
    tokenizer.add_special_tokens([AddedToken(p, special=True, normalized=False) for p in control])
    return tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("gguf")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    args = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    source = pathlib.Path(args.gguf).resolve()

    model = transformers.AutoModelForCausalLM.from_pretrained(
        source.parent, gguf_file=source.name, dtype=getattr(torch, args.dtype)
    )
    model.save_pretrained(args.out)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(source),
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
    ).save_pretrained(args.out)
    print(f"{args.out}: {args.dtype} checkpoint with tokenizer")


if __name__ == "__main__":
    main()
