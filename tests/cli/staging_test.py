#!/usr/bin/env python3
"""--stage: weights read once into memory or onto a disk, as a user meets it.

usage: staging_test.py QKSCOPE"""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import fixtures
from fixtures import files_of

PROGRAM = os.path.abspath(sys.argv.pop(1))
STOPPED = 75
HOLE = 1 << 29
# Less than a wide model and the program take, so that weights are streamed.
SANITIZER = os.environ.get("QK_SANITIZED")
RAM = 450 if SANITIZER else 200
GGUF = os.path.join(os.path.dirname(__file__),
                    "../data/edges/capture/gguf-factor-without-type/control.gguf")


def make_hollow_model(folder, num_bytes, **changes):
    """A model of so many bytes, of which the disk holds only the header: the rest is one hole."""
    config = fixtures.model_config(**changes)
    shapes = fixtures.tensor_shapes(config)
    config["vocab_size"] = num_bytes // (4 * config["hidden_size"])
    shapes["model.embed_tokens.weight"][0] = config["vocab_size"]
    header, at = {}, 0
    for name, shape in sorted(shapes.items()):
        size = 4
        for n in shape:
            size *= n
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    fixtures.write(f"{folder}/config.json", json.dumps(config))
    path = fixtures.write(f"{folder}/model.safetensors", struct.pack("<Q", len(text)) + text)
    os.truncate(path, 8 + len(text) + at)
    fixtures.make_tokenizer(folder)
    return path


def split_into_shards(folder):
    """The same weights in two files with an index."""
    with open(f"{folder}/model.safetensors", "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    weights = data[8 + length:]
    weight_map = {}
    for shard in range(2):
        name = f"model-0000{shard + 1}-of-00002.safetensors"
        part, body = {}, b""
        for tensor in sorted(header)[shard::2]:
            begin, end = header[tensor]["data_offsets"]
            part[tensor] = {**header[tensor], "data_offsets": [len(body), len(body) + end - begin]}
            body += weights[begin:end]
            weight_map[tensor] = name
        text = json.dumps(part).encode()
        fixtures.write(f"{folder}/{name}", struct.pack("<Q", len(text)) + text + body)
    fixtures.write(f"{folder}/model.safetensors.index.json", json.dumps({"weight_map": weight_map}))
    os.remove(f"{folder}/model.safetensors")


class Staging(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = self.folder.name
        self.config = fixtures.make_all(self.root)
        self.scratch = f"{self.root}/scratch"
        os.makedirs(self.scratch)

    def arguments(self, out, *flags, sets=()):
        return [PROGRAM, "sniff", "--threads", "2",
                *fixtures.sniff_arguments(self.config, f"{self.root}/{out}", *flags, sets=sets)]

    def sniff(self, out, *flags, sets=(), code=0):
        done = subprocess.run(self.arguments(out, "--quiet", *flags, sets=sets),
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done

    def refused(self, *flags, sets=()):
        """The one sentence of a run that has not begun."""
        stderr = self.sniff("out", *flags, sets=sets, code=1).stderr
        self.assertEqual(len(stderr.splitlines()), 1, stderr)
        self.assertFalse(os.path.exists(f"{self.root}/out"))
        return stderr.strip()

    def expect_equal_bytes(self, sets=()):
        self.sniff("plain", "--stage", "off", sets=sets)
        expected = files_of(f"{self.root}/plain")
        self.assertGreater(len(expected), 4)
        for number, (stage, words) in enumerate((("auto", ""), ("ram", "in memory"),
                                                 (self.scratch, f"in {self.scratch}"))):
            done = self.sniff(f"staged{number}", "--stage", stage, sets=sets)
            self.assertEqual(files_of(f"{self.root}/staged{number}"), expected, stage)
            self.assertEqual("staged" in done.stdout.replace("/staged", ""), bool(words), done.stdout)
            self.assertIn(f"staged {words} in " if words else "", done.stdout)
            self.assertEqual(os.listdir(self.scratch), [])

    # The same bytes.

    def test_the_dataset_is_the_same(self):
        self.expect_equal_bytes()

    def test_of_shards(self):
        split_into_shards(f"{self.root}/model")
        self.expect_equal_bytes()

    def test_of_a_gguf_file(self):
        self.expect_equal_bytes(sets=[f"model.name={GGUF}", f"tokenizer.name={self.root}/model"])

    def test_streamed_weights(self):
        shutil.rmtree(f"{self.root}/model")
        fixtures.make_wide_model(f"{self.root}/model", hidden_size=512, intermediate_size=8192,
                                 num_hidden_layers=6)
        fixtures.make_tokenizer(f"{self.root}/model")
        self.sniff("plain", "--stage", "off")
        done = self.sniff("staged", "--ram", f"{RAM}MB", "--stage", self.scratch)
        self.assertIn(f"staged in {self.scratch}", done.stdout)
        self.assertEqual(files_of(f"{self.root}/staged"), files_of(f"{self.root}/plain"))
        self.assertRegex(self.refused("--ram", f"{RAM}MB", "--stage", "ram"),
                         rf"--stage ram: .* where {RAM}.0 MB may be used \(--ram\)")

    def test_the_plan_says_so(self):
        plan = self.sniff("out", "--dry-run", "--stage", "ram").stdout
        self.assertIn("  staging    weights are read once, and kept in memory (by --stage)\n", plan)
        self.assertNotIn("staging", self.sniff("out", "--dry-run").stdout)

    # Interruptions. A hole of HOLE bytes takes half a second to read.

    def start_hollow(self, *flags):
        self.weights = make_hollow_model(f"{self.root}/model", HOLE)
        run = subprocess.Popen(self.arguments("out", "--quiet", *flags), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run

    def staged_links(self, pid):
        """What the process has open of staged weights."""
        out = []
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                link = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:
                continue
            if "memfd:qkscope-weights" in link or link.startswith(self.scratch):
                out.append(link)
        return out

    def read_by(self, pid):
        with open(f"/proc/{pid}/io") as file:
            return int(file.readline().split()[1])

    def pause_in_the_middle(self, run):
        deadline = time.monotonic() + 60
        while not self.staged_links(run.pid) or self.read_by(run.pid) < 64 << 20:
            self.assertIsNone(run.poll(), "ended before it staged")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.002)
        os.kill(run.pid, signal.SIGSTOP)
        self.assertLess(self.read_by(run.pid), HOLE, "staged too fast for this test")

    def test_kill_leaves_nothing(self):
        shared = set(os.listdir("/dev/shm"))
        for stage in ("ram", self.scratch):
            run = self.start_hollow("--resume", "--stage", stage)
            self.pause_in_the_middle(run)
            run.kill()
            run.wait()
            self.assertEqual(os.listdir(self.scratch), [])
            self.assertEqual([name for name in set(os.listdir("/dev/shm")) - shared
                              if "qk" in name], [])
        fixtures.make_model(f"{self.root}/model")
        self.sniff("out", "--resume", "--stage", self.scratch)
        self.sniff("plain", "--stage", "off")
        self.assertEqual(files_of(f"{self.root}/out"), files_of(f"{self.root}/plain"))

    def test_a_signal_stops_it(self):
        run = self.start_hollow("--stage", self.scratch)
        self.pause_in_the_middle(run)
        run.send_signal(signal.SIGTERM)
        os.kill(run.pid, signal.SIGCONT)
        stderr = run.communicate(timeout=60)[1]
        self.assertEqual(run.returncode, STOPPED, stderr)
        self.assertIn("stopped before the first document", stderr)
        self.assertEqual(os.listdir(self.scratch), [])

    def test_weights_that_change(self):
        for change in (lambda: os.utime(self.weights),
                       lambda: os.truncate(self.weights, HOLE - 4096),
                       lambda: os.replace(shutil.copy(f"{self.root}/model/config.json",
                                                      f"{self.root}/other"), self.weights)):
            run = self.start_hollow("--stage", self.scratch)
            self.pause_in_the_middle(run)
            change()
            os.kill(run.pid, signal.SIGCONT)
            stdout, stderr = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 1, stdout + stderr)
            self.assertIn(f"{self.weights}: changed while it was read: ", stderr)
            self.assertEqual(os.listdir(self.scratch), [])
            self.assertFalse(os.path.exists(f"{self.root}/out/README.md"))
            shutil.rmtree(f"{self.root}/out", ignore_errors=True)

    def test_the_original_is_not_read_again(self):
        fixtures.make_corpus(f"{self.root}/corpus", lengths=[60, 5, 90, 33] * 100)
        self.sniff("plain", "--stage", "off")
        run = subprocess.Popen(self.arguments("out", "--quiet", "--stage", "ram"),
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        journal = f"{self.root}/out/.qkscope/journal"
        while run.poll() is None and not (os.path.exists(journal) and os.path.getsize(journal)):
            time.sleep(0.002)
        os.truncate(f"{self.root}/model/model.safetensors", 0)
        stderr = run.communicate(timeout=300)[1]
        self.assertEqual(run.returncode, 0, stderr)
        self.assertEqual(files_of(f"{self.root}/out"), files_of(f"{self.root}/plain"))

    # Refusals, before anything is written.

    def test_no_room(self):
        size = 1 << (38 if SANITIZER == "thread" else 42)  # with ThreadSanitizer a terabyte cannot always be mapped
        if size < shutil.disk_usage(self.scratch).free:
            self.skipTest("there is room for 275 GB")
        make_hollow_model(f"{self.root}/model", size, hidden_size=4096)
        weights = f"the weights take {275 if SANITIZER == 'thread' else 4398}\\.. GB"
        self.assertRegex(
            self.refused("--stage", "ram"),
            rf"^qkscope: --stage ram: {weights} of memory and the run .* beside "
            r"them, where .* are free: give --stage a folder on a disk of this machine, or off$")
        self.assertRegex(
            self.refused("--stage", self.scratch),
            rf"^qkscope: --stage: {self.scratch}: {weights}, and .* are free there")

    def test_folders_that_will_not_do(self):
        none = f"{self.root}/none"
        self.assertEqual(self.refused("--stage", none),
                         f"qkscope: --stage: {none}: No such file or directory")
        self.assertEqual(self.refused("--stage", self.config),
                         f"qkscope: --stage: {self.config}: is not a folder")
        self.assertEqual(self.refused("--stage", ""),
                         "qkscope: --stage: expected auto, off, ram or a folder, found nothing")

    @unittest.skipIf(os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"),
                     "root may write everywhere, and there is no setpriv")
    def test_a_folder_that_cannot_be_written_to(self):
        os.chmod(self.scratch, 0o555)
        command = self.arguments("out", "--quiet", "--stage", self.scratch)
        if os.geteuid() == 0:  # without the right to write everywhere
            command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr, f"qkscope: --stage: {self.scratch}: cannot be written to: "
                                      "Permission denied\n")


if __name__ == "__main__":
    unittest.main()
