#!/usr/bin/env python3
"""Git LFS pointers, which a clone without git-lfs has in place of large files: each file that a
command reads is replaced by one in turn. The command exits with 1 and says what the file is and how
to fetch it; a file that it does not read may be one.

usage: pointers_test.py QKSCOPE"""

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import fixtures

PROGRAM = os.path.abspath(sys.argv[1])
import verify_test  # noqa: E402  (takes the program from the command line too)

OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTERS = {
    "git-lfs": f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n",
    "Windows": f"version https://git-lfs.github.com/spec/v1\r\noid sha256:{OID}\r\nsize 12345\r\n",
    "with an extension": "version https://git-lfs.github.com/spec/v1\n"
                         f"ext-0-foo sha256:{OID}\noid sha256:{OID}\nsize 12345\n",
    "hawser": f"version https://hawser.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n"}


def shards(folder):
    """Two shards with an index, in place of model.safetensors."""
    with open(f"{folder}/model.safetensors", "rb") as file:
        raw = file.read()
    os.remove(f"{folder}/model.safetensors")
    size = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8:8 + size]), raw[8 + size:]
    names = sorted(header)
    index = {}
    for number, part in enumerate((names[::2], names[1::2]), start=1):
        file = f"model-{number:05}-of-00002.safetensors"
        tensors = {name: (header[name]["dtype"], header[name]["shape"],
                          data[slice(*header[name]["data_offsets"])]) for name in part}
        verify_test.write_safetensors(f"{folder}/{file}", tensors)
        index.update(dict.fromkeys(part, file))
    fixtures.write(f"{folder}/model.safetensors.index.json",
                   json.dumps({"metadata": {}, "weight_map": index}))


class Pointers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = root = cls.folder.name
        cls.config = fixtures.make_all(root)
        for name in ("tokenizer_config", "special_tokens_map", "added_tokens"):
            fixtures.write(f"{root}/model/{name}.json", "{}")
        fixtures.write(f"{root}/model/generation_config.json", "{}")
        fixtures.write(f"{root}/model/tokenizer.model", "not read")
        shutil.copytree(f"{root}/model", f"{root}/sharded")
        shards(f"{root}/sharded")
        fixtures.write(f"{root}/model.gguf", b"GGUF")
        item = verify_test.make_model(f"{root}/proven", "qwen2-windows")
        verify_test.write_safetensors(
            f"{root}/r.safetensors",
            verify_test.read_safetensors(verify_test.MODELS / "qwen2-windows.safetensors"),
            {"format": "qkscope.reference.1", "model": "model", "dtype": "float32",
             "files": json.dumps(verify_test.identity(f"{root}/proven")), "transformers": "5.1.0",
             "torch": "2.9.1", "windows": json.dumps(item["windows"])})
        fixtures.write(f"{root}/analysis.yaml", "dataset: out\n")
        fixtures.write(f"{root}/plot.yaml", "bucket_csv: head_bucket_plasticity.csv\n")
        for command in (["sniff", "--quiet", "--config", cls.config],
                        ["analyze", "--quiet", "--overwrite", "--dataset", "out"]):
            done = cls.run_program(*command)
            assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def run_program(cls, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60,
                              cwd=cls.root, env={**os.environ, "HF_HUB_CACHE": f"{cls.root}/cache"})

    def replaced(self, name, content, *command):
        """What the command does while the file has this content."""
        path = f"{self.root}/{name}"
        kept = f"{self.root}/kept"
        existed = os.path.exists(path)
        if existed:
            os.rename(path, kept)
        fixtures.write(path, content)
        done = self.run_program(*command)
        os.remove(path)
        if existed:
            os.rename(kept, path)
        return done

    def assert_refused(self, name, *command):
        for kind, content in POINTERS.items():
            with self.subTest(file=name, command=command[0], pointer=kind):
                done = self.replaced(name, content, *command)
                text = done.stdout + done.stderr
                self.assertEqual(done.returncode, 1, text)
                self.assertRegex(text, f"{os.path.basename(name)}: is a Git LFS pointer "
                                       r"\(.*\), not the file of 12345 bytes .*`git lfs install "
                                       r"&& git lfs pull`")

    def assert_not_read(self, name, *command):
        done = self.replaced(name, POINTERS["git-lfs"], *command)
        self.assertEqual(done.returncode, 0, done.stderr)

    def sniff(self, *sets):
        return ["sniff", "--quiet", "--dry-run", "--config", self.config,
                *(word for text in sets for word in ("--set", text))]

    def test_models(self):
        for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
                     "special_tokens_map.json", "added_tokens.json"):
            self.assert_refused(f"model/{name}", *self.sniff())
        for name in ("model.safetensors.index.json", "model-00001-of-00002.safetensors",
                     "model-00002-of-00002.safetensors"):
            self.assert_refused(f"sharded/{name}", *self.sniff(f"model.name={self.root}/sharded"))
        self.assert_refused("model.gguf", *self.sniff(f"model.name={self.root}/model.gguf"))
        self.assert_refused("model/tokenizer.json",
                            *self.sniff(f"tokenizer.name={self.root}/model/tokenizer.json"))
        for name in ("generation_config.json", "tokenizer.model", "pytorch_model.bin"):
            self.assert_not_read(f"model/{name}", *self.sniff())

    def test_corpora(self):
        for name in ("train.jsonl", "README.md", "train-2.jsonl"):
            self.assert_refused(f"corpus/{name}", *self.sniff())
        for name in ("test.jsonl", "corpus.bin", "LICENSE"):
            self.assert_not_read(f"corpus/{name}", *self.sniff())
        for ending in ("parquet", "jsonl", "json", "ndjson", "txt", "jsonl.gz", "txt.zst", "json.bz2",
                       "jsonl.xz"):
            self.assert_refused(f"texts/x.{ending}", *self.sniff(f"dataset.path={self.root}/texts/*"))

    def test_text_among_others(self):
        """No document is captured before the pointer is found."""
        for name in ("a", "b"):
            fixtures.write(f"{self.root}/books/{name}.txt", "w1 w2 w3")
        fixtures.write(f"{self.root}/books/packed.txt.gz", gzip.compress(b"w4 w5"))
        command = ["sniff", "--quiet", "--config", self.config, "--set",
                   f"dataset.path={self.root}/books", "--set", "dataset.id_column=null", "--set",
                   "dataset.on_bad_text=skip", "--set", f"output.data_root={self.root}/none"]
        self.assert_refused("books/c.txt", *command)
        self.assertFalse(os.path.exists(f"{self.root}/none"))

    def test_hub_cache(self):
        commit = "0123456789abcdef0123456789abcdef01234567"
        repo = f"{self.root}/cache/models--org--tiny"
        fixtures.write(f"{repo}/refs/main", commit)
        os.makedirs(f"{repo}/blobs")
        os.makedirs(f"{repo}/snapshots/{commit}")
        for name in os.listdir(f"{self.root}/model"):
            shutil.copy(f"{self.root}/model/{name}", f"{repo}/blobs/{name}")
            os.symlink(f"../../blobs/{name}", f"{repo}/snapshots/{commit}/{name}")
        command = self.sniff("model.name=org/tiny")
        self.assertEqual(self.run_program(*command).returncode, 0)
        for name in ("model.safetensors", "tokenizer.json"):
            self.assert_refused(f"cache/models--org--tiny/blobs/{name}", *command)

    def test_datasets(self):
        for command in (["inspect", "out"], ["check", "out"],
                        ["analyze", "--quiet", "--overwrite", "--dataset", "out"]):
            self.assert_refused("out/l01h00k/data.parquet", *command)
            self.assert_refused("out/l00h00q/data.parquet", *command)
        for command in ("inspect", "check"):
            self.assert_refused("out/README.md", command, "out")

    def test_verify(self):
        command = ["verify", "--quiet", "--model", "proven", "--reference", "r.safetensors"]
        self.assertEqual(self.run_program(*command).returncode, 0)
        for name in ("r.safetensors", "proven/config.json", "proven/model.safetensors"):
            self.assert_refused(name, *command)
        self.assert_refused("proof.json", *self.sniff(), "--certificate", "proof.json")

    def test_configurations_and_tables(self):
        self.assert_refused("run.yaml", *self.sniff())
        self.assert_refused("analysis.yaml", "analyze", "--config", "analysis.yaml")
        self.assert_refused("plot.yaml", "plot", "heatmap", "--config", "plot.yaml")
        for figure, option, name in (("heatmap", "--bucket_csv", "head_bucket_plasticity.csv"),
                                     ("plasticity", "--bucket_csv", "head_bucket_plasticity.csv"),
                                     ("components", "--component_csv", "head_component_weights.csv")):
            self.assert_refused(name, "plot", figure, option, name)


if __name__ == "__main__":
    unittest.main()
