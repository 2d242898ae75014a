#!/usr/bin/env python3
"""Bad documents, damaged numbers, damaged datasets and memory limits, as a user meets them.

usage: reliable_test.py QKSCOPE"""

import glob
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import fixtures
from fixtures import files_of

PROGRAM = os.path.abspath(sys.argv.pop(1))


class Reliable(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.config = fixtures.make_all(self.root)

    def tearDown(self):
        self.folder.cleanup()

    def program(self, *arguments, code=0):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done

    def sniff(self, out, *flags, sets=(), code=0):
        arguments = fixtures.sniff_arguments(self.config, f"{self.root}/{out}", *flags, sets=sets)
        return self.program("sniff", "--quiet", *arguments, code=code)

    def card_counts(self, out):
        with open(f"{self.root}/{out}/README.md") as file:
            section = file.read().split("## Documents")[1].split("##")[0]
        return {name: int(count) for name, count in re.findall(r"\| ([^|]+) \| (\d+) \|\n", section)}

    def ids_of(self, out):
        report = self.program("inspect", f"{self.root}/{out}", "--json")
        return json.loads(report.stdout)["heads"][0]["example_ids"]

    # Documents.

    def bad_corpus(self):
        good = fixtures.document(1, 40).encode()
        rows = [b'{"id": 1, "text": "' + good + b'"}', b'{"id": 2, "text": null}',
                b'{"id": 3, "text": "w1 \xff"}', b'{"id": 4, "text": ""}',
                b'{"id": 5, "text": "' + fixtures.document(2, 200).encode() + b'"}',
                b'{"id": 1, "text": "' + fixtures.document(3, 60).encode() + b'"}',
                b'{"id": 4294967297, "text": "' + fixtures.document(4, 30).encode() + b'"}',
                b'{"id": 8, "text": "' + b"w1 " * 900 + b'"}', b'{"id": 9, "text": 17}']
        fixtures.write(f"{self.root}/corpus/train.jsonl", b"\n".join(rows) + b"\n")

    def test_bad_documents_stop_the_run(self):
        self.bad_corpus()
        self.assertIn("train.jsonl line 2: column 'text': expected a string, found null",
                      self.sniff("out", code=1).stderr)

    def test_bad_documents_are_left_out_and_counted(self):
        self.bad_corpus()
        sets = ["dataset.on_bad_text=skip", "dataset.max_text_bytes=2000"]
        done = self.sniff("out", sets=sets)
        self.assertEqual(self.card_counts("out"), {
            "documents": 9, "truncated to max_length": 1, "without a token": 1,
            "with the id of an earlier one": 1, "skipped: no text": 2, "skipped: not UTF-8": 1,
            "skipped: too large": 1, "skipped: not finite": 0})
        for sentence in ("1 document without tokens: no rows", "2 documents skipped: no text",
                         "1 document skipped: not UTF-8",
                         "1 document skipped: more bytes than dataset.max_text_bytes",
                         "1 document with the id of an earlier one: example_id cannot distinguish "
                         "their rows, and analyze refuses a head in which a row occurs twice, as where "
                         "two of these documents begin alike"):
            self.assertIn(f"qkscope: warning: {sentence}\n", done.stderr)
        self.assertRegex(done.stdout, r"Captured [\d,]+ rows of \d+ heads from 5 documents ")
        self.assertEqual(self.ids_of("out"), 3)
        self.program("check", f"{self.root}/out")
        self.sniff("reference", sets=[*sets, "compat=reference"])
        self.assertEqual(self.card_counts("reference")["with the id of an earlier one"], 2)

    def test_text_that_is_too_large_stops_the_run(self):
        self.assertRegex(self.sniff("out", sets=["dataset.max_text_bytes=200"], code=1).stderr,
                         r"train.jsonl line 1: the text has \d+ bytes, dataset.max_text_bytes allows "
                         r"200; dataset.on_bad_text: skip leaves such documents out\n$")

    # Numbers.

    def break_weights(self):
        """w7's embedding is so large that its square overflows."""
        path = f"{self.root}/model/model.safetensors"
        with open(path, "rb") as file:
            data = bytearray(file.read())
        size = struct.unpack_from("<Q", data)[0]
        header = json.loads(bytes(data[8:8 + size]))
        at = 8 + size + header["model.embed_tokens.weight"]["data_offsets"][0] + 8 * 32 * 4
        struct.pack_into("<f", data, at, float("inf"))
        fixtures.write(path, bytes(data))
        texts = [" ".join(word if word != "w7" else "w8" for word in fixtures.document(i, 40).split())
                 for i in range(6)]
        texts[3] = "w1 w2 w3 w4 w7 " + texts[3]
        rows = [json.dumps({"id": 100 + i, "text": text}) for i, text in enumerate(texts)]
        fixtures.write(f"{self.root}/corpus/train.jsonl", "\n".join(rows) + "\n")
        return ["capture.sampler=all"]

    def test_vector_that_is_not_finite_stops_the_run(self):
        stderr = self.sniff("out", sets=self.break_weights(), code=1).stderr
        self.assertRegex(stderr, r"^qkscope: document 3 \(example_id 103\): layer 0, position 4: "
                                 r"expected finite (queries|keys), found NaN or infinity .*; "
                                 r"to leave such documents out, set capture.on_nonfinite to skip; the 3 whole "
                                 r"documents of the journal are kept")

    def test_document_with_such_a_vector_is_left_out(self):
        sets = [*self.break_weights(), "capture.on_nonfinite=skip"]
        done = self.sniff("out", sets=sets)
        self.assertIn("warning: document 3 (example_id 103): layer 0, position 4: ", done.stderr)
        self.assertEqual(self.card_counts("out")["skipped: not finite"], 1)
        self.assertEqual(self.ids_of("out"), 5)
        self.sniff("batch", sets=[*sets, "inference.batch_size=4"])
        self.assertTrue(files_of(f"{self.root}/out") == files_of(f"{self.root}/batch"))

    # Datasets.

    def test_check_of_a_whole_dataset(self):
        self.sniff("out")
        done = self.program("check", f"{self.root}/out")
        self.assertRegex(done.stdout, r"out: whole\n  read +[\d,]+ rows in 18 files.*\n"
                                      r"  digests +19 SHA-256 digests of the card\n"
                                      r"  counts +heads, rows and buckets of the card\n"
                                      r"  canaries +\d products of the card\n$")
        self.sniff("reference", sets=["compat=reference"])
        self.program("check", f"{self.root}/reference")

    def test_check_finds_any_change(self):
        self.sniff("out")
        names = sorted(files_of(f"{self.root}/out"))
        for i, name in enumerate(names):
            copy = f"{self.root}/copy"
            shutil.copytree(f"{self.root}/out", copy)
            if name == "README.md" or i % 3 == 0:
                os.remove(f"{copy}/{name}")
            else:
                with open(f"{copy}/{name}", "r+b") as file:
                    file.seek(i * 1237 % os.path.getsize(file.name))
                    byte = file.read(1)
                    file.seek(-1, os.SEEK_CUR)
                    file.write(bytes([byte[0] ^ 1]))
            with self.subTest(name):
                self.assertIn("NOT WHOLE", self.program("check", copy, code=1).stdout)
            shutil.rmtree(copy)

    def test_card_has_the_digests(self):
        self.sniff("out")
        files = files_of(f"{self.root}/out")
        for name, data in files.items():
            if name.endswith(".parquet"):
                self.assertRegex(files["README.md"].decode(),
                                 rf"\| {name} \| \d+ \| {len(data)} \| "
                                 rf"{hashlib.sha256(data).hexdigest()} \|")

    def test_inspect_counts_documents_of_buckets(self):
        self.sniff("out", sets=["capture.sampler=all"])
        text = self.program("inspect", f"{self.root}/out").stdout
        lengths = [min(n, 128) for n in (90, 5, 0, 41, 200, 17, 64)]
        for bucket in range(8):
            documents = sum(n > 16 * bucket for n in lengths)
            rows = sum(min(max(n - 16 * bucket, 0), 16) for n in lengths)
            self.assertRegex(text, rf"\n  {bucket} +{16 * bucket}-{16 * bucket + 15} +{documents} +{rows}\n")
        self.assertRegex(text, r"\n  0-2 +q +345 +8 +none +0-3\n  0-2 +k +345 +8 +none +0, 1\n")

    def test_check_of_an_unfinished_one(self):
        self.sniff("out")
        os.remove(f"{self.root}/out/README.md")
        self.assertIn("README.md: is missing: the dataset is not finished",
                      self.program("check", f"{self.root}/out", code=1).stdout)

    # The output folder.

    def counts_of(self, out):
        """How many of which bucket each head has, and from how many documents."""
        report = json.loads(self.program("inspect", f"{self.root}/{out}", "--json").stdout)
        return [(head["config"], head["bucket_counts"], head["example_ids"]) for head in report["heads"]]

    def test_dataset_inside_its_corpus(self):
        """What was captured before is none of the corpus."""
        texts = ["dataset.id_column=null", f"dataset.path={self.root}/texts"]
        for i in range(3):
            fixtures.write(f"{self.root}/texts/{i}.txt", fixtures.document(i, 40))
        self.sniff("outside", sets=texts)
        os.symlink(f"{self.root}/texts", f"{self.root}/link")
        for path, out in (("texts", "texts/out"), ("texts", "link/data"), ("link", "texts/test"),
                          ("texts/*", "texts"), ("texts", "texts")):
            sets = [*texts, f"dataset.path={self.root}/{path}"]
            self.sniff(out, sets=sets)
            self.assertIn("3 documents", self.sniff(out, "--overwrite", sets=sets).stdout, out)
            self.assertIn("is finished already", self.sniff(out, "--resume", sets=sets).stdout, out)
            self.assertEqual(self.counts_of(out), self.counts_of("outside"), out)
            for name in files_of(f"{self.root}/{out}"):
                if not name.endswith(".txt"):
                    os.remove(f"{self.root}/{out}/{name}")
            for folder in glob.glob(f"{self.root}/{out}/l??h???"):
                os.rmdir(folder)

    def test_corpus_of_parquet_beside_its_dataset(self):
        """In the folder `data`, which is also the default of data_root; compat: reference too."""
        shutil.copytree(f"{self.root}/corpus", f"{self.root}/repo/data")
        for compat in ("null", "reference"):
            sets = [f"dataset.path={self.root}/repo", f"compat={compat}"]
            self.sniff("repo/data", "--overwrite", sets=sets)
            self.assertIn("is finished already",
                          self.sniff("repo/data", "--resume", sets=sets).stdout)
        self.assertTrue(os.path.exists(f"{self.root}/repo/data/_saver_state.json"))

    def test_readme_of_the_users_is_kept(self):
        sentence = (f"{self.root}/out/README.md: is not the card of a dataset, and the run would replace "
                    "it with its card: move it or choose another folder")
        fixtures.write(f"{self.root}/out/README.md", "notes")
        for flags in ((), ("--overwrite",), ("--resume",), ("--shard", "1/2")):
            self.assertIn(sentence, self.sniff("out", *flags, code=1).stderr)
        os.remove(f"{self.root}/out/README.md")
        self.sniff("out")
        self.sniff("out", "--overwrite")
        fixtures.write(f"{self.root}/out/README.md", "notes")
        for flags in (("--overwrite",), ("--resume",)):
            self.assertIn(sentence, self.sniff("out", *flags, code=1).stderr)
        self.assertEqual(files_of(f"{self.root}/out")["README.md"], b"notes")
        fixtures.write(f"{self.root}/out/README.md", "- `captured_rows`: `45`\n")  # the original's
        self.sniff("out", "--overwrite")
        self.program("check", f"{self.root}/out")

    # Plans.

    def test_plan_counts_rows_of_buckets(self):
        texts = [f"--set=dataset.path={self.root}/texts", "--set=dataset.id_column=null"]
        for i in range(20):
            fixtures.write(f"{self.root}/texts/{i:02}.txt", fixtures.document(i, 128))
        plan = self.sniff("out", "--dry-run", *texts).stdout
        self.assertIn("lengths    2,560 tokens in 20 documents, 128 to 128 each\n", plan)
        self.assertIn("buckets    8, with the documents that reach them", plan)
        # 16 positions with probability 4/16: C(16, 2) / 16 pairs a document.
        self.assertRegex(plan, r"\n +0 +0-15 +20 +80 +150\n")
        self.assertRegex(plan, r"\n +7 +112-127 +20 +80 +150\n")
        self.assertNotIn("warning", plan)
        plan = self.sniff("out", "--dry-run", *texts, sets=["capture.sampler.base_rate=1"]).stdout
        self.assertIn("warning: buckets 0-7 have fewer than 32 rows of a head, too few for a "
                      "covariance of its own (min_queries): capture.sampler.base_rate 2 would do, or "
                      "1.6 times the documents", plan)
        plan = self.sniff("out", "--dry-run", *texts, sets=["capture.min_bucket_size=128"]).stdout
        self.assertIn("warning: all positions lie in one bucket", plan)
        done = self.sniff("one", *texts, sets=["capture.min_bucket_size=128"])
        self.assertIn("qkscope: warning: all positions lie in one bucket", done.stderr)
        plan = self.sniff("out", "--dry-run", *texts, sets=["dataset.max_samples=4"]).stdout
        self.assertIn("warning: buckets 0-7 are reached by fewer than 5 documents: error bars "
                      "there would be very wide, or missing", plan)
        plan = self.sniff("out", "--dry-run", *texts, sets=["capture.capture_keys=false"]).stdout
        self.assertIn("warning: capture.capture_keys is false: plasticity needs both", plan)

    def test_plan_of_a_large_corpus_is_estimated(self):
        rows = [f'{{"text": "{fixtures.document(i, 30000)}"}}\n' for i in range(120)]
        fixtures.write(f"{self.root}/large/train.jsonl", "".join(rows))
        sets = [f"dataset.path={self.root}/large", "dataset.id_column=null"]
        plan = self.sniff("out", "--dry-run", sets=[*sets, "dataset.split=train[:50%]"]).stdout
        self.assertNotIn("estimated", plan)
        self.assertRegex(plan, r"\n +7 +112-127 +60 +240 ")
        plan = self.sniff("out", "--dry-run", sets=[*sets, "dataset.split=train[:100%]"]).stdout
        self.assertRegex(plan, r"these are the first of 120 documents; the numbers below are estimated")
        self.assertRegex(plan, r"\n +7 +112-127 +120 +480 ")
        plan = self.sniff("out", "--dry-run", sets=sets).stdout
        self.assertIn("there are more documents; the numbers below are for these only", plan)

    def test_length_beyond_the_context_is_a_warning(self):
        for length, is_said in ((512, False), (513, True), (100000, True)):
            done = self.sniff("out", "--dry-run", sets=[f"tokenizer.max_length={length}"])
            self.assertEqual(f"warning: tokenizer.max_length: {length} tokens are more than the 512 "
                             "that the model is made for" in done.stderr, is_said)

    # Memory.

    def test_same_bytes_within_any_budget(self):
        self.sniff("out")
        expected = files_of(f"{self.root}/out")
        plan = self.sniff("other", "--dry-run", "--ram", "1TiB").stdout
        self.assertRegex(plan, r"fits in --ram 1\.1 TB")
        done = self.sniff("large", "--ram", "4GiB", "--threads", "1")
        self.assertRegex(done.stdout, r"\nMemory +[\d.]+ MB at the peak, at most [\d.]+ MB of it mapped")
        self.assertTrue(files_of(f"{self.root}/large") == expected)

    def test_streamed_weights_give_the_same_bytes(self):
        """A model of 78 MB, and a memory limit that it exceeds."""
        wide = {"hidden_size": 256, "intermediate_size": 8192, "num_hidden_layers": 3}
        fixtures.make_wide_model(f"{self.root}/wide", **wide)
        sets = [f"model.name={self.root}/wide", f"tokenizer.name={self.root}/model",
                "capture.head_sampling={count: 3, seed: 1}"]
        self.sniff("mapped", sets=sets)
        plan = self.sniff("plan", "--dry-run", "--ram", "1GiB", "--threads", "1", sets=sets).stdout
        mapped = re.search(r"memory +([\d.]+) MB at the peak: program ([\d.]+) MB", plan)
        need = int(float(mapped.group(1)) * 1e6)
        plan = self.sniff("plan", "--dry-run", "--ram", str(need - 20_000_000), "--threads", "1",
                          sets=sets).stdout
        self.assertIn("read layer by layer", plan)
        self.assertIn("fits in --ram", plan)
        self.sniff("streamed", "--ram", str(need - 20_000_000), "--threads", "1", sets=sets)
        self.assertTrue(files_of(f"{self.root}/mapped") == files_of(f"{self.root}/streamed"))

    def test_budget_that_is_too_small(self):
        sentence = (r"--ram: a document of 128 tokens needs \d+ MB \(.*\), writing the files \d+ MB: "
                    r"give --ram \d+MB")
        self.assertRegex(self.sniff("out", "--ram", "8MiB", code=1).stderr, sentence)
        self.assertFalse(os.path.exists(f"{self.root}/out"))
        plan = self.sniff("out", "--dry-run", "--ram", "8MiB", code=1).stdout
        self.assertIn("DOES NOT FIT in --ram 8.4 MB", plan)


if __name__ == "__main__":
    unittest.main(verbosity=1)
