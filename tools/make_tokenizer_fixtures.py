#!/usr/bin/env python3
"""Makes tests/data/tokenizer/: small tokenizer.json files, one for each way in which the model
families split text, and the ids that transformers gives with them.

    pip install tokenizers==0.22.1 transformers==5.1.0
    python tools/make_tokenizer_fixtures.py
"""

import json
import tempfile

from tokenizer_texts import (
    DATA,
    MAX_LENGTHS,
    TEXTS,
    TRUNCATED,
    all_ids,
    training_lines,
    write,
    write_texts,
)
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    processors,
    trainers,
)
from tokenizers import pre_tokenizers as pre
from transformers import AutoTokenizer

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
THREE_DIGITS = CONTRACTIONS + r"\p{N}{1,3}" + REST
ONE_DIGIT = CONTRACTIONS + r"\p{N}" + REST
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def template(tokenizer, before, after=()):
    names = list(before) + list(after)
    return processors.TemplateProcessing(
        single=" ".join([*before, "$A", *after]),
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in names])


def train(tokenizer, special, vocab_size, alphabet=()):
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=special,
                                  initial_alphabet=list(alphabet), show_progress=False,
                                  limit_alphabet=400)
    tokenizer.train_from_iterator(training_lines(), trainer)
    return tokenizer


def byte_level(steps, special, normalizer=None, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, special, 700, pre.ByteLevel.alphabet())


def split(pattern):
    return pre.Split(Regex(pattern), "isolated")


def digits_bytes():
    return byte_level([pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)],
                      ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])


def three_digits_bytes():
    tokenizer = byte_level([split(THREE_DIGITS), pre.ByteLevel(False, use_regex=False)],
                           ["<s>", "<|im_start|>", "<|im_end|>"], ignore_merges=True)
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=False), template(tokenizer, ["<s>"])])
    return tokenizer


def one_digit_bytes_nfc():
    tokenizer = byte_level([split(ONE_DIGIT), pre.ByteLevel(False, use_regex=False)], [],
                           normalizer=normalizers.NFC())
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    # Added after the vocabulary, as in those families; one is not special, one strips.
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken("hello", single_word=True, normalized=False),
                          AddedToken("<unk>", rstrip=True, normalized=False)])
    return tokenizer


def underlined(normalizer, pre_tokenizer, special):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    # Merges only within words, trained with a splitter that the stored tokenizer does not have.
    stored = tokenizer.pre_tokenizer
    tokenizer.pre_tokenizer = pre.Split("▁", "merged_with_next") if normalizer else pre.Metaspace()
    train(tokenizer, special + BYTES, 1000)
    value = json.loads(tokenizer.to_str())
    value["added_tokens"] = [t for t in value["added_tokens"] if t["content"] not in BYTES]
    value["pre_tokenizer"] = json.loads(stored.__getstate__()) if stored else None
    return Tokenizer.from_str(json.dumps(value))


def prepended():
    tokenizer = underlined(
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
        ["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = template(tokenizer, ["<s>"])
    return tokenizer


def replaced():
    tokenizer = underlined(normalizers.Replace(" ", "▁"), pre.Split(" ", "merged_with_previous"),
                           ["<pad>", "</s>", "<s>", "<unk>"])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ("\n\n", "▁▁", "<0x41>")])
    tokenizer.post_processor = template(tokenizer, ["<s>"])
    return tokenizer


def metaspace():
    """With two tokens before the text and one after it, and a truncation and padding that must not
    be applied."""
    tokenizer = underlined(None, pre.Metaspace(prepend_scheme="first", split=False),
                           ["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = template(tokenizer, ["<s>", "<unk>"], ["</s>"])
    tokenizer.enable_truncation(max_length=9, stride=2)
    tokenizer.enable_padding(length=64, pad_id=2, pad_token="</s>")
    return tokenizer


def transformers_ids(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def encode(text, max_length=10_000_000):
        return tokenizer([text], truncation=True, max_length=max_length)["input_ids"][0]

    result = all_ids(encode)
    specials = tokenizer.num_special_tokens_to_add()
    result["truncated"] = {
        name: {str(n): encode(TEXTS[name], n) for n in MAX_LENGTHS if n >= specials}
        for name in TRUNCATED}
    result["special_tokens"] = specials
    result["pieces"] = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return result


def main():
    write_texts()
    ids = {}
    for make in (digits_bytes, three_digits_bytes, one_digit_bytes_nfc, prepended, replaced,
                 metaspace):
        with tempfile.TemporaryDirectory() as folder:
            make().save(f"{folder}/tokenizer.json", pretty=False)
            with open(f"{folder}/tokenizer_config.json", "w") as config:
                json.dump({"tokenizer_class": "PreTrainedTokenizerFast"}, config)
            ids[make.__name__] = transformers_ids(folder)
            value = json.load(open(f"{folder}/tokenizer.json"))
            value["decoder"] = None  # not used for ids
            write(f"{make.__name__}.json", value)
    for name, result in ids.items():
        pieces = result.pop("pieces")
        result["vocab_size"] = len(pieces)
        result["first_pieces"] = pieces[:40] + pieces[-5:]
        print(f"{name}: {len(pieces)} pieces, {sum(map(len, result['ids'].values()))} ids")
    write("ids.json", ids)
    print(sum(path.stat().st_size for path in DATA.iterdir()), "bytes")


if __name__ == "__main__":
    main()
