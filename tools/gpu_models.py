"""Checkpoints and corpora for tools/check_gpu. On the machine with the GPU it needs torch; to pack the
tiny models, transformers 5.1.0 (tools/sweep_models.py)."""

import json
import pathlib
import random
import struct

LLAMA_1B = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 128256,
            "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
            "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64}
# Of its layers alone: a table of embeddings takes long to write.
LLAMA_8B = {**LLAMA_1B, "vocab_size": 32768, "hidden_size": 4096, "intermediate_size": 14336, "head_dim": 128}
GEMMA_4B = {"model_type": "gemma3_text", "architectures": ["Gemma3ForCausalLM"],
            "vocab_size": 65536, "hidden_size": 2560, "intermediate_size": 10240,
            "num_hidden_layers": 6, "num_attention_heads": 8, "num_key_value_heads": 4,
            "head_dim": 256, "sliding_window": 1024, "query_pre_attn_scalar": 256,
            "rope_local_base_freq": 10000.0, "hidden_activation": "gelu_pytorch_tanh",
            "layer_types": 5 * ["sliding_attention"] + ["full_attention"]}
COMMON = {"max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
          "hidden_act": "silu", "tie_word_embeddings": True, "torch_dtype": "bfloat16",
          "pad_token_id": 0}
SMALL = {"vocab_size": 512, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 16}


def shapes_of(config):
    """{tensor: shape} of a Llama or a Gemma 3."""
    hidden, middle, size = (config[key] for key in ("hidden_size", "intermediate_size", "head_dim"))
    queries, keys = config["num_attention_heads"] * size, config["num_key_value_heads"] * size
    layer = {"self_attn.q_proj": [queries, hidden], "self_attn.k_proj": [keys, hidden],
             "self_attn.v_proj": [keys, hidden], "self_attn.o_proj": [hidden, queries],
             "mlp.gate_proj": [middle, hidden], "mlp.up_proj": [middle, hidden],
             "mlp.down_proj": [hidden, middle], "input_layernorm": [hidden],
             "post_attention_layernorm": [hidden]}
    if config["model_type"] == "gemma3_text":
        layer |= {"self_attn.q_norm": [size], "self_attn.k_norm": [size],
                  "pre_feedforward_layernorm": [hidden], "post_feedforward_layernorm": [hidden]}
    out = {"model.embed_tokens.weight": [config["vocab_size"], hidden], "model.norm.weight": [hidden]}
    for i in range(config["num_hidden_layers"]):
        out |= {f"model.layers.{i}.{name}.weight": shape for name, shape in layer.items()}
    return out


def write_random(folder, config, device):
    """A checkpoint of random bfloat16 numbers, tensor by tensor."""
    import torch

    config = {**COMMON, **config}
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    write_tokenizer(folder, min(config["vocab_size"], 2048) - 1)
    generator = torch.Generator(device).manual_seed(1)
    shapes, header, end = shapes_of(config), {}, 0
    for name, shape in shapes.items():
        size = 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    norm = 0.0 if config["model_type"] == "gemma3_text" else 1.0
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for shape in shapes.values():
            values = torch.randn(shape, generator=generator, device=device)
            values = values * 0.1 + norm if len(shape) == 1 else values * 1.4 / shape[1] ** 0.5
            file.write(values.to(torch.bfloat16).cpu().view(torch.int16).numpy().tobytes())
    return folder


def write_tokenizer(folder, num_words):
    vocabulary = {"[UNK]": 0, **{f"w{i}": i + 1 for i in range(num_words)}}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}}))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "pad_token": "[UNK]",
        "model_max_length": 1 << 30}))


def random_ids(seed, tokens, num_words):
    numbers = random.Random(seed)
    return [numbers.randrange(1, num_words + 1) for _ in range(tokens)]


def write_corpus(folder, lengths, num_words):
    """Documents of these numbers of tokens; returns their ids."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = [random_ids(seed, tokens, num_words) for seed, tokens in enumerate(lengths)]
    with open(folder / "train.jsonl", "w", encoding="utf-8") as file:
        for index, ids in enumerate(documents):
            json.dump({"id": index, "text": " ".join(f"w{i - 1}" for i in ids)}, file)
            file.write("\n")
    return documents


def write_tiny(folder, per_architecture):
    """Random checkpoints of all architectures, by tools/sweep_models.py; returns their names. What
    transformers itself cannot make or run is left out."""
    import sweep_models
    import torch

    names = []
    for model_type, choose in sweep_models.ARCHITECTURES.items():
        seed = found = 0
        while found < per_architecture:
            numbers = random.Random(f"gpu {model_type} {seed}")
            torch.manual_seed(seed)
            seed += 1
            config = sweep_models.common(numbers)
            choose(numbers, config)
            if config.get("use_bidirectional_attention"):
                continue
            path = pathlib.Path(folder, f"{model_type}-{seed}")
            try:
                model = sweep_models.build(model_type, dict(config))
                with torch.no_grad():
                    model(torch.arange(1, 41)[None])
            except (ValueError, KeyError, RuntimeError, TypeError):
                continue
            model.to(torch.bfloat16).save_pretrained(path)
            write_tokenizer(path, model.config.vocab_size - 1)
            names.append(path.name)
            found += 1
    return names
