#!/usr/bin/env python3
"""Checkpoints that hold more than the decoder, and configurations as Python writes them: what queries
and keys do not depend on makes no difference, and what they depend on is refused.

The reference is transformers (docs/reliability.md): it passes over tensors that the decoder does not
have, so that the vectors are those of the plain checkpoint.

usage: checkpoint_test.py QKSCOPE"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import fixtures

PROGRAM = os.path.abspath(sys.argv.pop(1))
INDEX = "model.safetensors.index.json"


def pages(folder):
    """The files of a dataset's heads but their footers, which name the model's files."""
    out = {}
    for name, data in fixtures.files_of(folder).items():
        if name.endswith("/data.parquet"):
            footer = struct.unpack("<I", data[-8:-4])[0]
            out[name] = data[: -8 - footer]
    return out


def read_tensors(path):
    """{name: (dtype, shape, bytes)}"""
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    body = data[8 + length :]
    return {name: (entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])])
            for name, entry in header.items()}


def write_tensors(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    fixtures.write(path, struct.pack("<Q", len(text)) + text + body)


def tensor(*shape, dtype="F32"):
    count = 1
    for n in shape:
        count *= n
    return dtype, list(shape), bytes(count * {"F32": 4, "U8": 1, "F8_E4M3": 1}[dtype])


class Checkpoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory()
        root = cls.shared.name
        cls.config = fixtures.make_all(root)
        cls.sniff(root, f"{root}/model", f"{root}/plain")
        cls.plain = pages(f"{root}/plain")

    @classmethod
    def tearDownClass(cls):
        cls.shared.cleanup()

    @classmethod
    def sniff(cls, root, model, out, *sets):
        words = fixtures.sniff_arguments(cls.config, out, "--quiet", sets=(f"model.name={model}", *sets))
        return subprocess.run([PROGRAM, "sniff", *words], capture_output=True, text=True, timeout=300)

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.model = f"{self.folder.name}/model"
        shutil.copytree(f"{self.shared.name}/model", self.model)
        self.weights = f"{self.model}/model.safetensors"
        self.tensors = read_tensors(self.weights)

    def tearDown(self):
        self.folder.cleanup()

    def capture(self, *sets):
        out = f"{self.folder.name}/out"
        shutil.rmtree(out, ignore_errors=True)
        done = self.sniff(self.folder.name, self.model, out, *sets)
        return done, out

    def assert_same(self, *sets):
        """The vectors are those of the plain checkpoint; returns the warnings."""
        done, out = self.capture(*sets)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = pages(out)
        self.assertTrue(found)
        self.assertEqual(found, {name: self.plain[name] for name in found})
        return done.stderr

    def assert_refused(self, sentence, *sets):
        done, _ = self.capture(*sets)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(sentence, done.stderr)

    def write_shards(self, owner):
        """Moves the tensors into shards; owner(name) is the shard's name. Returns the map."""
        shards = {}
        for name, value in self.tensors.items():
            shards.setdefault(owner(name), {})[name] = value
        for shard, tensors in shards.items():
            write_tensors(f"{self.model}/{shard}", tensors)
        os.remove(self.weights)
        return {name: shard for shard, tensors in shards.items() for name in tensors}

    def write_index(self, weight_map):
        fixtures.write(f"{self.model}/{INDEX}", json.dumps({"metadata": {}, "weight_map": weight_map}))

    def plan(self):
        words = fixtures.sniff_arguments(self.config, f"{self.folder.name}/none", "--dry-run",
                                         sets=(f"model.name={self.model}",))
        return subprocess.run([PROGRAM, "sniff", *words], capture_output=True, text=True, timeout=300)

    # Tensors beside the decoder.

    def test_heads_of_every_kind_are_passed_over(self):
        for names in (["score.weight"], ["classifier.dense.weight", "classifier.out_proj.bias"],
                      ["v_head.summary.weight", "v_head.summary.bias"], ["value_head.0.weight"],
                      ["mtp.fc.weight", "mtp.layers.0.self_attn.q_proj.weight"],
                      ["model.mtp.norm.weight"], ["qa_outputs.weight"], ["medusa_head.0.0.linear.weight"],
                      ["eagle.embed_tokens.weight", "eagle.layers.0.mlp.up_proj.weight"],
                      ["model.layers.3.embed_tokens.weight", "model.layers.3.eh_proj.weight"],
                      ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq"],
                      ["model.layers.2.self_attn.masked_bias"], ["model.position_ids"],
                      ["model.layers.0.self_attn.rotary_emb.sin"], ["model.layers.1.self_attn.causal_mask"], ["vision_tower.patch_embed.weight"],
                      ["audio_tower.layers.0.fc1.weight"], ["prediction_heads.0.weight"]):
            with self.subTest(names):
                write_tensors(self.weights, {**self.tensors, **{name: tensor(2, 3) for name in names}})
                self.assert_same()
                said = self.plan().stdout
                self.assertIn(f"passed over: {len(names)} tensor", said)
                self.assertIn(", ".join(sorted(names)), said)

    def test_a_mask_stored_as_bias_is_passed_over(self):
        name = "model.layers.0.self_attn.bias"
        write_tensors(self.weights, {**self.tensors, name: tensor(1, 1, 4, 4, dtype="U8")})
        self.assert_same()

    def test_the_head_stands_for_the_embedding_where_the_two_are_tied(self):
        self.tensors["lm_head.weight"] = self.tensors.pop("model.embed_tokens.weight")
        write_tensors(self.weights, self.tensors)
        self.assert_same()
        self.write_config(tie_word_embeddings=False)
        self.assert_refused("expected one tensor named ...embed_tokens.weight, found none")

    def test_prefixes_of_wrapping_modules(self):
        for prefix in ("_orig_mod.", "module.", "base_model.model.", "pretrained_model."):
            with self.subTest(prefix):
                write_tensors(self.weights, {prefix + name: value for name, value in self.tensors.items()})
                self.assert_same()

    def test_what_changes_a_layer_is_refused(self):
        for name in ("model.layers.0.self_attn.q_proj.lora_A.weight", "model.layers.1.self_attn.q_norm.weight",
                     "model.layers.0.self_attn.k_proj.bias", "model.layers.2.self_attn.q_proj.weight_scale",
                     "model.embed_tokens.weight_scale", "model.embed_positions.weight",
                     "model.layers.0.self_attn.bias"):
            with self.subTest(name):
                write_tensors(self.weights, {**self.tensors, name: tensor(2)})
                self.assert_refused(f"{name} in model.safetensors is unexpected")

    def test_layers_after_the_last_one_needed_do_not_count(self):
        self.tensors["model.layers.2.self_attn.q_norm.weight"] = tensor(8)
        del self.tensors["model.layers.2.mlp.up_proj.weight"]
        write_tensors(self.weights, self.tensors)
        self.assert_same("capture.layers=[0, 1]")
        self.assert_refused("model.layers.2.mlp.up_proj.weight [48, 32] is missing")

    # Index and shards.

    def test_an_index_that_is_wrong_about_what_is_not_needed(self):
        self.tensors["lm_head.weight"] = tensor(64, 32)
        weight_map = self.write_shards(lambda name: f"{hash_of(name) % 2}.safetensors")
        for change in ({"lm_head.weight": None}, {"lm_head.weight": "other.safetensors"},
                       {"mtp.fc.weight": "0.safetensors"}, {"model.norm.weight": "absent.safetensors"}):
            with self.subTest(change):
                changed = {**weight_map, **change}
                self.write_index({name: shard for name, shard in changed.items() if shard})
                said = self.assert_same()
                self.assertIn("the index and the shards disagree about tensors that this capture does "
                              f"not need: {next(iter(change))} is ", said)

    def test_an_index_that_is_wrong_about_what_is_needed(self):
        weight_map = self.write_shards(lambda name: f"{hash_of(name) % 2}.safetensors")
        name = "model.layers.1.self_attn.k_proj.weight"
        own = weight_map[name]
        other = "1.safetensors" if own == "0.safetensors" else "0.safetensors"
        for shard, sentence in ((None, f"{name} is in {own}, but the index does not list it"),
                                (other, f"{name} is in {own}, but the index says {other}"),
                                ("absent.safetensors", f"{name} is in {own}, but the index says absent")):
            with self.subTest(shard):
                changed = {**weight_map, name: shard}
                self.write_index({name: shard for name, shard in changed.items() if shard})
                self.assert_refused(sentence)

    def test_shards_of_later_layers_may_be_absent_or_damaged(self):
        weight_map = self.write_shards(lambda name: "late.safetensors" if ".2." in name else "a.safetensors")
        self.write_index(weight_map)
        shard = f"{self.model}/late.safetensors"
        self.assertNotIn("shard", self.assert_same())
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"
        for damage in (b"short", pointer, None):
            with self.subTest(damage):
                if damage is None:
                    os.remove(shard)
                else:
                    fixtures.write(shard, damage)
                self.assertIn("late.safetensors", self.assert_same("capture.layers=[0, 1]"))
                self.assert_refused("model.layers.2.input_layernorm.weight is in late.safetensors")

    def test_a_tensor_in_two_shards(self):
        name = "model.layers.0.input_layernorm.weight"
        weight_map = self.write_shards(lambda name: "a.safetensors")
        self.write_index({**weight_map, "score.weight": "b.safetensors"})
        write_tensors(f"{self.model}/b.safetensors", {"score.weight": tensor(2), name: self.tensors[name]})
        self.assert_same()
        write_tensors(f"{self.model}/b.safetensors", {"score.weight": tensor(2), name: tensor(32)})
        self.assert_refused(f"{name} is in a.safetensors and in b.safetensors with different content")

    # config.json as Python reads it.

    def write_config(self, before="", **changes):
        text = json.dumps(fixtures.model_config(**changes))
        fixtures.write(f"{self.model}/config.json", "{" + before + text[1:])

    def test_values_that_python_takes(self):
        nan = float("nan")
        for changes in ({"time_step_limit": [0.0, float("inf")]}, {"initializer_range": nan},
                        {"nested": {"deep": [-float("inf")]}}, {"attention_bias": None, "mlp_bias": None},
                        {"attention_bias": 0}, {"head_dim": None}, {"sliding_window": nan},
                        {"max_position_embeddings": None}, {"partial_rotary_factor": nan},
                        {"use_sliding_window": True, "sliding_window": 4}, {"is_causal": True},
                        {"rope_scaling": None}, {"rope_parameters": None}, {"is_decoder": True}):
            with self.subTest(changes):
                self.write_config(**changes)
                self.assert_same()

    def test_keys_that_transformers_ignores_are_named(self):
        for key, value in (("sliding_window", 4), ("use_bidirectional_attention", True),
                           ("attn_logit_softcapping", 30.0)):
            with self.subTest(key):
                self.write_config(**{key: value})
                self.assertIn(f"config.json: {key} has no effect in Llama, as in transformers",
                              self.assert_same())

    def test_the_last_of_two_equal_keys_counts(self):
        self.write_config(before='"rms_norm_eps": 7, "rope_theta": "x", ')
        self.assert_same()

    def test_values_that_are_refused_where_they_are_used(self):
        nan = float("nan")
        for changes, sentence in (
                ({"rms_norm_eps": nan}, "rms_norm_eps: expected a number above 0, found NaN"),
                ({"rope_theta": float("inf")}, "rope_theta: expected a number above 0, found Infinity"),
                ({"hidden_size": 32.0}, "hidden_size: expected an integer from 1 to 4194304, found 32.0"),
                ({"num_hidden_layers": None}, "num_hidden_layers: expected an integer"),
                ({"attention_bias": "false"}, 'attention_bias: expected true or false, found "false"'),
                ({"is_causal": False}, "is_causal: expected true"),
                ({"rope_theta": None}, "rope_theta: expected a number above 0, found null")):
            with self.subTest(changes):
                self.write_config(**changes)
                self.assert_refused(sentence)

    def test_models_that_are_not_supported_are_named(self):
        for model_type, sentence in (
                ("phi3", "model_type: Phi-3 is not supported. Supported: Llama, Mistral, "),
                ("mixtral", "Mixtral is not supported: it is a mixture of experts. Supported: Llama"),
                ("gpt2", "GPT-2 is not supported: it has learned positions, no rotary embedding."),
                ("bloom", "BLOOM is not supported: it has ALiBi in place of a rotary embedding."),
                ("t5", "T5 is not supported: it is an encoder and a decoder."),
                ("qwen4", "qwen4 is not supported; did you mean qwen2? Supported: Llama"),
                ("made_up", "made_up is not supported. Supported: Llama")):
            with self.subTest(model_type):
                self.write_config(model_type=model_type)
                self.assert_refused(sentence)

    def test_weights_of_other_formats_are_named(self):
        os.remove(self.weights)
        for name, sentence in (
                ("tf_model.h5",
                 "the folder holds tf_model.h5; weights of TensorFlow, Flax and ONNX are not read"),
                ("original/consolidated.00.pth", "the folder holds tf_model.h5"),
                ("pytorch_model.bin",
                 "the folder holds pytorch_model.bin; pickle files are not read; load the "
                                      "model in transformers and save it with save_pretrained(..., "
                                      "safe_serialization=True)")):
            with self.subTest(name):
                fixtures.write(f"{self.model}/{name}", b"")
                self.assert_refused(sentence)
        os.remove(f"{self.model}/tf_model.h5")
        os.remove(f"{self.model}/pytorch_model.bin")
        self.assert_refused("the folder holds original/consolidated.00.pth; pickle files are not read")

    # model.config_overrides

    def test_overrides_without_effect_are_refused(self):
        for overrides, sentence in (
                ("{rms_norm_epsilon: 1.0e-4}", "rms_norm_epsilon: expected a key that this model reads, "
                 "found one that has no effect on it; did you mean rms_norm_eps?"),
                ("{rope_scaling: {rope_type: linear, factr: 2.0}}", "factor: expected a number"),
                ("{rope_scaling: {rope_type: linear, factor: 2.0, beta_fast: 3}}",
                 "rope_parameters.beta_fast: expected a key that this model reads"),
                ("{hidden_act: swish}", 'found "swish", which has no effect: the model is the same'),
                ("{sliding_window: 8}", "sliding_window: expected a key that this model reads"),
                ("{use_cache: false}", "use_cache: expected a key that this model reads"),
                ("{rope_theta: 5000.0}", "rope_theta: expected the key inside rope_parameters")):
            with self.subTest(overrides):
                self.assert_refused(sentence, f"model.config_overrides={overrides}")
        self.assert_same("model.config_overrides={rms_norm_eps: 1.0e-5}")


def hash_of(name):
    return sum(name.encode())


if __name__ == "__main__":
    unittest.main()
