#!/usr/bin/env python3
"""The official clients of the Hub beside ours, against the test Hub (tests/hub/test_hub.py): they read
what we have published, we read what they have published, caches serve both, and either finishes the
interrupted downloads of the other.

    tools/check_official_clients.py QKSCOPE

QK_REFERENCE_PYTHON is a Python with huggingface_hub 1.4.1 and datasets 4.4.1 (default: this one).
The JavaScript client, @huggingface/hub 2.17.5, is installed by npm below .cache/. Without one of the
two its tests are skipped; without both the exit code is 77."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/hub"), str(ROOT / "tests/cli")]

import fixtures  # noqa: E402
from hub_case import HubCase, make_capture, published_files, start  # noqa: E402
from test_hub import TestHub  # noqa: E402

PYTHON = os.environ.get("QK_REFERENCE_PYTHON", sys.executable)
VERSIONS = {"huggingface_hub": "1.4.1", "datasets": "4.4.1"}
JS_FOLDER, JS_PACKAGE, JS_VERSION = ROOT / ".cache/hub_js", "@huggingface/hub", "2.17.5"


def python_fault():
    """Why there are no tests with Python; empty: there are."""
    code = "from importlib.metadata import version as v; import datasets, huggingface_hub; " \
           f"print(*(v(p) for p in {list(VERSIONS)}))"
    try:
        done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"QK_REFERENCE_PYTHON ({PYTHON}): {error}"
    if done.returncode != 0:
        return f"QK_REFERENCE_PYTHON ({PYTHON}): {done.stderr.strip().splitlines()[-1]}"
    if done.stdout.split() != list(VERSIONS.values()):
        return f"QK_REFERENCE_PYTHON ({PYTHON}) has {list(VERSIONS)} {done.stdout.strip()}, not " \
               f"{' '.join(VERSIONS.values())}"
    return ""


def js_fault():
    """Installs the JavaScript client if need be. Why there are no tests with it; empty: there are."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "there is no node, or no npm"
    package = JS_FOLDER / "node_modules" / JS_PACKAGE / "package.json"
    if not package.exists() or json.loads(package.read_text())["version"] != JS_VERSION:
        JS_FOLDER.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix",
             str(JS_FOLDER), f"{JS_PACKAGE}@{JS_VERSION}"],
            capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            return f"npm cannot install {JS_PACKAGE}: {done.stderr.strip().splitlines()[-1:]}"
    return ""


PYTHON_FAULT, JS_FAULT = python_fault(), js_fault()
READ = """
import json, sys, datasets
rows = datasets.load_dataset("org/qk", "l00h00q", revision=sys.argv[1], split="train")
print(json.dumps([rows.column_names, rows.num_rows, rows[0]["vector"], rows[-1]["position"]]))
"""
SNAPSHOT = """
import sys, huggingface_hub as h
print(h.snapshot_download(sys.argv[1], repo_type=sys.argv[2], revision=sys.argv[3]))
"""
UPLOAD = """
import sys, huggingface_hub as h
api = h.HfApi()
api.create_repo("org/qk", repo_type="dataset", exist_ok=True)
api.create_branch("org/qk", repo_type="dataset", branch=sys.argv[2], exist_ok=True)
api.upload_folder(repo_id="org/qk", repo_type="dataset", folder_path=sys.argv[1], revision=sys.argv[2],
                  ignore_patterns=[".qkscope/**"], delete_patterns=["*", "**/*"])
"""
SCAN = """
import huggingface_hub as h
info = h.scan_cache_dir()
print([str(w) for w in info.warnings], sorted(
    (r.repo_type, r.repo_id, sorted(r.refs), r.nb_files) for r in info.repos))
"""


def cache_tree(home):
    """{path: what is there} of a cache, without locks and the lists of files that only newer clients
    write."""
    out = {}
    for path in pathlib.Path(home, "hub").rglob("*"):
        name = path.relative_to(f"{home}/hub").as_posix()
        if name.startswith(".locks") or "/trees" in name:
            continue
        if path.is_symlink():
            out[name] = os.readlink(path)
        elif path.is_file():
            out[name] = path.read_bytes()
    return out


class Clients(HubCase):
    @classmethod
    def setUpClass(cls):
        cls.capture = make_capture(cls.enterClassContext(TestHub()).root)
        cls.files = published_files(cls.capture)

    def publish(self, branch="ours"):
        self.run_program("publish", self.capture, "--repo", "org/qk", "--branch", branch)

    def expect_folder(self, folder):
        there = {path: data for path, data in fixtures.files_of(folder).items()
                 if not path.startswith(".cache/") and path != ".gitattributes"}
        self.assertEqual(set(there), set(self.files))
        self.assertTrue(there == self.files)

    def large_model(self):
        """A model of 20 MB that comes slowly, and a configuration of a run with it."""
        fixtures.make_wide_model(f"{self.root}/model", hidden_size=256, intermediate_size=2048)
        fixtures.make_tokenizer(f"{self.root}/model")
        fixtures.make_corpus(f"{self.root}/corpus", lengths=[9])
        contents = fixtures.files_of(f"{self.root}/model")
        size = len(contents["model.safetensors"])
        self.hub.add_repo("model", "org/wide", contents)
        self.hub.fail("slow", on="GET /cdn/", times=float("inf"), rate=size / 2)
        text = fixtures.CONFIG.format(root=self.root)
        return size, fixtures.write(f"{self.root}/run.yaml", text.replace(
            f"name: {self.root}/model", "name: org/wide"))

    def sent(self):
        time.sleep(0.5)  # the test Hub notices that a client is gone
        return sum(entry.sent for entry in self.hub.seen("GET /cdn/"))


@unittest.skipIf(PYTHON_FAULT, PYTHON_FAULT)
class WithPython(Clients):
    def python(self, code, *arguments, **changes):
        done = subprocess.run([PYTHON, "-c", code, *arguments], capture_output=True, text=True,
                              env=self.hub.env(HF_HUB_DISABLE_PROGRESS_BARS=1, **changes),
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_reads_what_we_published(self):
        self.publish()
        self.publish("another/one")
        self.expect_folder(self.python(SNAPSHOT, "org/qk", "dataset", "ours").strip())
        for branch in ("ours", "another/one"):
            columns, rows, vector, _ = json.loads(self.python(READ, branch))
            self.assertEqual(columns[:4], ["bucket", "example_id", "position", "vector"])
            self.assertGreater(rows, 10)
            self.assertEqual(len(vector), 8)

    def test_we_read_what_it_published(self):
        self.python(UPLOAD, self.capture, "theirs")
        self.run_program("fetch", "org/qk@theirs", "--to", f"{self.root}/here")
        self.expect_folder(f"{self.root}/here")
        self.run_program("check", "org/qk@theirs")
        # What is there already is not sent again, and the branch is as we would have made it.
        self.hub.log.clear()
        self.run_program("publish", self.capture, "--repo", "org/qk", "--branch", "theirs")
        self.assertEqual(self.hub.seen("^PUT |/commit/theirs"), [])

    def test_it_leaves_alone_what_we_published(self):
        self.publish()
        self.hub.log.clear()
        self.python(UPLOAD, self.capture, "ours")
        self.assertEqual(self.hub.seen("^PUT |/commit/"), [])

    def test_our_cache_serves_it(self):
        self.publish()
        self.run_program("fetch", "org/qk@ours")
        folder = self.python(SNAPSHOT, "org/qk", "dataset", "ours", HF_HUB_OFFLINE=1).strip()
        self.expect_folder(folder)
        self.assertIn("[] [('dataset', 'org/qk', ['ours'],", self.python(SCAN))
        self.hub.log.clear()
        self.python(SNAPSHOT, "org/qk", "dataset", "ours")
        self.assertEqual(self.hub.seen("resolve|/cdn/"), [])

    def test_its_cache_serves_us(self):
        self.publish()
        self.python(SNAPSHOT, "org/qk", "dataset", "ours")
        self.run_program("fetch", "org/qk@ours", "--to", f"{self.root}/here", HF_HUB_OFFLINE=1)
        self.expect_folder(f"{self.root}/here")
        self.run_program("check", "org/qk@ours", HF_HUB_OFFLINE=1)
        self.hub.log.clear()
        self.run_program("fetch", "org/qk@ours")
        self.assertEqual(self.hub.seen("resolve|/cdn/"), [])

    def test_both_caches_are_the_same(self):
        self.publish()
        trees = []
        for name in ("ours", "theirs"):
            home = f"{self.root}/home-{name}"
            if name == "ours":
                self.run_program("fetch", "org/qk@ours", HF_HOME=home)
            else:
                self.python(SNAPSHOT, "org/qk", "dataset", "ours", HF_HOME=home)
            trees.append({k: v for k, v in cache_tree(home).items() if "gitattributes" not in k})
            blob = self.hub.repos[("dataset", "org/qk")].find("ours").files[".gitattributes"].blob_id
            trees[-1] = {k: v for k, v in trees[-1].items() if blob not in k}
        self.assertEqual(set(trees[0]), set(trees[1]))
        self.assertTrue(trees[0] == trees[1])

    def test_both_at_once(self):
        self.publish()
        self.hub.fail("slow", on="GET /cdn/", times=float("inf"), rate=20000)
        process = start(self.hub, "fetch", "org/qk@ours")
        folder = self.python(SNAPSHOT, "org/qk", "dataset", "ours").strip()
        stderr = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 0, stderr)
        self.expect_folder(folder)
        self.assertEqual([p for p in cache_tree(f"{self.root}/home") if "incomplete" in p], [])

    def test_we_finish_its_downloads(self):
        size, config = self.large_model()
        with subprocess.Popen([PYTHON, "-c", SNAPSHOT, "org/wide", "model", "main"],
                              env=self.hub.env(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            self.wait_for_bytes(size // 3)
            process.kill()
        self.run_program("sniff", "--config", config)
        self.assertLess(self.sent(), size * 1.4)

    def test_it_finishes_ours(self):
        size, config = self.large_model()
        process = start(self.hub, "sniff", "--config", config)
        self.wait_for_bytes(size // 3)
        process.kill()
        process.communicate()
        folder = self.python(SNAPSHOT, "org/wide", "model", "main").strip()
        with open(f"{folder}/model.safetensors", "rb") as file:
            self.assertEqual(len(file.read()), size)
        self.assertLess(self.sent(), size * 1.4)

    def wait_for_bytes(self, number):
        for _ in range(600):
            if sum(entry.sent for entry in self.hub.seen("GET /cdn/")) > number:
                return
            time.sleep(0.05)
        self.fail("no download within 30 s")


JS = """
import * as hub from "@huggingface/hub";
const [job, hubUrl, accessToken, cacheDir, revision] = process.argv.slice(2);
const repo = {type: "dataset", name: "org/qk"};
const common = {repo, hubUrl, accessToken, revision};
const out = {};
if (job === "read") {
  for await (const file of hub.listFiles({...common, recursive: true})) {
    if (file.type !== "file") continue;
    const blob = await hub.downloadFile({...common, path: file.path, xet: false});
    out[file.path] = Buffer.from(await blob.arrayBuffer()).toString("base64");
  }
} else if (job === "snapshot") {
  out.folder = await hub.snapshotDownload({...common, cacheDir});
}
console.log(JSON.stringify(out));
"""


@unittest.skipIf(JS_FAULT, JS_FAULT)
class WithJavaScript(Clients):
    def js(self, job, revision="ours"):
        script = fixtures.write(f"{JS_FOLDER}/check.mjs", JS)
        env = self.hub.env()
        done = subprocess.run(["node", script, job, self.hub.url, env["HF_TOKEN"],
                               f"{self.root}/home/hub", revision], capture_output=True, text=True,
                              env=env, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def test_reads_what_we_published(self):
        self.publish()
        files = self.js("read")
        self.assertEqual(set(files) - {".gitattributes"}, set(self.files))

        for path, data in self.files.items():
            self.assertTrue(base64.b64decode(files[path]) == data, path)

    def test_our_cache_serves_it(self):
        self.publish()
        self.run_program("fetch", "org/qk@ours")
        self.hub.log.clear()
        self.expect_folder(self.js("snapshot")["folder"])
        self.assertEqual(self.hub.seen("^GET /cdn/"), [])

    def test_its_cache_serves_us(self):
        self.publish()
        self.js("snapshot")
        self.hub.log.clear()
        self.run_program("fetch", "org/qk@ours", "--to", f"{self.root}/here")
        self.expect_folder(f"{self.root}/here")
        self.assertEqual(self.hub.seen("^GET /cdn/"), [])


if __name__ == "__main__":
    if PYTHON_FAULT and JS_FAULT:
        print(f"skipped: {PYTHON_FAULT}; {JS_FAULT}")
        sys.exit(77)
    unittest.main(verbosity=2)
