#!/usr/bin/env python3
"""What the user sees after an error: the exit code and the complete sentence.

usage: bad_input_test.py QKSCOPE"""

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


def edit(path, change):
    with open(path, "rb") as file:
        data = file.read()
    fixtures.write(path, change(data))


def edit_config(root, **changes):
    fixtures.write(f"{root}/model/config.json", json.dumps(fixtures.model_config(**changes)))


class BadInput(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.config = fixtures.make_all(self.root)
        self.environment = {**os.environ, "HF_HOME": f"{self.root}/hub"}
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            self.environment.pop(name, None)

    def tearDown(self):
        self.folder.cleanup()

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300,
                              cwd=self.root, env=self.environment)

    def assert_says(self, sentence, *arguments):
        """The program exits with 1 and exactly this sentence; R/ is the test's folder."""
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.replace(self.root + "/", "R/"), f"qkscope: {sentence}\n")

    def assert_sniff_says(self, sentence, *sets):
        flags = [flag for text in sets for flag in ("--set", text)]
        self.assert_says(sentence, "sniff", "--quiet", "--config", self.config, *flags)
        for name in ("README.md", "l00h00q"):
            self.assertFalse(os.path.exists(f"{self.root}/out/{name}"))

    # The command line.

    def test_without_arguments(self):
        """What to type, and exit code 1."""
        for words, expected in (([], "\n  qkscope sniff run.yaml "),
                                (["plot"], "\n  qkscope plot heatmap ")):
            done = self.run_program(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(expected, done.stderr)
        self.assert_says("sniff: no run was given: type `qkscope sniff run.yaml` (see qkscope sniff "
                         "--help)", "sniff")
        self.assert_says("analyze: no dataset was given: type `qkscope analyze FOLDER` (see qkscope "
                         "analyze --help)", "analyze")
        for command in ("inspect", "check"):
            self.assert_says(f"{command}: no dataset was given: type `qkscope {command} FOLDER` (see "
                             f"qkscope {command} --help)", command)
        self.assert_says("init: no model was given: type `qkscope init MODEL CORPUS` (see qkscope init "
                         "--help)", "init")
        self.assert_says("completion: no shell was given: type `qkscope completion bash` (see qkscope "
                         "completion --help)", "completion")
        self.assert_says("man-pages: no folder was given: type `qkscope man-pages FOLDER` (see qkscope "
                         "man-pages --help)", "man-pages")
        self.assert_says("verify: no model was given: type `qkscope verify MODEL REFERENCE` (see "
                         "qkscope verify --help)", "verify")
        self.assert_says("verify: no reference was given: type `qkscope verify MODEL REFERENCE` (see "
                         "qkscope verify --help)", "verify", "model")

    def test_unknown_command(self):
        self.assert_says("snif: unknown command; did you mean sniff?", "snif")
        self.assert_says("frobnicate: unknown command (known: init, sniff, inspect, check, analyze, "
                         "compare, plot, report, publish, verify, fetch, hub, doctor, mpi-shim, "
                         "completion, man-pages)", "frobnicate")
        self.assert_says("snif: unknown command; did you mean sniff?", "help", "snif")

    def test_unknown_options(self):
        for command, words, sentence in (
                ("sniff", ["run.yaml", "--overwrit"], "--overwrit: unknown option of sniff; did you mean "
                                                      "--overwrite?"),
                ("sniff", ["--confg", "run.yaml"], "--confg: unknown option of sniff; did you mean "
                                                   "--config?"),
                ("sniff", ["--confg=run.yaml"], "--confg: unknown option of sniff; did you mean "
                                                "--config?"),
                ("sniff", ["run.yaml", "--model", "x"], "--model: unknown option of sniff; write --set "
                                                        "model.name=x"),
                ("sniff", ["--output=x", "run.yaml"], "--output: unknown option of sniff; write --set "
                                                      "output.data_root=x"),
                ("sniff", ["--dataset", "x", "run.yaml"], "--dataset: unknown option of sniff; write "
                                                          "--set dataset.path=x"),
                ("sniff", ["run.yaml", "--min-bucket-size", "8"],
                 "--min-bucket-size: unknown option of sniff; write --set capture.min_bucket_size=8"),
                ("sniff", ["run.yaml", "--dtype", "bfloat16"], "--dtype: unknown option of sniff; write "
                                                               "--set model.dtype=bfloat16"),
                ("sniff", ["run.yaml", "--layers"], "--layers: unknown option of sniff; write --set "
                                                    "capture.layers=VALUE"),
                ("sniff", ["run.yaml", "--split=train[:9]"], "--split: unknown option of sniff; write "
                                                             "--set 'dataset.split=train[:9]'"),
                ("sniff", ["run.yaml", "--model.name", "x"], "--model.name: unknown option of sniff; "
                                                             "write --set model.name=x"),
                ("sniff", ["run.yaml", "--dry-run=later"], "--dry-run: expected true or false, "
                                                          "found later"),
                ("sniff", ["run.yaml", "--chunk-tokens", "1k"], "--chunk-tokens: expected an integer "
                                                                "from 1 to 1048576, found 1k"),
                ("analyze", ["d", "--threads", "1", "--max_workers", "2"],
                 "--max_workers and --threads: give only one of them"),
                ("sniff", ["run.yaml", "-c", "x"], "-c: unknown option of sniff"),
                ("analyze", ["d", "--methd", "bucket"], "--methd: unknown option of analyze; did you "
                                                        "mean --method?"),
                ("analyze", ["d", "--outputcsv=x"], "--outputcsv: unknown option of analyze; did you "
                                                    "mean --output_csv?"),
                ("inspect", ["d", "--jsn"], "--jsn: unknown option of inspect; did you mean --json?"),
                ("check", ["d", "e"], "e: unexpected argument"),
                ("sniff", ["a", "b"], "b: unexpected argument"),
                ("sniff", ["a", "--config", "b"], "--config: is given more than once"),
                ("sniff", ["a", "--set"], "--set: expected a value, found none"),
                ("sniff", ["a", "--resume", "--overwrite"], "--overwrite and --resume: give only one of "
                                                            "them"),
                ("sniff", ["a", "--shard", ""], "--shard: expected I/N, such as 3/32, found nothing"),
                ("sniff", ["a", "--time-limit", ""], "--time-limit: expected a time, such as 3h55m, "
                                                     "found nothing"),
                ("sniff", ["a", "--mpi", ""], "--mpi: expected auto, off or the name of an MPI "
                                              "library, found nothing"),
                ("init", ["m", "c", "--seconds", "0"], "--seconds: expected a number of seconds above 0, "
                                                       "found 0"),
                ("init", ["m", "c", "--seconds", "x"], "--seconds: expected a number of seconds above 0, "
                                                       "found x"),
                ("report", ["A", "B", "C"], "dir: expected at most 2, found 3")):
            self.assert_says(f"{sentence} (see qkscope {command} --help)", command, *words)

    def test_numbers_of_options(self):
        for command in ("sniff", "analyze", "inspect", "check", "verify"):
            for text in ("0", "1025", "-1", "two", "1.5", "0x2"):
                self.assert_says(f"--threads: expected an integer from 1 to 1024, found {text} (see "
                                 f"qkscope {command} --help)", command, "x", "--threads", text)
        for text in ("12", "lots", "3 parsecs", "-1GB", "2PB", "1e9", ""):
            for command in ("sniff", "analyze"):
                self.assert_says("--ram: expected a size of at least 1MiB, such as 300MiB or 2GB, found "
                                 f"{text} (see qkscope {command} --help)", command, "x", "--ram", text)

    def test_dashes_and_underscores_are_the_same(self):
        flags = ["--dry_run", "--chunk_tokens", "64"]
        self.assertEqual(self.run_program("sniff", self.config, *flags).returncode, 0)
        self.assertEqual(self.run_program("sniff", self.config, "--quiet").returncode, 0)
        done = self.run_program("analyze", "out", "--output-csv", "h.csv", "--max-tokens-per-head=50",
                                "--keep_going", "--num_pairs-per_bucket", "9")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(os.path.exists(f"{self.root}/h.csv"))

    def test_the_main_argument_needs_no_name(self):
        done = self.run_program("sniff", "run.yaml", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in (["inspect", "out"], ["check", "out"], ["analyze", "out"],
                      ["inspect", "--dataset", "out"], ["check", "--dataset=out"]):
            done = self.run_program(*words)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_help_and_version(self):
        for words in ([], ["sniff"], ["inspect"], ["check"], ["analyze"], ["plot"],
                      ["plot", "heatmap"], ["publish"], ["verify"], ["init"], ["doctor"], ["completion"],
                      ["man-pages"]):
            done = self.run_program(*words, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, "\nExamples.*:\n")
            self.assertNotIn("{false}", done.stdout)
            self.assertEqual(done.stdout, self.run_program("help", *words).stdout)
        commands = self.run_program("--help").stdout.split("Subcommands:\n")[1].split("\n\n")[0]
        self.assertEqual([line.split()[0] for line in commands.splitlines()],
                         ["init", "sniff", "inspect", "check", "analyze", "compare", "plot", "report",
                          "publish", "verify", "fetch", "hub", "doctor", "mpi-shim", "completion",
                          "man-pages"])
        done = self.run_program("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^qkscope \d+\.\d+\.\d+")

    def test_usage_of_report(self):
        self.assertIn("Usage: qkscope report [OPTIONS] [DIR [DIR2]]\n",
                      self.run_program("report", "--help").stdout)

    def test_mpi_without_a_launcher(self):
        for name, fault in (("of", "is not the name of a library, such as libmpi.so.40"),
                            ("/nope/libmpi.so", "there is no such file")):
            self.assert_says(f"--mpi: expected auto, off or an MPI library; {name}: {fault}", "sniff",
                             self.config, "--dry-run", "--mpi", name)
        self.environment["QKSCOPE_MPI_LIB"] = "/nope"
        done = self.run_program("sniff", self.config, "--dry-run")
        self.assertEqual(done.returncode, 0)
        self.assertIn("qkscope: warning: QKSCOPE_MPI_LIB: /nope: there is no such file\n", done.stderr)
        self.assertEqual(self.run_program("sniff", self.config, "--dry-run", "--mpi=off").stderr, "")

    # The configuration: src/capture/config_errors_test.cc has the complete table.

    def test_config_missing(self):
        self.assert_says("R/none.yaml: cannot be opened: No such file or directory", "sniff",
                         "--config", f"{self.root}/none.yaml")

    def test_config_value(self):
        edit(self.config, lambda text: text.replace(b"min_bucket_size: 16", b"min_bucket_size: 0"))
        self.assert_sniff_says("R/run.yaml:11: capture.min_bucket_size: expected an integer from 1 "
                               "to 1073741824, found integer 0")

    def test_config_key(self):
        edit(self.config, lambda text: text.replace(b"min_bucket_size", b"min_bucketsize"))
        self.assert_sniff_says("R/run.yaml:11: capture.min_bucketsize: unknown key; did you mean "
                               "capture.min_bucket_size?")

    def test_config_section(self):
        """A misspelt section is named before the error that comes of it."""
        edit(self.config, lambda text: text.replace(b"dataset:", b"datset:"))
        done = self.run_program("sniff", self.config)
        self.assertEqual((done.returncode, done.stderr.replace(self.root + "/", "R/")),
                         (1, "qkscope: warning: R/run.yaml:1: datset: unknown key; did you mean dataset? "
                             "(ignored, as the original does)\n"
                             "qkscope: R/run.yaml: dataset.path: is required\n"))

    def test_layers_of_the_model(self):
        self.assert_sniff_says("capture.layers: the model has no layers 3, 9 (it has 0 to 2)",
                               "capture.layers=[0, 3, 9]")

    def test_heads_of_the_model(self):
        self.assert_sniff_says("capture.heads: the model has no query head 4 (it has 0 to 3)",
                               "capture.heads=[4]")

    # Model, tokenizer, corpus.

    def test_model_missing(self):
        self.assert_sniff_says(
            "model.name: 'org/none' is neither a file nor a folder, and not in the Hub cache "
            "R/hub/hub (revision main); HF_HUB_OFFLINE is set: unset it, or download it first with `hf download org/none`", "model.name=org/none")

    def test_names_without_an_owner_are_no_downloads(self):
        for key in ("model.name", "tokenizer.name", "dataset.path"):
            self.assert_sniff_says(f"{key}: 'mine' is neither a file nor a folder (here: {self.root}), "
                                   "and a Hub repository is written owner/name", f"{key}=mine")
        self.assert_says(f"dataset: 'mine' is neither a file nor a folder (here: {self.root}), and a "
                         "Hub repository is written owner/name", "analyze", "mine")

    def test_overrides_without_effect(self):
        self.assert_sniff_says("--set model.revision=v2: has no effect: model.name is a path, not a Hub "
                               "model", "model.revision=v2")
        self.assert_sniff_says("--set inference.batchsize=2: unknown key; did you mean "
                               "inference.batch_size?", "inference.batchsize=2")

    def test_analysis_of_an_unfinished_run(self):
        fixtures.write(f"{self.root}/out/.qkscope/journal", "x")
        self.assert_says("out: holds no heads, only the journal of an unfinished run: `qkscope sniff` "
                         "with --resume finishes it", "analyze", "out")

    def test_model_folder_without_config(self):
        os.remove(f"{self.root}/model/config.json")
        self.assert_sniff_says(
            "R/model/config.json: expected a model folder with config.json, found no such "
            "file")

    def test_model_type(self):
        edit_config(self.root, model_type="gpt2")
        done = self.run_program("sniff", "--config", self.config)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"/model/config.json: model_type: GPT-2 is not supported: it has "
                                      r"learned positions, no rotary embedding. Supported: Llama, ")

    def test_weights_missing(self):
        os.remove(f"{self.root}/model/model.safetensors")
        self.assert_sniff_says(
            "R/model: holds neither model.safetensors nor model.safetensors.index.json")

    def test_weights_cut_off(self):
        edit(f"{self.root}/model/model.safetensors", lambda data: data[:-100])
        self.assert_sniff_says(
            "R/model/model.safetensors: model.norm.weight: data_offsets: expected [begin, "
            "end] within the 101148 bytes of data, found [101120,101248]")

    def test_weights_lie_about_their_header(self):
        edit(f"{self.root}/model/model.safetensors",
             lambda data: struct.pack("<Q", 2**60) + data[8:])
        self.assert_sniff_says(
            "R/model/model.safetensors: is not a safetensors file: the header's length is "
            "1152921504606846976, expected at most 100000000")

    def test_weights_of_another_shape(self):
        edit_config(self.root, intermediate_size=40)
        self.assert_sniff_says(
            "R/model: the tensors are not those that the configuration implies: "
            "model.layers.0.mlp.gate_proj.weight in model.safetensors is [48, 32], expected "
            "[40, 32]; model.layers.0.mlp.up_proj.weight in model.safetensors is [48, 32], "
            "expected [40, 32]; model.layers.0.mlp.down_proj.weight in model.safetensors is "
            "[32, 48], expected [32, 40]; model.layers.1.mlp.gate_proj.weight in "
            "model.safetensors is [48, 32], expected [40, 32]; "
            "model.layers.1.mlp.up_proj.weight in model.safetensors is [48, 32], expected "
            "[40, 32]; and 4 more differences")

    def test_weights_of_an_unsupported_type(self):
        shapes = fixtures.tensor_shapes(fixtures.model_config())
        fixtures.write(f"{self.root}/model/model.safetensors",
                       fixtures.safetensors(shapes, dtype="I32"))
        done = self.run_program("sniff", "--config", self.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/model: the tensors are not those that the configuration implies: "
                      "model.embed_tokens.weight in model.safetensors is I32, expected F32, F16 or "
                      "BF16; ", done.stderr)
        self.assertTrue(done.stderr.endswith("; and 23 more differences\n"))

    def test_tokenizer_missing(self):
        os.remove(f"{self.root}/model/tokenizer.json")
        self.assert_sniff_says(
            "model.name: R/model holds no tokenizer.json; name a folder that does in "
            "tokenizer.name")

    def test_tokenizer_not_in_the_cache(self):
        self.assert_sniff_says(
            "tokenizer.name: 'org/none' is neither a file nor a folder, and not in the Hub "
            "cache R/hub/hub (revision main); HF_HUB_OFFLINE is set: unset it, or download it first with `hf download org/none`", "tokenizer.name=org/none")

    def test_tokenizer_of_another_model(self):
        fixtures.make_tokenizer(f"{self.root}/other", fixtures.WORDS + [f"x{i}" for i in range(90)])
        fixtures.write(f"{self.root}/corpus/train.jsonl", '{"id": 1, "text": "w1 x80"}\n')
        self.assert_sniff_says(
            "train.jsonl line 1: the tokenizer gives id 141, but R/model has only 64 "
            "embeddings: tokenizer.name and model.name do not belong together", f"tokenizer.name={self.root}/other")

    def test_corpus_missing(self):
        self.assert_sniff_says(
            "dataset.path: 'org/none' is neither a file nor a folder, and not in the Hub "
            "cache R/hub/hub (revision main); HF_HUB_OFFLINE is set: unset it, or download it first with `hf download org/none "
            "--repo-type dataset`", "dataset.path=org/none")

    def test_corpus_without_the_column(self):
        self.assert_sniff_says(
            "R/corpus/train.jsonl line 1: no column 'body': it has id, text", "dataset.text_column=body")

    def test_corpus_without_the_split(self):
        self.assert_sniff_says(
            "dataset.split: 'test' is not a split of R/corpus: it has train", "dataset.split=test")

    def test_corpus_without_documents(self):
        fixtures.write(f"{self.root}/corpus/train.jsonl", "")
        self.assert_sniff_says(
            "dataset.path: R/corpus holds no document")

    def test_corpus_without_tokens(self):
        fixtures.write(f"{self.root}/corpus/train.jsonl", '{"id": 1, "text": ""}\n')
        self.assert_sniff_says("dataset.path: no document of R/corpus has a token")

    def test_corpus_with_a_null(self):
        fixtures.write(f"{self.root}/corpus/train.jsonl", '{"id": 1, "text": null}\n')
        self.assert_sniff_says(
            "R/corpus/train.jsonl line 1: column 'text': expected a string, found null; "
            "dataset.on_bad_text: skip leaves such documents out")

    def test_no_row_drawn(self):
        self.assert_sniff_says(
            "capture.sampler: no row was drawn from 345 tokens; a larger base_rate or a "
            "smaller min_bucket_size draws more", "capture.sampler.base_rate=1e-9")

    def test_warnings_claim_no_lengths(self):
        """What a run says before it has read its documents is true of any lengths."""
        fixtures.write(f"{self.root}/texts/a.txt", "w1")
        flags = [f"--set=dataset.path={self.root}/texts", "--set=dataset.id_column=null"]
        done = self.run_program("sniff", self.config, *flags)
        self.assertIn("qkscope: warning: even if every document had 128 tokens: buckets 0-7 have fewer "
                      "than 32 rows of a head", done.stderr)
        self.assertNotIn("would do", done.stderr)
        fixtures.write(f"{self.root}/texts/a.txt", "")
        self.assertIn("has a token", self.run_program("sniff", self.config, *flags, "--overwrite").stderr)

    # The output.

    def test_output_in_a_file(self):
        fixtures.write(f"{self.root}/file", "x")
        self.assert_sniff_says(
            "R/file/out: cannot be created: Not a directory", f"output.data_root={self.root}/file/out")

    def test_output_read_only(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        os.mkdir(f"{self.root}/locked", 0o555)
        self.assert_sniff_says("", f"output.data_root={self.root}/locked/out")

    def test_disk_without_room_for_the_run(self):
        disk = f"{self.root}/disk"
        os.mkdir(disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk],
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no tmpfs can be mounted")
        try:
            for more in ([], ["--dry-run"]):
                done = self.run_program("sniff", "--quiet", "--config", self.config, *more,
                                        "--set", f"output.data_root={disk}/out",
                                        "--set", "capture.sampler=all")
                self.assertEqual(done.returncode, 1)
                self.assertRegex((done.stdout if more else done.stderr).replace(self.root, "R"),
                                 r"R/disk/out: the run needs about 645.8 kB of disk for its journal "
                                 r"and its dataset, and \d+\.\d kB are free there: make room")
            self.assertEqual(os.listdir(disk), [])
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_output_that_cannot_be_printed(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w") as full:
            for words in (["--help"], ["sniff", "--quiet", "--config", self.config],
                          ["inspect", "out"], ["inspect", "--json", "out"], ["check", "out"]):
                done = subprocess.run([PROGRAM, *words], stdout=full, stderr=subprocess.PIPE,
                                      text=True, cwd=self.root, timeout=300)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr.splitlines()[-1],
                                 "^qkscope: stdout: cannot be written(: No space left on device)?$")
        self.assertEqual(self.run_program("check", "out").returncode, 0)

    def test_nothing_is_left_after_an_early_error(self):
        fixtures.write(f"{self.root}/corpus/train.jsonl", '{"id": 1, "text": null}\n')
        self.run_program("sniff", "--config", self.config)
        self.assertFalse(os.path.exists(f"{self.root}/out/.qkscope"))
        shutil.rmtree(f"{self.root}/corpus")
        fixtures.make_corpus(f"{self.root}/corpus")
        self.assertEqual(self.run_program("sniff", "--config", self.config).returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
