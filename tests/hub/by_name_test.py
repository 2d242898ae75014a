"""Models, corpora and captures come by name: `sniff`, `analyze`, `inspect`, `check`, `fetch` and
`hub status` against the test Hub, from an empty cache."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "cli")]

import fixtures  # noqa: E402
from test_hub import TestHub  # noqa: E402

PROGRAM = ""


def sharded(config):
    """{file: bytes} of a checkpoint with a shard for each layer, and other things beside it."""
    shapes = fixtures.tensor_shapes(config)
    shards, places = {}, {}
    for name, shape in shapes.items():
        found = re.match(r"model\.layers\.(\d+)\.", name)
        part = f"layer-{found[1]}" if found else "rest"
        shards.setdefault(f"{part}.safetensors", {})[name] = shape
        places[name] = f"{part}.safetensors"
    files = {name: fixtures.safetensors(part) for name, part in shards.items()}
    files["config.json"] = json.dumps(config).encode()
    files["model.safetensors.index.json"] = json.dumps({"weight_map": places}).encode()
    unused = ("pytorch_model.bin", "original/consolidated.00.pth", "onnx/model.onnx", "a.gguf")
    files |= dict.fromkeys(unused, b"x" * 999)
    return files


def tokenizer():
    with tempfile.TemporaryDirectory() as folder:
        fixtures.make_tokenizer(folder)
        return fixtures.files_of(folder)["tokenizer.json"]


def corpus_text(lengths=(90, 5, 41, 64)):
    with tempfile.TemporaryDirectory() as folder:
        fixtures.make_corpus(folder, lengths)
        return fixtures.files_of(folder)["train.jsonl"]


CONFIG = """dataset: {path: org/corpus, id_column: id}
model: {name: org/tiny}
tokenizer: {max_length: 128}
capture: {sampler: {type: uniform, base_rate: 4}, min_bucket_size: 16}
output: {data_root: out}
"""


class ByNameTest(unittest.TestCase):
    def setUp(self):
        self.hub = self.enterContext(TestHub())
        self.root = self.enterContext(tempfile.TemporaryDirectory(prefix="by_name_"))
        self.addCleanup(lambda: self.assertEqual(self.hub.violations, []))

    def run_program(self, *arguments, code=0, **env):
        done = subprocess.run([PROGRAM, *arguments], cwd=self.root, env=self.hub.env(**env),
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    def add_inputs(self, **changes):
        """org/tiny and org/corpus, and run.yaml that names them."""
        self.hub.add_repo("model", "org/tiny", sharded(fixtures.model_config(**changes)) | {
            "tokenizer.json": tokenizer()})
        self.hub.add_repo("dataset", "org/corpus", {
            "data/train-00000-of-00002.jsonl": corpus_text((90, 5)),
            "data/train-00001-of-00002.jsonl": corpus_text((41, 64)),
            "data/test-00000-of-00001.jsonl": corpus_text((7,)),
            "README.md": b"# corpus\n"})
        fixtures.write(f"{self.root}/run.yaml", CONFIG)

    def cached(self, kind, repo_id):
        """The files of a repository in the snapshot folders of the cache."""
        folder = f"{self.hub.root}/home/hub/{kind}s--{repo_id.replace('/', '--')}/snapshots"
        return {path.split("/", 1)[1] for path in fixtures.files_of(folder)}

    # --- models and corpora

    def test_sniff_downloads_what_it_reads_and_nothing_else(self):
        self.add_inputs()
        self.run_program("sniff", "run.yaml", "--set", "capture.layers=[0]")
        self.assertEqual(self.cached("model", "org/tiny"), {
            "config.json", "model.safetensors.index.json", "rest.safetensors",
            "layer-0.safetensors", "tokenizer.json"})
        self.assertEqual(self.cached("dataset", "org/corpus"), {
            "README.md", "data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl"})

    def test_the_dataset_does_not_depend_on_what_else_is_in_the_cache(self):
        self.add_inputs()
        sets = ("--set", "capture.layers=[1]")
        self.run_program("sniff", "run.yaml", *sets, "--set", "output.data_root=first")
        self.run_program("fetch", "org/tiny", "--type", "model", "--files", "*")
        self.run_program("sniff", "run.yaml", *sets, "--set", "output.data_root=second",
                         HF_HUB_OFFLINE=1)
        self.assertEqual(fixtures.files_of(f"{self.root}/first"),
                         fixtures.files_of(f"{self.root}/second"))

    def test_a_second_run_downloads_nothing(self):
        self.add_inputs()
        self.run_program("sniff", "run.yaml")
        self.hub.log.clear()
        self.run_program("sniff", "run.yaml", "--overwrite")
        self.assertEqual(self.hub.count("/resolve/"), 0)
        self.hub.log.clear()
        self.run_program("sniff", "run.yaml", "--overwrite", HF_HUB_OFFLINE=1)
        self.assertEqual(self.hub.log, [])

    def test_datasets_offline_is_about_corpora_alone(self):
        self.add_inputs()
        done = self.run_program("sniff", "run.yaml", code=1, HF_DATASETS_OFFLINE=1)
        self.assertIn("HF_DATASETS_OFFLINE is set: unset it, or", done.stderr)
        self.assertEqual(self.hub.count("/api/datasets/"), 0)
        self.run_program("sniff", "run.yaml", "--overwrite")
        self.hub.log.clear()
        self.run_program("sniff", "run.yaml", "--overwrite", HF_DATASETS_OFFLINE=1)
        self.assertEqual(self.hub.count("/api/datasets/"), 0)
        self.assertGreater(self.hub.count("/api/models/"), 0)

    def test_a_dry_run_downloads_no_weights(self):
        self.add_inputs()
        done = self.run_program("sniff", "run.yaml", "--dry-run", "--set", "capture.layers=[0,1]")
        self.assertRegex(done.stdout, r"download +3 files, [\d.]+ kB: layer-0.safetensors, "
                                      r"layer-1.safetensors, rest.safetensors\n +not checked yet")
        self.assertNotIn("layer-0.safetensors", self.cached("model", "org/tiny"))
        self.assertIn("tokenizer.json", self.cached("model", "org/tiny"))
        before = re.sub(r" +download.*\n.*not checked yet.*\n", "", done.stdout)
        self.run_program("sniff", "run.yaml", "--set", "capture.layers=[0,1]")
        after = self.run_program("sniff", "run.yaml", "--dry-run", "--set", "capture.layers=[0,1]")
        size = r"[\d.,]+ [kM]?B|, [\d.,]+ [GT]B free"  # of the process and of what is free: they differ a little
        self.assertEqual(re.sub("memory.*\n.*\n", "", re.sub(size + "|weights, ", "", before)),
                         re.sub("memory.*\n.*\n", "", re.sub(size, "", after.stdout)))

    def test_revisions(self):
        self.add_inputs()
        self.hub.branch("dataset", "org/corpus", "a/b", {"train.jsonl": corpus_text((30, 40))})
        commit = self.hub.head("model", "org/tiny")
        sets = ("--set", "dataset.revision=a/b", "--set", f"model.revision={commit}")
        done = self.run_program("sniff", "run.yaml", *sets)
        self.assertIn("from 2 documents", done.stdout)
        card = fixtures.files_of(f"{self.root}/out")["README.md"].decode()
        self.assertIn("dataset_revision", card)
        done = self.run_program("sniff", "run.yaml", "--set", "dataset.revision=none", code=1)
        self.assertRegex(done.stderr, "dataset.path: 'org/corpus'.* none")

    def test_the_tokenizer_is_that_of_main(self):
        self.add_inputs()
        config = fixtures.model_config()
        self.hub.branch("model", "org/tiny", "v2", sharded(config) | {"tokenizer.json": b"{}"})
        self.run_program("sniff", "run.yaml", "--set", "model.revision=v2")
        done = self.run_program("sniff", "run.yaml", "--overwrite", "--set", "model.revision=v2",
                                HF_HUB_OFFLINE=1)
        self.assertNotIn("tokenizer", done.stderr)

    def test_models_that_cannot_be_read_are_refused_before_anything_is_downloaded(self):
        self.add_inputs()
        for name, files, sentence in (
                ("pickle", {"config.json": b"{}", "pytorch_model.bin": b"x"},
                 "it holds pytorch_model.bin; pickle files are not read"),
                ("gguf", {"q4.gguf": b"GGUF", "q8.gguf": b"GGUF"},
                 "holds no safetensors but 2 GGUF files: bring one with `qkscope fetch org/gguf "
                 "--type model --files q4.gguf` and name that file"),
                ("nothing", {"README.md": b"x"}, "holds neither model.safetensors nor"),
                ("noconfig", {"model.safetensors": b"x"}, "expected a repository with a config.json")):
            self.hub.add_repo("model", f"org/{name}", files)
            done = self.run_program("sniff", "run.yaml", "--set", f"model.name=org/{name}", code=1)
            self.assertIn(sentence, done.stderr)
            self.assertIn(f"model.name: 'org/{name}' (revision main)", done.stderr)
        self.assertEqual(self.hub.count("/resolve/"), 0)

    def test_verify_downloads_its_model(self):
        self.add_inputs()
        done = self.run_program("verify", "org/tiny", "none.safetensors", code=1)
        self.assertIn("none.safetensors", done.stderr)
        self.assertIn("layer-2.safetensors", self.cached("model", "org/tiny"))

    def test_names_that_are_not_there(self):
        self.add_inputs()
        for sets in ("model.name=org/none", "dataset.path=org/none", "tokenizer.name=org/none"):
            done = self.run_program("sniff", "run.yaml", "--set", sets, code=1)
            self.assertRegex(done.stderr, rf"{sets.split('=')[0]}: 'org/none' is neither a file nor "
                                          r"a folder, and as a repository of the Hub: .*there is no (model|dataset)")

    def test_messages_name_the_repository_and_not_the_cache(self):
        self.add_inputs()
        self.hub.add_repo("model", "org/other", {"tokenizer.model": b"x", "config.json": b"{}"})
        self.hub.add_repo("model", "org/none", {"config.json": b"{}"})
        self.hub.add_repo("dataset", "org/cards", {
            "README.md": b"---\nconfigs:\n- config_name: a\n  data_files: 7.jsonl\n---\n", "x.jsonl": b""})
        for sets, sentence in (
                ("dataset.split=dev", "'dev' is not a split of 'org/corpus' (revision main): it has"),
                ("dataset.name=x", "'x' is not a config of 'org/corpus' (revision main): it has"),
                ("dataset.path=org/cards", "'org/cards' (revision main): config 'a': data_files: "
                                           "'7.jsonl' is not a file there"),
                ("tokenizer.name=org/other", "tokenizer.name: 'org/other' (revision main) holds no "
                                             "tokenizer.json; its tokenizer.model is not read"),
                ("tokenizer.name=org/none", "'org/none' (revision main) holds no tokenizer.json; name")):
            done = self.run_program("sniff", "run.yaml", "--set", sets, code=1)
            self.assertIn(sentence, done.stderr)
            self.assertNotIn("/snapshots/", done.stderr)

    def test_check_and_inspect_name_the_repository(self):
        files = self.add_capture()
        del files["l00h00q/data.parquet"]
        commit = self.hub.branch("dataset", "org/qk", "part", files)
        for command in "check", "inspect":
            done = self.run_program(command, "org/qk@part", code=1)
            self.assertTrue(done.stdout.startswith(f"org/qk@part (commit {commit[:12]})"))
            self.assertIn("\n  l00h00q: is missing, though the card lists it\n", done.stdout)
            self.assertEqual(done.stdout.count("/snapshots/"), 1)
        done = self.run_program("inspect", "--json", "org/qk@part", code=1)
        self.assertEqual(json.loads(done.stdout)["repository"],
                         {"id": "org/qk", "revision": "part", "commit": commit})

    def test_ctrl_c_stops_a_download_which_then_goes_on(self):
        self.add_inputs(hidden_size=1024, intermediate_size=64, vocab_size=4096)
        self.hub.fail("slow", on="GET .*rest.safetensors", times=1, rate=100_000)
        process = subprocess.Popen([PROGRAM, "sniff", "run.yaml"], cwd=self.root, env=self.hub.env(),
                                   stderr=subprocess.PIPE, text=True)
        blobs = f"{self.hub.root}/home/hub/models--org--tiny/blobs"
        deadline = time.time() + 60
        while time.time() < deadline:
            if os.path.isdir(blobs) and any(
                    name.endswith(".incomplete") and os.path.getsize(f"{blobs}/{name}") > 100_000
                    for name in os.listdir(blobs)):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 75, error)
        self.assertIn("qkscope: stopped; the same command goes on from here", error)
        self.hub.heal()
        self.hub.log.clear()
        self.run_program("sniff", "run.yaml")
        ranges = [entry.range for entry in self.hub.seen("^GET ")]
        self.assertTrue(any(ranges), ranges)

    def test_a_revision_behind_the_name_of_a_model(self):
        self.add_inputs()
        done = self.run_program("sniff", "run.yaml", "--set", "model.name=org/tiny@v1", code=1)
        self.assertIn("model.name: 'org/tiny@v1' is neither a file nor a folder, and the revision of a "
                      "Hub repository has a key of its own (revision)", done.stderr)
        done = self.run_program("verify", "org/tiny@v1", "none.safetensors", code=1)
        self.assertRegex(done.stderr, "model.name: 'org/tiny'.*v1")

    # --- progress

    def watch(self, *arguments, **env):
        """What a command writes to a terminal."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([PROGRAM, *arguments], cwd=self.root, env=self.hub.env(**env),
                                   stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):
            while block := os.read(ours, 4096):
                shown += block
        os.close(ours)
        self.assertEqual(process.wait(), 0, shown)
        return shown.decode().replace("\r\n", "\n")

    def test_progress_on_a_terminal(self):
        self.hub.add_repo("dataset", "org/qk", {"a.parquet": b"x" * 3_000_000, "b.txt": b"y"})
        self.hub.fail("slow", on="^GET /(?!api|datasets)", times=1, rate=1_500_000)
        shown = self.watch("fetch", "org/qk")
        self.assertRegex(shown, r"\rdownload  [012]/3 files, [\d.]+( .B)? of 3.0 MB, "
                                r"[\d.]+ .?B/s, [\d.]+ s left")
        self.assertRegex(shown, r"download  3/3 files, 3.0 of 3.0 MB\x1b\[K\n")
        for env, flags in (({"HF_HUB_DISABLE_PROGRESS_BARS": 1}, ()), ({}, ("--quiet",))):
            shown = self.watch("fetch", "org/qk", "--to", "d" + "".join(flags), *flags, **env)
            self.assertNotIn("download ", shown)

    def test_waits_are_said_below_the_line(self):
        self.hub.add_repo("dataset", "org/qk", {f"{i}.parquet": bytes([i]) * 9_000 for i in range(3)})
        self.hub.fail("429-retry-after", on="^GET .*/resolve/", times=1, seconds=1)
        shown = self.watch("fetch", "org/qk")
        self.assertRegex(shown, r"(?m)(^|\n)qkscope: [^\r\n]*429[^\r\n]*\n")

    # --- captures

    def add_capture(self):
        """org/qk with a capture on the branch `tiny`, made by sniff, and main with a card alone."""
        fixtures.make_all(self.root)
        self.run_program("sniff", "run.yaml", HF_HUB_OFFLINE=1)
        files = fixtures.files_of(f"{self.root}/out")
        self.hub.add_repo("dataset", "org/qk", {"README.md": b"# captures\n"})
        self.hub.branch("dataset", "org/qk", "tiny", files)
        return files

    def test_analyze_by_name_gives_the_tables_of_the_folder(self):
        self.add_capture()
        self.run_program("analyze", "out", "--output_dir", "a")
        done = self.run_program("analyze", "org/qk@tiny", "--output_dir", "b")
        self.assertIn("org/qk@tiny", done.stdout)
        for name, text in fixtures.files_of(f"{self.root}/a").items():
            if name.endswith(".csv"):
                self.assertEqual(text, fixtures.files_of(f"{self.root}/b")[name], name)
        record = json.loads(fixtures.files_of(f"{self.root}/b")["head_metrics.csv.json"])
        self.assertEqual(record["dataset"]["repo"], "org/qk")
        self.assertEqual(record["dataset"]["revision"], "tiny")
        self.assertEqual(record["dataset"]["commit"], self.hub.head("dataset", "org/qk", "tiny"))
        self.run_program("analyze", "--dataset_name", "org/qk", "--dataset_revision", "tiny",
                         "--output_dir", "c", HF_HUB_OFFLINE=1)
        self.assertEqual(fixtures.files_of(f"{self.root}/c")["head_metrics.csv"],
                         fixtures.files_of(f"{self.root}/a")["head_metrics.csv"])

    def test_analyze_completes_a_part_and_takes_only_what_it_measures(self):
        self.add_capture()
        self.run_program("fetch", "org/qk@tiny", "--heads", "l00h00*")
        self.run_program("analyze", "org/qk@tiny", "--output_dir", "a", "--compat", "reference",
                         "--num_layers", "2", "--num_q_heads", "4", "--num_k_heads", "2")
        heads = {name.split("/")[0] for name in self.cached("dataset", "org/qk") if "/" in name}
        self.assertEqual(heads, {f"l{layer:02}h{head:02}{kind}" for layer in range(2)
                                 for kind, count in (("q", 4), ("k", 2)) for head in range(count)})
        done = self.run_program("analyze", "org/qk@tiny", "--output_dir", "b")
        self.assertIn("12 of 12 heads", done.stdout)

    def test_a_part_does_not_pass_for_the_whole_offline(self):
        self.add_capture()
        self.run_program("fetch", "org/qk@tiny", "--heads", "l00h00*")
        for command in (("analyze", "org/qk@tiny", "--output_dir", "a"), ("inspect", "org/qk@tiny"),
                        ("check", "org/qk@tiny")):
            done = self.run_program(*command, code=1, HF_HUB_OFFLINE=1)
            self.assertRegex(done.stderr, "dataset: 'org/qk' is in the Hub cache, but incomplete")

    def test_inspect_and_check_take_everything(self):
        files = self.add_capture()
        self.assertIn("whole", self.run_program("check", "org/qk@tiny").stdout)
        self.assertEqual(self.cached("dataset", "org/qk") - {".gitattributes"}, set(files))
        self.run_program("inspect", "--dataset", "org/qk@tiny", HF_HUB_OFFLINE=1)
        commit = self.hub.head("dataset", "org/qk", "tiny")
        self.run_program("inspect", f"org/qk@{commit}", HF_HUB_OFFLINE=1)
        done = self.run_program("check", "org/qk", code=1)
        self.assertIn("'org/qk' (revision main) holds no heads", done.stderr)

    def test_download_max_workers(self):
        self.add_capture()
        busy, most = [], []

        def count(_):
            busy.append(1)
            most.append(len(busy))
            time.sleep(0.05)
            busy.pop()
        self.hub.before("resolve/.*data.parquet", count, times=1000)
        for workers, cache in (("1", "one"), ("4", "four")):
            most.clear()
            self.run_program("analyze", "org/qk@tiny", "--download_max_workers", workers,
                             "--output_dir", cache, "--dataset_cache_dir", cache)
            self.assertGreater(len(most), 10)
            self.assertEqual(max(most) == 1, workers == "1")
            self.assertLessEqual(max(most), int(workers))
            self.assertTrue(os.path.isdir(f"{self.root}/{cache}/datasets--org--qk"))

    # --- fetch

    def test_fetch_says_where(self):
        files = self.add_capture()
        done = self.run_program("fetch", "org/qk@tiny")
        place = done.stdout.strip()
        self.assertEqual(files.keys() - fixtures.files_of(place).keys(), set())
        self.assertRegex(done.stderr, r"\d+ files of the dataset 'org/qk' \(revision tiny\) at commit")
        again = self.run_program("fetch", "org/qk@tiny", "--quiet")
        self.assertEqual((again.stdout, again.stderr), (done.stdout, ""))

    def test_fetch_heads_into_a_folder(self):
        files = self.add_capture()
        for _ in range(2):
            done = self.run_program("fetch", "org/qk@tiny", "--heads", "l0[01]h00*", "--to", "part")
            self.assertEqual(done.stdout, "part\n")
        got = {name: data for name, data in fixtures.files_of(f"{self.root}/part").items()
               if not name.startswith(".cache/")}
        self.assertEqual(got, {name: data for name, data in files.items() if re.match(
            r"l0[01]h00|README.md$|documents.parquet$", name)})
        self.assertEqual(self.hub.count("GET .*l00h00q"), 1)

    def test_fetch_refuses_what_is_not_there(self):
        self.add_capture()
        self.add_inputs()
        for arguments, sentence in (
                (("org/qk@tiny", "--heads", "l9*"),
                 "--heads: no head of 'org/qk' (revision tiny) matches 'l9*': it has 18 heads, from "
                 "l00h00k to l02h03q"),
                (("org/none",), "there is no dataset of this name"),
                (("org/qk@none",), "none"),
                (("org/tiny",), "fetch: 'org/tiny' is no dataset but a model: add --type model"),
                (("data/a/b",), "expected a repository of the Hub as owner/name"),
                (("org/qk@",), "expected a branch, tag or commit after the '@'"),
                (("org/tiny", "--type", "model", "--heads", "*"), "expected a dataset")):
            self.assertIn(sentence, self.run_program("fetch", *arguments, code=1).stderr)

    # --- hub status

    def test_status(self):
        files = self.add_capture()
        self.hub.branch("dataset", "org/qk", "other")
        self.run_program("fetch", "org/qk@tiny", "--heads", "l00h00q")
        done = self.run_program("hub", "status", "org/qk@tiny")
        commit = self.hub.head("dataset", "org/qk", "tiny")
        self.assertIn(f"Endpoint  {self.hub.url}\n", done.stdout)
        self.assertRegex(done.stdout, r"Account   org, token from HF_TOKEN, role write")
        self.assertIn("Dataset   org/qk: public\n", done.stdout)
        self.assertNotIn("Model ", done.stdout)
        self.assertRegex(done.stdout, rf"revision +tiny: commit {commit}, {len(files) + 1} files, ")
        self.assertRegex(done.stdout, r"capture +12 query heads and 6 key heads in layers 0-2, of ")
        self.assertIn(f"tiny {commit[:12]}", done.stdout)
        self.assertRegex(done.stdout, rf"cached +tiny, {commit[:12]}: 3 of {len(files) + 1} files, ")
        self.assertNotIn("hf_", done.stdout + done.stderr)
        self.hub.log.clear()
        done = self.run_program("hub", "status", "org/qk", HF_HUB_OFFLINE=1)
        self.assertRegex(done.stdout, rf"cached +tiny, {commit[:12]}: 3 of")
        self.assertEqual(self.hub.log, [])

    def test_status_without_a_repository(self):
        done = self.run_program("hub", "status")
        self.assertEqual(done.stdout, f"Endpoint  {self.hub.url}\nAccount   org, token from HF_TOKEN, "
                                      f"role write\nCache     {self.hub.root}/home/hub\n")
        done = self.run_program("hub", "status", token=None)
        self.assertIn("Account   no token: set HF_TOKEN", done.stdout)

    def test_status_of_a_hub_that_does_not_answer_asks_once(self):
        done = self.run_program("hub", "status", "org/qk", HF_ENDPOINT="http://127.0.0.1:9", code=1)
        self.assertEqual(done.stdout.count("cannot be connected to"), 3)
        self.assertEqual(len(set(re.findall("hub: (.*?): http.*trying again", done.stderr))), 1)
        self.assertNotIn("hub: ", done.stdout)

    def test_status_of_nothing(self):
        done = self.run_program("hub", "status", "org/none", code=1)
        self.assertIn("there is no model of this name", done.stdout)
        self.assertIn("there is no dataset of this name", done.stdout)
        self.hub.add_repo("dataset", "org/qk", {"a": b"x"}, private=True)
        done = self.run_program("hub", "status", "org/qk@none", code=1)
        self.assertIn("Dataset   org/qk: private", done.stdout)
        self.run_program("hub", "status", "org/qk", code=1, HF_HUB_OFFLINE=1)
        self.hub.fail("403", on="GET /api/models/", times=1)
        done = self.run_program("hub", "status", "org/qk")
        self.assertRegex(done.stdout, r"Model     org/qk\n  Hub .*may not read")
        done = self.run_program("hub", "status", "org/qk", "--type", "dataset")
        self.assertNotIn("Model ", done.stdout)

    # --- nobody asks

    def test_without_a_word_about_the_dataset_nothing_is_downloaded(self):
        self.hub.add_repo("dataset", "viktoroo/sniffed-qk", {"l00h00q/data.parquet": b"x"})
        done = self.run_program("analyze", code=1)
        self.assertIn("analyze: no dataset was given", done.stderr)
        self.assertEqual(self.hub.log, [])

    def test_inputs_on_the_disk_need_neither_hub_nor_token(self):
        fixtures.make_all(self.root)
        self.run_program("sniff", "run.yaml", HF_ENDPOINT="not an address", HF_TOKEN="a\nb")
        self.run_program("check", "out", HF_ENDPOINT="not an address")
        self.run_program("analyze", "out", HF_ENDPOINT="not an address")
        self.assertEqual(self.hub.log, [])


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
