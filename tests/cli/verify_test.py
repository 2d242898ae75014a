#!/usr/bin/env python3
"""`qkscope verify` with a tiny checkpoint and a reference that transformers made from it, intact
and damaged; and `sniff` with the certificate.

usage: verify_test.py QKSCOPE"""

import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import fixtures

PROGRAM = os.path.abspath(sys.argv.pop(1))
MODELS = pathlib.Path(__file__).resolve().parent.parent / "data" / "models"
MASK = 2**64 - 1


def weights(name, count):
    """The weights, as in tools/make_model_fixtures.py."""
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


def write_safetensors(path, tensors, metadata=None):
    """tensors: name -> (dtype, shape, bytes)."""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    fixtures.write(path, struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    raw = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
            for name, entry in header.items()}


def make_model(folder, case):
    cases = json.loads((MODELS / "cases.json").read_text())
    item = next(item for item in cases["cases"] if item["name"] == case)
    tensors = {}
    for name, shape in cases["layouts"][item["tensors"]].items():
        count = 1
        for n in shape:
            count *= n
        tensors[name] = ("F32", shape, struct.pack(f"<{count}f", *weights(name, count)))
    write_safetensors(f"{folder}/model.safetensors", tensors)
    fixtures.write(f"{folder}/config.json", json.dumps(item["config"]))
    fixtures.make_tokenizer(folder)
    return item


def identity(folder):
    out = []
    for name in ("config.json", "model.safetensors"):
        data = pathlib.Path(folder, name).read_bytes()
        out.append({"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    return out


class Verify(unittest.TestCase):
    case = "qwen2-windows"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.item = make_model(f"{self.root}/model", self.case)
        self.tensors = read_safetensors(MODELS / f"{self.case}.safetensors")
        self.metadata = {
            "format": "qkscope.reference.1", "model": "model", "dtype": "float32",
            "files": json.dumps(identity(f"{self.root}/model")), "transformers": "5.1.0",
            "torch": "2.9.1", "windows": json.dumps(self.item["windows"])}

    def tearDown(self):
        self.folder.cleanup()

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300,
                              cwd=self.root, env={**os.environ, "HF_HOME": f"{self.root}/hub"})

    def verify(self, *flags):
        write_safetensors(f"{self.root}/r.safetensors", self.tensors, self.metadata)
        return self.run_program("verify", "--model", "model", "--reference", "r.safetensors", *flags)

    def assert_says(self, sentence, done):
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr, f"qkscope: {sentence}\n")

    def change(self, name, at, value):
        """Changes one number of an array."""
        dtype, shape, raw = self.tensors[name]
        raw = raw[: 4 * at] + struct.pack("<f" if dtype == "F32" else "<i", value) + raw[4 * at + 4 :]
        self.tensors[name] = (dtype, shape, raw)

    # Verdicts.

    def test_pass(self):
        done = self.verify()
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertIn("qwen2, 5 layers, 4 query heads, 2 key heads, head_dim 8", lines[0])
        self.assertIn("transformers 5.1.0, torch 2.9.1, float32: 24 tokens, 3 of them", lines[1])
        self.assertRegex(lines[-1], r"^PASS: 20 arrays agree; nearest to its limit: \de-0[67]|^PASS")
        rows = [line.split() for line in lines if line.startswith("    ")]
        self.assertEqual([row[0] for row in rows[-10:]], [str(i // 2) for i in range(10)])
        self.assertEqual([row[2] for row in rows[-10:]], ["-"] * 6 + ["6"] * 4)

    def test_quiet(self):
        done = self.verify("--quiet")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.count("\n"), 1)

    def test_one_wrong_number_fails(self):
        for name in ("L0.q_pre", "L2.k_post", "L4.k_pre", "L4.q_post"):
            tensors = dict(self.tensors)
            old = struct.unpack_from("<f", self.tensors[name][2], 40)[0]
            largest = max(map(abs, struct.unpack(f"<{len(self.tensors[name][2]) // 4}f",
                                                 self.tensors[name][2])))
            self.change(name, 10, old + 2e-5 * largest)
            done = self.verify("--certificate", "proof.json")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, rf"FAIL: 1 of 20 arrays differ; .* in layer {name[1]}, ")
            self.assertEqual(done.stdout.count("!"), 1)
            self.assertFalse(os.path.exists(f"{self.root}/proof.json"))
            self.tensors = tensors

    def test_float64_widens_the_tolerance(self):
        old = struct.unpack_from("<f", self.tensors["L4.q_pre"][2], 0)[0]
        self.change("L4.q_pre", 0, old + 1e-4)
        self.assertEqual(self.verify().returncode, 1)
        names = [name for name in self.tensors if name.startswith("L")]
        self.metadata["float64"] = json.dumps(dict.fromkeys(names, 1e-05))
        self.assertEqual(self.verify().returncode, 0)
        self.change("L4.q_pre", 0, old + 1e-2)  # however inaccurate the reference claims to be
        self.metadata["float64"] = json.dumps(dict.fromkeys(names, 1.0))
        self.assertEqual(self.verify().returncode, 1)

    def test_a_reference_of_zeros_fails(self):
        dtype, shape, raw = self.tensors["L1.k_pre"]
        self.tensors["L1.k_pre"] = (dtype, shape, bytes(len(raw)))
        done = self.verify("--quiet")
        self.assertEqual(done.returncode, 1)
        self.assertIn("inf of the largest value in layer 1, keys before RoPE", done.stdout)

    def test_ids_of_a_text(self):
        ids = struct.unpack("<24i", self.tensors["ids"][2])
        words = [f"w{i - 1}" if 1 <= i <= 60 else "?" for i in ids]
        expected = [i if 1 <= i <= 60 else 0 for i in ids]
        self.metadata |= {"text": " ".join(words), "max_length": "24"}
        at = next(k for k in range(24) if ids[k] != expected[k])
        self.assert_says(f"r.safetensors: ids: token {at} of the text: expected 0, as the model's "
                         f"tokenizer gives, found {ids[at]}", self.verify())
        fixtures.make_tokenizer(f"{self.root}/model", [f"w{i}" for i in range(96)])
        self.metadata["text"] = " ".join(f"w{i - 1}" if i else "?" for i in ids)
        self.assertIn("ids of the text", self.verify().stdout)

    # References that are damaged or belong to another model.

    def test_other_weights(self):
        path = pathlib.Path(self.root, "model", "model.safetensors")
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        ours, theirs = identity(f"{self.root}/model")[1]["sha256"], hashlib.sha256(data).hexdigest()
        self.assert_says(f"r.safetensors: model.safetensors: expected SHA-256 {ours}, as the model's "
                         f"file has, found {theirs}: made from another model", self.verify())

    def test_the_spelling_of_the_configuration_does_not_matter(self):
        config = {key: value for key, value in self.item["config"].items() if key != "pad_token_id"}
        config["rope_parameters"] = {"rope_theta": 10000.0, "rope_type": "default"}
        fixtures.write(f"{self.root}/model/config.json", json.dumps(config))
        self.assertEqual(self.verify().returncode, 0)
        config["rope_parameters"]["rope_theta"] = 20000.0
        fixtures.write(f"{self.root}/model/config.json", json.dumps(config))
        done = self.verify("--quiet")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAIL", done.stdout)

    def test_other_files(self):
        self.metadata["files"] = json.dumps([{"name": "a.gguf", "bytes": 1, "sha256": "0"}])
        self.assert_says("r.safetensors: expected a reference of this model, made from "
                         "model.safetensors; found one made from a.gguf", self.verify())

    def test_not_made_by_the_script(self):
        for key, expected in (("format", "a value, as tools/make_reference.py writes it"),
                              ("files", "a value, as tools/make_reference.py writes it")):
            kept = dict(self.metadata)
            del self.metadata[key]
            self.assert_says(f"r.safetensors: metadata: {key}: expected {expected}, found nothing",
                             self.verify())
            self.metadata = kept
        self.metadata["dtype"] = "bfloat16"
        self.assert_says("r.safetensors: metadata: dtype: expected float32, since this run computes in "
                         "float32; found bfloat16: add --device torch:cpu (or cuda) --dtype bfloat16, "
                         "or make another reference with --dtype float32",
                         self.verify())

    def test_windows(self):
        windows = list(self.item["windows"])
        windows[3] = 7
        self.metadata["windows"] = json.dumps(windows)
        self.assert_says("r.safetensors: metadata: windows: layer 3: expected a window of 6, as the "
                         "model's configuration gives, found a window of 7", self.verify())
        self.metadata["windows"] = json.dumps(windows[:4])
        self.assert_says("r.safetensors: metadata: windows: expected 5 layers (num_hidden_layers), "
                         "found 4", self.verify())
        self.metadata["windows"] = "[1,"
        self.assertEqual(self.verify().returncode, 1)

    def test_missing_layer(self):
        for name in ("L3.q_pre", "L3.q_post", "L3.k_pre", "L3.k_post"):
            del self.tensors[name]
        self.assert_says("r.safetensors: L3.q_pre: expected queries and keys of every layer that "
                         "runs, found nothing", self.verify())

    def test_layer_beyond_the_model(self):
        self.tensors["L7.q_pre"] = self.tensors["L0.q_pre"]
        self.assert_says("r.safetensors: L7.q_pre: expected layers below 5 (num_hidden_layers)",
                         self.verify())

    def test_shapes(self):
        dtype, shape, raw = self.tensors["L2.k_pre"]
        self.tensors["L2.k_pre"] = (dtype, [shape[0], 1, shape[2]], raw[: len(raw) // 2])
        self.assert_says("r.safetensors: L2.k_pre: expected 48 numbers (3 rows, 2 heads of 8), "
                         "found 24", self.verify())
        self.tensors["L2.k_pre"] = (dtype, [shape[0] * shape[1], shape[2]], raw)
        self.assert_says("r.safetensors: L2.k_pre: expected F32 [rows, heads, head_dim], found F32 "
                         "[6, 8]", self.verify())

    def test_not_a_number(self):
        for value, word in ((float("nan"), "nan"), (float("inf"), "inf")):
            self.change("L1.q_post", 5, value)
            self.assert_says(f"r.safetensors: L1.q_post: expected finite numbers, found {word}",
                             self.verify())

    def test_ids_beyond_the_vocabulary(self):
        self.change("ids", 3, 97)
        self.assert_says("r.safetensors: ids: expected ids from 0 to 96 (rows of the embedding), "
                         "found 97", self.verify())

    def test_rows(self):
        self.change("rows", 2, 24)
        self.assert_says("r.safetensors: rows: expected tokens below 24 (the number of ids), found "
                         "24", self.verify())
        self.change("rows", 2, 9)
        self.assert_says("r.safetensors: rows: expected ascending tokens, found 9", self.verify())

    def test_cut_off(self):
        self.verify()
        path = pathlib.Path(self.root, "r.safetensors")
        data = path.read_bytes()
        for size in (0, 7, 200, len(data) - 1):
            path.write_bytes(data[:size])
            done = self.run_program("verify", "--model", "model", "--reference", "r.safetensors")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stderr, r"^qkscope: r.safetensors: [^\n]*\n$")

    def test_no_such_reference(self):
        self.assert_says("none: cannot be opened: No such file or directory", self.run_program(
            "verify", "--model", "model", "--reference", "none"))

    # The certificate.

    def sniff(self, *flags):
        fixtures.make_corpus(f"{self.root}/corpus")
        config = fixtures.write(f"{self.root}/run.yaml", fixtures.CONFIG.format(root=self.root))
        return self.run_program("sniff", "--quiet", "--overwrite", "--config", config, *flags)

    def test_certificate_goes_into_the_dataset(self):
        self.assertEqual(self.verify("--certificate", "proof.json").returncode, 0)
        proof = json.loads(pathlib.Path(self.root, "proof.json").read_text())
        self.assertEqual(proof["verdict"], "passed")
        self.assertEqual(proof["model"]["files"], identity(f"{self.root}/model"))
        self.assertLess(proof["worst"]["difference"], 1e-5)
        done = self.sniff("--certificate", f"{self.root}/proof.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        card = pathlib.Path(self.root, "out", "README.md").read_text()
        self.assertIn("## Verification\n\nQueries and keys of this model were compared with "
                      "transformers 5.1.0 in float32 (24 tokens)", card)
        info = json.loads(self.run_program("inspect", "out", "--json").stdout)
        self.assertEqual(self.find(info, "certificate"), proof)

    def find(self, value, key):
        """The first object under this key, at any depth."""
        if isinstance(value, dict):
            if key in value:
                return value[key]
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                found = self.find(item, key)
                if found is not None:
                    return found
        return None

    def test_certificate_of_another_model(self):
        self.verify("--certificate", "proof.json")
        old = identity(f"{self.root}/model")[0]["sha256"]
        fixtures.write(f"{self.root}/model/config.json", json.dumps({**self.item["config"], "x": 1}))
        new = identity(f"{self.root}/model")[0]["sha256"]
        self.assert_says(
            f"{self.root}/proof.json: model.files: expected config.json {new}, which the model is "
            f"read from, found config.json {old}: the certificate is for another model",
            self.sniff("--certificate", f"{self.root}/proof.json"))
        self.assertFalse(os.path.exists(f"{self.root}/out/README.md"))

    def test_certificate_does_not_cover_overrides(self):
        self.verify("--certificate", "proof.json")
        self.assert_says(
            "--certificate: expected no model.config_overrides, found some: the certificate does not "
            "cover them", self.sniff("--certificate", f"{self.root}/proof.json", "--set",
                                     "model.config_overrides={rms_norm_eps: 1e-5}"))

    def test_damaged_certificates(self):
        self.verify("--certificate", "proof.json")
        path = pathlib.Path(self.root, "proof.json")
        whole = json.loads(path.read_text())
        for change, sentence in (
            ({"format": "other"}, "format: expected qkscope.certificate.1"),
            ({"verdict": "failed"}, "verdict: expected passed"),
            ({"model": {"files": []}}, "model.files: expected a list of files"),
            ({"worst": None}, "worst: expected an object"),
        ):
            path.write_text(json.dumps({**whole, **change}))
            self.assert_says(f"proof.json: {sentence}, as `qkscope verify --certificate` writes it",
                             self.sniff("--certificate", "proof.json"))
        for text in ("", "[1]", "{", "null"):
            path.write_text(text)
            done = self.sniff("--certificate", "proof.json")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"^qkscope: proof.json: [^\n]*\n$")


class VerifyLongWindow(Verify):
    """A window that no token of the reference goes beyond gives the same vectors as none."""

    case = "mistral-head-dim"

    def test_windows_that_the_reference_does_not_reach_are_named(self):
        self.assertNotIn("not reached", self.verify("--quiet").stdout)
        for window, is_named in ((23, None), (24, True), (4096, True)):
            config = {**self.item["config"], "sliding_window": window}
            fixtures.write(f"{self.root}/model/config.json", json.dumps(config))
            self.metadata["windows"] = json.dumps([window] * len(self.item["windows"]))
            done = self.verify("--quiet")
            if is_named:
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, r"^PASS: .*; windows not reached by the 24 tokens of the "
                                              rf"reference: {window}\n$")
            else:
                self.assertNotIn("not reached", done.stdout)


class VerifySkippedLayers(Verify):
    """Only the differences with skipped layers; the other checks are not repeated."""

    case = "mllama-default"

    def test_pass(self):
        done = self.verify()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("PASS: 24 arrays agree", done.stdout)

    def test_array_of_a_skipped_layer(self):
        self.tensors["L3.q_pre"] = self.tensors["L0.q_pre"]
        self.assert_says("r.safetensors: L3.q_pre: expected nothing of a skipped layer, found an "
                         "array", self.verify())
        self.metadata["windows"] = json.dumps([None] * 7)
        self.assert_says("r.safetensors: metadata: windows: layer 3: expected a layer that is "
                         "skipped, as the model's configuration gives, found no window",
                         self.verify())


def load_tests(loader, tests, pattern):
    suite = loader.loadTestsFromTestCase(Verify)
    for name in ("test_pass", "test_array_of_a_skipped_layer"):
        suite.addTest(VerifySkippedLayers(name))
    suite.addTest(VerifyLongWindow("test_windows_that_the_reference_does_not_reach_are_named"))
    return suite


if __name__ == "__main__":
    unittest.main(verbosity=1)
