# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.9.1", "transformers==5.1.0", "gguf==0.19.0", "safetensors==0.8.0",
#                 "accelerate", "numpy==2.3.5"]
# ///
"""Makes the reference for `qkscope verify`: queries and keys of a model, computed by transformers from
the same files and token ids, in float32 on the CPU or as --dtype and --device say.

    uv run tools/make_reference.py MODEL REFERENCE.safetensors [--tokens N] [--every 8]
    qkscope verify --model MODEL --reference REFERENCE.safetensors

    uv run tools/make_reference.py MODEL REFERENCE.safetensors --dtype bfloat16 --device cuda
    qkscope verify --model MODEL --reference REFERENCE.safetensors --dtype bfloat16 --device cuda

MODEL is a checkpoint folder or a GGUF file; the architectures are those of qkscope. The ids are a
fixed sequence over the vocabulary, or those in --ids FILE (integers separated by white space), or
those of the text in --text FILE. In the last case verify compares the ids too; for a GGUF file this
needs llama-cpp-python.

The reference holds (docs/verify.md): ids [tokens] and rows [rows], the tokens whose vectors are
kept; L<layer>.<q|k>_<pre|post> [rows, heads, head_dim] before and after the rotary embedding, widened
to float32; and in its metadata the model's files with their SHA-256, the versions, the type and device
that computed it, the attention window of each layer, and the distance of each array from a second
run in float64, or in float32 if the type is a half (unless --no-float64 is given).
"""

import argparse
import contextlib
import hashlib
import json
import pathlib
import platform
import sys

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

FORMAT = "qkscope.reference.1"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
TEXT_ONLY = {"mllama": "text_config", "mllama_text_model": None}


def is_gguf(model):
    """A GGUF file is known by its first bytes, not by its name."""
    return model.is_file() and model.open("rb").read(4) == b"GGUF"


def model_files(model):
    """The files of a model, as qkscope identifies it."""
    if is_gguf(model):
        return [model]
    index = model / "model.safetensors.index.json"
    if (model / "model.safetensors").exists():
        weights = ["model.safetensors"]
    else:
        weights = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    names = ["config.json", *([index.name] if index.exists() else []), *weights]
    return [model / name for name in sorted(names)]


def identity(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def complete(model, info):
    """The model. Exits if weights of the decoder are missing, which transformers would make up."""
    beside = ("lm_head", "vision", "multi_modal_projector", "cross_attn")
    missing = [name for name in info["missing_keys"] if not any(part in name for part in beside)]
    if missing:
        sys.exit(f"{len(missing)} weights are not in the files, the first is {missing[0]}")
    return model.eval()


def load(model, dtype=torch.float32, attention="eager"):
    """The model in a type: stored numbers are widened or rounded once, GGUF blocks dequantised by
    transformers."""
    options = {"dtype": dtype, "attn_implementation": attention, "output_loading_info": True}
    if is_gguf(model):
        auto = transformers.AutoModelForCausalLM
        return complete(*auto.from_pretrained(str(model.parent), gguf_file=model.name, **options))
    config = json.loads((model / "config.json").read_text())
    if config["model_type"] in TEXT_ONLY:  # the library supports it only inside its wrapper
        mllama = transformers.models.mllama
        nested = config["model_type"] == "mllama"
        text = mllama.configuration_mllama.MllamaTextConfig(
            **{k: v for k, v in (config["text_config"] if nested else config).items()
               if k != "model_type"})  # fmt: skip
        causal = mllama.modeling_mllama.MllamaForCausalLM
        return complete(*causal.from_pretrained(str(model), config=text, **options))
    auto = transformers.AutoModelForCausalLM
    if config["model_type"] == "mistral3":
        auto = transformers.AutoModelForImageTextToText
    return complete(*auto.from_pretrained(str(model), **options))


def decoder_of(model):
    """The part of a model that holds the text decoder's layers."""
    for _, module in model.named_modules():
        if isinstance(getattr(module, "layers", None), torch.nn.ModuleList) and hasattr(
            module, "embed_tokens"
        ):
            return module
    sys.exit(f"{type(model).__name__}: found no decoder with layers and embed_tokens")


class Recorder:
    """Queries and keys before and after the rotary embedding, by layer: {"L0.q_pre": [rows, heads,
    head_dim], ...}; and the attention window of each layer that runs (None: no window)."""

    def __init__(self, decoder, rows=None):
        attention = next(x.self_attn for x in decoder.layers if hasattr(x, "self_attn"))
        self.module = sys.modules[type(attention).__module__]
        self.rows = slice(None) if rows is None else rows
        self.taken, self.windows, self.layer = {}, {}, None
        self.rotate = self.module.apply_rotary_pos_emb
        self.module.apply_rotary_pos_emb = self.on_rotate
        self.kernel = decoder.config._attn_implementation
        self.attend = self.replace_attention(self.on_attend)
        self.hooks = [
            layer.self_attn.register_forward_pre_hook(self.entering(index))
            for index, layer in enumerate(decoder.layers)
            if hasattr(layer, "self_attn")
        ]

    def replace_attention(self, function):
        if self.kernel == "eager":
            old, self.module.eager_attention_forward = (
                self.module.eager_attention_forward, function)  # fmt: skip
        else:
            known = transformers.modeling_utils.ALL_ATTENTION_FUNCTIONS
            old, known[self.kernel] = known[self.kernel], function
        return old

    def entering(self, index):
        def hook(*_):
            self.layer = index

        return hook

    def keep(self, name, tensor):  # [1, heads, tokens, head_dim] -> [rows, heads, head_dim]
        kept = tensor[0].transpose(0, 1)[self.rows]
        wide = kept.to("cpu", torch.promote_types(kept.dtype, torch.float32))
        self.taken[f"L{self.layer}.{name}"] = np.ascontiguousarray(wide.numpy())

    def on_rotate(self, q, k, *rest, **more):
        self.keep("q_pre", q)
        self.keep("k_pre", k)
        return self.rotate(q, k, *rest, **more)

    def on_attend(self, module, q, k, *rest, **more):
        self.windows[self.layer] = more.get("sliding_window")
        self.keep("q_post", q)
        self.keep("k_post", k)
        for kind, tensor in (("q", q), ("k", k)):  # a layer without rotary embedding
            if f"L{self.layer}.{kind}_pre" not in self.taken:
                self.keep(f"{kind}_pre", tensor)
        return self.attend(module, q, k, *rest, **more)

    def close(self):
        self.module.apply_rotary_pos_emb = self.rotate
        self.replace_attention(self.attend)
        for hook in self.hooks:
            hook.remove()


@torch.no_grad()
def record(decoder, ids, rows=None, positions=None):
    recorder = Recorder(decoder, rows)
    try:
        device = decoder.embed_tokens.weight.device
        position_ids = None if positions is None else torch.tensor([positions], device=device)
        input_ids = torch.tensor([ids], device=device)
        decoder(input_ids=input_ids, position_ids=position_ids, use_cache=False)
    finally:
        recorder.close()
    return recorder.taken, recorder.windows


@contextlib.contextmanager
def in_wider(decoder, dtype):
    """Computes in a wider type, widening one layer at a time; the stored weights do not change."""
    stored = decoder.embed_tokens.weight.dtype
    hooks = [decoder.embed_tokens.register_forward_hook(lambda module, args, out: out.to(dtype))]
    for layer in decoder.layers:
        hooks.append(layer.register_forward_pre_hook(lambda module, args: module.to(dtype) and None))
        hooks.append(layer.register_forward_hook(lambda module, args, out: module.to(stored) and None))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def relative(distance, reference):
    largest = float(np.abs(reference).max())
    return float(distance) / largest if largest > 0 else 0.0


def float64_distances(decoder, ids, rows, taken):
    """The largest distance of each array from the float64 run, relative to its largest value."""
    with in_wider(decoder, torch.float64):
        exact, _ = record(decoder, ids, rows)
    return {
        name: relative(np.abs(taken[name] - exact[name]).max(), exact[name]) for name in taken
    }


def float32_distances(decoder, ids, rows, taken):
    """The distance of each array in half precision from the float32 run of the same weights,
    relative to its largest value: the root of the mean square, and what 99 % do not exceed."""
    with in_wider(decoder, torch.float32):
        exact, _ = record(decoder, ids, rows)
    out = {}
    for name, array in taken.items():
        apart = np.abs(array.astype(np.float64) - exact[name])
        rms, tail = np.sqrt(np.mean(apart**2)), np.quantile(apart, 0.99)
        out[name] = [relative(rms, exact[name]), relative(tail, exact[name])]
    return out


def tokenize(model, text, max_length):
    """The model's own ids of a text. For a GGUF file these are llama.cpp's, since transformers does
    not convert such vocabularies exactly."""
    if not is_gguf(model):
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(model))
        return tokenizer(text, truncation=True, max_length=max_length)["input_ids"]
    import llama_cpp

    vocabulary = llama_cpp.Llama(str(model), vocab_only=True, verbose=False)
    return vocabulary.tokenize(text.encode(), add_bos=True, special=True)[:max_length]


def device_of(name):
    """A device that answers. Exits with a sentence if there is none."""
    expected = f"--device: expected cpu, cuda or cuda:N, found {name}"
    if name.split(":")[0] not in ("cpu", "cuda"):
        sys.exit(expected)
    try:
        torch.empty(1, device=torch.device(name))
        return torch.device(name)
    except (RuntimeError, AssertionError) as error:
        sys.exit(f"{expected}: {str(error).splitlines()[0]}")


def device_facts(device):
    """What decides the bits besides the versions: the kind of device, its name and capability."""
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        name = torch.cuda.get_device_name(device)
        return {"device": "cuda", "device_name": name, "device_capability": f"{major}.{minor}"}
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "device": "cpu",
        "device_name": named[0] if named else platform.machine(),
        "device_capability": torch.backends.cpu.get_cpu_capability(),
    }


def default_tokens(decoder):
    """256, or more to reach beyond a sliding window that is not too large for a quick run."""
    window = getattr(decoder.config, "sliding_window", None) or 0
    return max(256, window + 64) if window <= 1024 else 256


def token_ids(options, model, vocab_size):
    """The ids, and the text that they come from, or None."""
    if options.text:
        text = options.text.read_text(encoding="utf-8")
        return tokenize(model, text, options.tokens), text
    if options.ids:
        ids = [int(word) for word in options.ids.read_text().split()][: options.tokens]
    else:
        ids = [(i * 7919 + i // 3 * 104729 + 11) % vocab_size for i in range(options.tokens)]
    if not ids or min(ids) < 0 or max(ids) >= vocab_size:
        sys.exit(f"expected ids from 0 to {vocab_size - 1}, found {len(ids)} of which some are not")
    return ids, None


def make_reference(model, out, options):
    device = device_of(options.device)
    loaded = load(model, DTYPES[options.dtype], options.attention).to(device)
    decoder = decoder_of(loaded)
    if options.tokens is None:
        options.tokens = default_tokens(decoder)
    ids, text = token_ids(options, model, decoder.embed_tokens.num_embeddings)
    rows = sorted({*range(0, len(ids), options.every), len(ids) - 1})
    taken, windows = record(decoder, ids, rows)
    layers = [windows.get(i, "skipped") for i in range(len(decoder.layers))]
    metadata = {
        "format": FORMAT,
        "model": model.name,
        "files": json.dumps([identity(path) for path in model_files(model)]),
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "dtype": options.dtype,
        "attn_implementation": options.attention,
        "windows": json.dumps(layers),
        **device_facts(device),
    }
    if options.float64:
        wider, distances = (
            ("float64", float64_distances)
            if options.dtype == "float32"
            else ("float32", float32_distances)
        )
        metadata[wider] = json.dumps(distances(decoder, ids, rows, taken))
    if text is not None:
        metadata |= {"text": text, "max_length": str(options.tokens)}
    taken |= {"ids": np.array(ids, np.int32), "rows": np.array(rows, np.int32)}
    save_file(taken, out, metadata=metadata)
    return len(windows), len(ids), len(rows)


def parse_options(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("reference", type=pathlib.Path)
    parser.add_argument("--tokens", type=int,
                        help="number of tokens (default: 256, or 64 more than a window of up to 1024)")  # fmt: skip
    parser.add_argument("--every", type=int, default=8, help="keep every Nth token (default: 8)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--ids", type=pathlib.Path, help="file with token ids")
    source.add_argument("--text", type=pathlib.Path, help="file with a text")
    parser.add_argument("--no-float64", dest="float64", action="store_false",
                        help="skip the second run, which measures the accuracy of the first")  # fmt: skip
    parser.add_argument("--dtype", choices=list(DTYPES), default="float32",
                        help="type of weights and activations (default: float32)")  # fmt: skip
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (default: cpu)")
    parser.add_argument("--attention", choices=["eager", "sdpa"],
                        help="of transformers (default: eager in float32 on the CPU, else sdpa)")  # fmt: skip
    options = parser.parse_args(words)
    if options.attention is None:
        plain = options.dtype == "float32" and options.device == "cpu"
        options.attention = "eager" if plain else "sdpa"
    return options


def main():
    options = parse_options()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    model = pathlib.Path(options.model).absolute()
    layers, tokens, rows = make_reference(model, options.reference, options)
    print(f"{options.reference}: {layers} layers, {tokens} tokens, {rows} of them kept")


if __name__ == "__main__":
    main()
