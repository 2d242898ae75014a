#!/usr/bin/env python3
"""Paths that lead nowhere, or to something else than what is meant, in every option and key that
holds a path: exit code 1 and one sentence that names the path. `~` is the home folder in all of them.

usage: paths_test.py QKSCOPE"""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

import fixtures

PROGRAM = os.path.abspath(sys.argv[1])
import verify_test  # noqa: E402  (takes the program from the command line too)

DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
LONG = "x" * 10_000
CSV_OPTIONS = ("output_csv", "bucket_csv", "component_csv", "ci_csv", "replicates")


def odd_paths(root):
    """Name -> path. Nothing can be read at any of them, and nothing can be written."""
    fixtures.write(f"{root}/file", "not what is meant\n")
    os.makedirs(f"{root}/folder/inside")
    os.symlink("loop-b", f"{root}/loop-a")
    os.symlink("loop-a", f"{root}/loop-b")
    os.mkfifo(f"{root}/fifo")
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{root}/socket")
    server.close()
    return {
        "link that loops": f"{root}/loop-a", "below a link that loops": f"{root}/loop-a/x",
        "path of 10,000 bytes": f"{root}/{LONG}", "long relative path": "y/" * 5_000 + "z",
        "name of 300 bytes": f"{root}/{'n' * 300}", "below a file": f"{root}/file/x",
        "folder": f"{root}/folder", "folder with a slash": f"{root}/folder/",
        "file with a slash": f"{root}/file/", "pipe": f"{root}/fifo", "socket": f"{root}/socket",
        **{device: device for device in DEVICES}}


def absent_paths(root):
    """Name -> path. Nothing is there, but could be written."""
    os.symlink("nowhere", f"{root}/dangling")
    return {
        "nothing": f"{root}/absent", "below nothing": f"{root}/absent/x",
        "dangling link": f"{root}/dangling", "spaces": f"{root}/ a b ",
        "line break": f"{root}/a\nb", "not UTF-8": os.fsencode(f"{root}/a") + b"\xff\xfe",
        "other letters": f"{root}/Größe–漢字", "unknown user": "~no-such-user/x"}


def shown(path):
    """How messages show the beginning of a path."""
    text = os.fsencode(path).decode(errors="replace").replace("\ufffd", "?").replace("\n", "?")
    return text[:100]


def make_proven_model(root):
    """A model with a reference that it agrees with, as in verify_test.py."""
    item = verify_test.make_model(f"{root}/proven", "qwen2-windows")
    tensors = verify_test.read_safetensors(verify_test.MODELS / "qwen2-windows.safetensors")
    verify_test.write_safetensors(f"{root}/r.safetensors", tensors, {
        "format": "qkscope.reference.1", "model": "model", "dtype": "float32",
        "files": json.dumps(verify_test.identity(f"{root}/proven")), "transformers": "5.1.0",
        "torch": "2.9.1", "windows": json.dumps(item["windows"])})


class Paths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory()
        root = cls.made.name
        cls.config = fixtures.make_all(root)
        environment = {**os.environ, "HF_HOME": f"{root}/hub"}
        for arguments in (["sniff", "--config", cls.config],
                          ["analyze", "--dataset", "out", "--bootstrap", "2"]):
            done = subprocess.run([PROGRAM, *arguments, "--quiet"], capture_output=True, text=True,
                                  timeout=300, cwd=root, env=environment)
            assert done.returncode == 0, done.stderr
        make_proven_model(root)

    @classmethod
    def tearDownClass(cls):
        cls.made.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.environment = {**os.environ, "HF_HOME": f"{self.root}/hub", "HOME": f"{self.root}/home"}
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            self.environment.pop(name, None)
        os.mkdir(f"{self.root}/home")

    def tearDown(self):
        self.folder.cleanup()
        for device in DEVICES:
            self.assertTrue(stat.S_ISCHR(os.stat(device).st_mode), device)

    def run_program(self, *arguments, **variables):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=60, cwd=self.root,
                              stdin=subprocess.DEVNULL, env={**self.environment, **variables})

    def inputs(self):
        """Option or key -> the command line up to its value, for every path that is read."""
        made = self.made.name
        sniff = ["sniff", "--quiet", "--dry-run", "--config"]
        out = {"sniff --config": sniff, "sniff --certificate": [*sniff, self.config, "--certificate"],
               "inspect": ["inspect"], "check": ["check"],
               "verify --model": ["verify", "--reference", f"{made}/r.safetensors", "--model"],
               "verify --reference": ["verify", "--model", f"{made}/model", "--reference"],
               "analyze --config": ["analyze", "--config"],
               "analyze --dataset": ["analyze", "--dataset"],
               "analyze --dataset_local_root": ["analyze", "--dataset_local_root"],
               "compare A": ["compare", "--overwrite", f"{made}/head_metrics.csv"],
               "compare A --methods": ["compare", "--methods", "bucket,bucket"]}
        for key in ("dataset.path", "model.name", "tokenizer.name"):
            out[key] = [*sniff, self.config, "--set", f"{key}="]
        for figure, option in (("plasticity", "bucket_csv"), ("heatmap", "bucket_csv"),
                               ("components", "component_csv")):
            out[f"plot {figure} --{option}"] = ["plot", figure, "--output", "x.svg", f"--{option}"]
            out[f"plot {figure} --config"] = ["plot", figure, "--config"]
        return out

    def outputs(self):
        """Option -> the command line up to its value, for every path that is written."""
        made = self.made.name
        out = {f"analyze --{option}": ["analyze", "--quiet", "--overwrite", "--dataset", f"{made}/out",
                                       "--bootstrap", "2", f"--{option}"]
               for option in CSV_OPTIONS}
        for figure, option, file in (("plasticity", "bucket_csv", "head_bucket_plasticity.csv"),
                                     ("heatmap", "bucket_csv", "head_bucket_plasticity.csv"),
                                     ("components", "component_csv", "head_component_weights.csv")):
            out[f"plot {figure} --output"] = ["plot", figure, f"--{option}", f"{made}/{file}",
                                              "--output"]
        out["compare --output_csv"] = ["compare", "--overwrite", "--methods", "bucket,bucket",
                                       f"{made}/head_metrics.csv", "--output_csv"]
        out["verify --certificate"] = ["verify", "--quiet", "--model", f"{made}/proven",
                                       "--reference", f"{made}/r.safetensors", "--certificate"]
        out["output.data_root"] = ["sniff", "--quiet", "--config", self.config, "--set",
                                   "output.data_root="]
        return out

    def run_with(self, command, path, **variables):
        """Runs the command line with the path as its last argument, or as its last key's value."""
        if not command[-1].endswith("="):
            return self.run_program(*command, path, **variables)
        text = os.fsencode(path).replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
        last = os.fsencode(command[-1]) + b'"' + text + b'"'
        return self.run_program(*command[:-1], last, **variables)

    def assert_refused(self, done, path):
        error = done.stderr.decode()
        self.assertEqual(done.returncode, 1, error[:2000])
        lines = [line for line in error.splitlines() if not line.startswith("qkscope: warning: ")]
        self.assertEqual(len(lines), 1, error[:2000])
        self.assertNotIn("bug:", error)
        self.assertLess(len(error), 2000)
        folder, name = os.path.split(os.fsencode(path).rstrip(b"/"))
        self.assertTrue(shown(path) in error or shown(folder) in error, error)

    def test_paths_to_read(self):
        paths = {**odd_paths(self.root), **absent_paths(self.root)}
        for name, path in paths.items():
            for option, command in self.inputs().items():
                with self.subTest(option=option, path=name):
                    self.assert_refused(self.run_with(command, path), path)

    def test_paths_to_write(self):
        for name, path in odd_paths(self.root).items():
            for option, command in self.outputs().items():
                if "data_root" in option and name in ("folder", "folder with a slash"):
                    continue  # what it should be
                with self.subTest(option=option, path=name):
                    self.assert_refused(self.run_with(command, path), path)

    def test_paths_that_can_be_written(self):
        for name, path in absent_paths(self.root).items():
            for number, (option, command) in enumerate(self.outputs().items()):
                if name == "dangling link" and "data_root" in option:
                    continue  # folders are not made behind links
                with self.subTest(option=option, path=name):
                    ending = b"" if command[-1].endswith("=") else b".svg"
                    own = os.fsencode(path) + b"%d" % number + ending
                    if name == "below nothing" and "verify" in option:
                        os.makedirs(os.path.dirname(own), exist_ok=True)
                    if name == "unknown user":
                        os.makedirs(f"{self.root}/~no-such-user", exist_ok=True)
                    done = self.run_with(command, own)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertTrue(os.path.exists(os.path.join(os.fsencode(self.root), own)))

    def test_empty_paths(self):
        """`--certificate "$UNSET"` is a mistake."""
        has_default = ("tokenizer.name", "analyze --model_dir", "--output")
        for option, command in {**self.inputs(), **self.outputs()}.items():
            if option.endswith(has_default):
                continue
            with self.subTest(option=option):
                self.assert_refused(self.run_with(command, ""), "")

    def test_model_folder_that_is_not_there(self):
        """The heads lie in the dataset's folder then, as in published datasets."""
        command = ["analyze", "--quiet", "--overwrite", "--dataset", f"{self.made.name}/out",
                   "--model_dir"]
        for name, path in {**odd_paths(self.root), **absent_paths(self.root)}.items():
            if name in ("folder", "folder with a slash"):
                continue  # a folder without heads
            with self.subTest(path=name):
                self.assertEqual(self.run_with(command, path).returncode, 0)

    def test_tilde_is_the_home_folder(self):
        home = f"{self.root}/home"
        made = self.made.name
        for name in ("run.yaml", "head_bucket_plasticity.csv", "head_component_weights.csv"):
            shutil.copy(f"{made}/{name}", home)
        for name in ("model", "corpus", "out", "proven"):
            shutil.copytree(f"{made}/{name}", f"{home}/{name}")
        shutil.copy(f"{made}/r.safetensors", home)
        fixtures.write(f"{home}/analysis.yaml", "dataset: ~/out\noutput_csv: ~/y/h.csv\n"
                       "bucket_csv: ~/y/b.csv\ncomponent_csv: ~/y/c.csv\n")
        fixtures.write(f"{home}/plot.yaml", "bucket_csv: ~/head_bucket_plasticity.csv\n"
                       "output: ~/y/heat.svg\n")
        sets = [word for key, path in (("dataset.path", "~/corpus/*.jsonl"), ("model.name", "~/model"),
                                       ("tokenizer.name", "~/model/tokenizer.json"),
                                       ("output.data_root", "~/x/out")) for word in
                ("--set", f"{key}={path}")]
        runs = [
            (["verify", "--model", "~/proven", "--reference", "~/r.safetensors", "--certificate",
              "~/proof.json"], ["proof.json"]),
            (["sniff", "--quiet", "--config", "~/run.yaml", *sets], ["x/out/README.md"]),
            (["inspect", "~/x/out"], []), (["check", "~/x/out"], []),
            (["analyze", "--quiet", "--config", "~/analysis.yaml"], ["y/h.csv", "y/b.csv", "y/c.csv"]),
            (["analyze", "--quiet", "--dataset_local_root", "~/", "--model_dir", "~/out",
              "--bootstrap", "2"] + [w for i, o in enumerate(CSV_OPTIONS) for w in
                                     (f"--{o}", f"~/z/{i}.csv")],
             [f"z/{i}.csv" for i in range(5)]),
            (["plot", "heatmap", "--config", "~/plot.yaml"], ["y/heat.svg"]),
            (["plot", "plasticity", "--bucket_csv", "~/head_bucket_plasticity.csv", "--output",
              "~/y/p.pdf"], ["y/p.pdf"]),
            (["plot", "components", "--component_csv", "~/head_component_weights.csv"],
             ["component_weights.png"])]
        for arguments, files in runs:
            with self.subTest(arguments=arguments):
                done = self.run_program(*arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                for file in files:
                    self.assertTrue(os.path.exists(f"{home}/{file}"), file)
        self.assertFalse(os.path.exists(f"{self.root}/~"))

    def test_tilde_in_variables_and_dotenv(self):
        """The Hub's cache may be named with `~` too."""
        home = f"{self.root}/home"
        commit = "0123456789abcdef0123456789abcdef01234567"
        repo = f"{home}/cache/models--org--tiny"
        fixtures.write(f"{repo}/refs/main", commit)
        shutil.copytree(f"{self.made.name}/model", f"{repo}/snapshots/{commit}")
        repo = f"{home}/cache/datasets--org--heads"
        fixtures.write(f"{repo}/refs/main", commit)
        shutil.copytree(f"{self.made.name}/out", f"{repo}/snapshots/{commit}")
        sniff = ["sniff", "--dry-run", "--config", self.config, "--set", "model.name=org/tiny"]
        self.assertEqual(self.run_program(*sniff).returncode, 1)
        self.assertEqual(self.run_program(*sniff, HF_HUB_CACHE="~/cache").returncode, 0)
        for analyze in (["--dataset", "org/heads"], ["--dataset_name", "org/heads"]):
            command = ["analyze", "--quiet", "--overwrite", *analyze, "--dataset_cache_dir", "~/cache"]
            self.assertEqual(self.run_program(*command).returncode, 0)
        fixtures.write(f"{self.root}/.env", "HF_HUB_CACHE=~/cache\n")
        self.assertEqual(self.run_program(*sniff).returncode, 0)

    def test_variables_that_lead_nowhere(self):
        command = ["sniff", "--dry-run", "--config", self.config, "--set", "model.name=org/tiny"]
        for name, path in odd_paths(self.root).items():
            for variable in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"):
                others = {"HF_HOME": ""} if variable != "HF_HOME" else {}
                with self.subTest(variable=variable, path=name):
                    done = self.run_program(*command, **{**others, variable: path})
                    self.assertEqual(done.returncode, 1, done.stderr[:2000])
                    self.assertIn(b"hf download org/tiny", done.stderr)

    def test_heads_that_are_no_files(self):
        """A pipe would wait for its writer for ever."""
        for name, make in (("pipe", os.mkfifo), ("folder", os.mkdir),
                           ("loop", lambda path: os.symlink("data.parquet", path)),
                           ("device", lambda path: os.symlink("/dev/zero", path))):
            with self.subTest(name=name):
                data = f"{self.root}/{name}"
                shutil.copytree(f"{self.made.name}/out", data)
                os.remove(f"{data}/l00h00q/data.parquet")
                make(f"{data}/l00h00q/data.parquet")
                for command in (["inspect", data], ["check", data],
                                ["analyze", "--quiet", "--overwrite", "--dataset", data]):
                    done = self.run_program(*command)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn(b"l00h00q/data.parquet: ", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
