#!/usr/bin/env python3
"""Makes the GGUF half of tests/data/tokenizer/: small vocabularies with llama.cpp's ids for every name
of tokenizer.ggml.pre, and llama.cpp's ids with the vocabulary of SmolLM2.

    pip install tokenizers==0.22.1 gguf==0.19.0 llama-cpp-python==0.3.36 \\
        sentencepiece==0.2.1
    python tools/make_gguf_tokenizer_fixtures.py .deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
"""

import io
import json
import pathlib
import sys
import tempfile
import threading

import gguf
import sentencepiece
from llama_cpp import Llama
from tokenizer_texts import DATA, TEXTS, all_ids, training_lines, write
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
PRE = ("default gpt-2 smollm llama-bpe smaug-bpe chatglm-bpe glm4 qwen2 stablelm2 "
       "tekken").split()
# Other names that llama.cpp reads.
ALIASES = (
    "a.x-4.0 codeshell command-r dbrx deepseek-r1-qwen exaone exaone4 f2llmv2 falcon-h1 falcon3 "
    "gigachat glm5 granite-docling grok-2 hunyuan jais jina-de jina-es jina-v1-en jina-v2-code "
    "jina-v2-de jina-v2-es jina-v5-nano kormo lfm2 llama-v3 llama3 megrez mellum mellum2 midm-2.0 "
    "minerva-7b modern-bert mpt olmo phi-2 pixtral refact roberta-bpe solar-open starcoder "
    "trillion").split()
# Texts for which llama.cpp is known to differ from the models' own rules (gguf_pretokenizers.h).
SKIPPED = {
    "llama-bpe": ["folding"], "smaug-bpe": ["folding"], "chatglm-bpe": ["folding"],
    "glm4": ["folding"], "qwen2": ["folding", "decomposed"], "stablelm2": ["folding"],
    "tekken": ["decomposed", "scripts", "accents"],
}


def byte_level_vocabulary():
    """Trained on whole lines, so that its merges cross every boundary that a rule may set."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(False, use_regex=False)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer.train_from_iterator(training_lines() + list(TEXTS.values()) * 20, trainers.BpeTrainer(
        vocab_size=900, special_tokens=special, show_progress=False, max_token_length=4,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    value = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(value["vocab"], key=value["vocab"].get)
    merges = [" ".join(merge) for merge in value["merges"]]
    # Words that no merge produces (for ignore_merges), a user-defined piece, an unused one.
    tokens += ["Ġquick", "Ġbrown", ">hello", "hello world", "[PAD1]"]
    types = [CONTROL] * 3 + [NORMAL] * (len(tokens) - 5) + [USER_DEFINED, UNUSED]
    # For a merge that occurs twice, the first occurrence counts.
    return {"tokens": tokens, "token_types": types, "merges": merges + merges[:3]}


def scored_vocabulary():
    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(training_lines()), model_writer=stream, vocab_size=900,
        model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, character_coverage=0.995, minloglevel=2,
        split_by_whitespace=True, allow_whitespace_only_pieces=True, add_dummy_prefix=True)
    model = sentencepiece.SentencePieceProcessor(model_proto=stream.getvalue())
    tokens, scores, types = [], [], []
    for i in range(model.get_piece_size()):
        tokens.append(model.id_to_piece(i))
        # As in Llama 2, runs of spaces come last, all with the same score.
        is_run = len(tokens[-1]) > 1 and set(tokens[-1]) == {"▁"}
        scores.append(-1e9 if is_run else model.get_score(i))
        types.append(UNKNOWN if model.is_unknown(i) else CONTROL if model.is_control(i)
                     else BYTE if model.is_byte(i) else NORMAL)
    tokens += ["hello", "\n\n"]
    scores += [-1000.0, -1000.0]
    types += [USER_DEFINED, USER_DEFINED]
    return {"tokens": tokens, "scores": scores, "token_types": types}


def write_gguf(path, vocabulary, model, **keys):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_tokenizer_model(model)
    writer.add_token_list(vocabulary["tokens"])
    writer.add_token_types(vocabulary["token_types"])
    if "merges" in vocabulary:
        writer.add_token_merges(vocabulary["merges"])
    if "scores" in vocabulary:
        writer.add_token_scores(vocabulary["scores"])
    for key, value in keys.items():
        getattr(writer, f"add_{key}")(value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama_ids(path, skipped=()):
    model = Llama(model_path=str(path), vocab_only=True, verbose=False)

    def encode(text):
        return model.tokenize(text.encode(), add_bos=True, special=True)

    result = all_ids(encode)
    for name in skipped:
        del result["ids"][name]
    return result


def aliases(path, byte_level, known):
    """Each other name, and the first of PRE with which llama.cpp gives the same ids."""
    result = {}
    for pre in ALIASES:
        write_gguf(path, byte_level, "gpt2", tokenizer_pre=pre, bos_token_id=0, eos_token_id=2)
        ids = llama_ids(path)["ids"]
        result[pre] = next(name for name in PRE
                           if all(ids[text] == them for text, them in known[name]["ids"].items()))
    return result


def main():
    byte_level, scored = byte_level_vocabulary(), scored_vocabulary()
    write("gguf_byte_level.json", byte_level)
    write("gguf_scored.json", scored)
    result = {"byte_level": {}, "scored": {}}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "vocabulary.gguf"
        for pre in PRE:
            write_gguf(path, byte_level, "gpt2", tokenizer_pre=pre, bos_token_id=0, eos_token_id=2)
            result["byte_level"][pre] = llama_ids(path, SKIPPED.get(pre, ()))
        result["aliases"] = aliases(path, byte_level, result["byte_level"])
        normal = {**byte_level, "token_types": [NORMAL] * len(byte_level["tokens"])}
        write_gguf(path, normal, "gpt2", tokenizer_pre="gpt-2", bos_token_id=0, eos_token_id=2)
        result["all_normal"] = llama_ids(path)
        for prefix in (True, False):
            write_gguf(path, scored, "llama", add_space_prefix=prefix, add_eos_token=not prefix)
            result["scored"]["prefix" if prefix else "no_prefix"] = llama_ids(path)
    write_gguf(DATA / "scored.gguf", scored, "llama", bos_token_id=1, eos_token_id=2,
               unk_token_id=0, add_bos_token=False, add_eos_token=True, add_space_prefix=False)
    write_gguf(DATA / "byte_level.gguf", byte_level, "gpt2", tokenizer_pre="tekken", bos_token_id=0)
    result["smollm2"] = llama_ids(sys.argv[1])
    write("gguf_ids.json", result)
    print(sum(path.stat().st_size for path in DATA.iterdir()), "bytes", len(TEXTS), "texts")


if __name__ == "__main__":
    threading.stack_size(1 << 30)  # llama.cpp's regular expressions recurse once per character
    worker = threading.Thread(target=main)
    worker.start()
    worker.join()
