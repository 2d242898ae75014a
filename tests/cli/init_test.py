#!/usr/bin/env python3
"""`qkscope init`: what it writes is taken by `sniff --dry-run` as it stands, for every architecture and odd
corpora; the same inputs give the same file; what it says is what the plan says.

usage: init_test.py QKSCOPE"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import fixtures

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(f"{SOURCE}/tests/torch")

import checkpoints  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1))


def rows(*texts, **more):
    return "".join(json.dumps({"text": text, **{key: values[i] for key, values in more.items()}}) + "\n"
                   for i, text in enumerate(texts))


class Init(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.root = made.name
        fixtures.make_model(f"{self.root}/model")

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], cwd=self.root, capture_output=True, text=True,
                              timeout=300)

    def init(self, *arguments):
        """The text of the file, which `sniff --dry-run` takes; and what that prints."""
        done = self.run_program("init", *arguments, "--overwrite")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(f"{self.root}/run.yaml", encoding="utf-8") as file:
            text = file.read()
        plan = self.run_program("sniff", "run.yaml", "--dry-run")
        self.assertEqual(plan.returncode, 0, plan.stderr + text)
        return text, plan.stdout

    def refused(self, sentence, *arguments):
        done = self.run_program("init", *arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, f"qkscope: {sentence}\n")

    def value(self, text, key):
        return re.search(rf"^ +{key}: (.*)$", text, re.M)[1]

    def corpus(self, text, name="corpus.jsonl"):
        return os.path.basename(fixtures.write(f"{self.root}/{name}", text))

    def words(self, count, index=0):
        return fixtures.document(index, count)

    # --- models

    def test_every_architecture(self):
        corpus = self.corpus(rows(*(self.words(40 + 3 * i, i) for i in range(30))))
        for case in checkpoints.CASES:
            with self.subTest(case["name"]):
                folder = f"{self.root}/{case['name']}"
                checkpoints.write_checkpoint(folder, case)
                text, _ = self.init(case["name"], corpus)
                self.assertEqual(self.value(text, "data_root"), f"out/{case['name']}")

    def test_gguf(self):
        corpus = self.corpus(rows("a b", "c"))
        done = self.run_program("init", str(SOURCE / "tests/data/gguf/types.gguf"), corpus)
        self.assertIn(done.returncode, (0, 1))
        self.assertNotIn("check failed", done.stderr)

    def test_windows(self):
        corpus = self.corpus(rows(*(self.words(200, i) for i in range(25))))
        # All layers have one: they are captured, in buckets no wider than half of it.
        fixtures.make_model(f"{self.root}/narrow", model_type="mistral",
                            architectures=["MistralForCausalLM"], sliding_window=24)
        text, plan = self.init("narrow", corpus)
        self.assertEqual(self.value(text, "full_attention_only"), "false")
        self.assertEqual(self.value(text, "min_bucket_size"), "8")
        self.assertNotIn("wider than the window", plan)
        # Some have one: they are left out.
        for case in checkpoints.CASES:
            if case["name"] == "gemma3-defaults":
                checkpoints.write_checkpoint(f"{self.root}/mixed", case)
                windowed = case["config"]
        text, _ = self.init("mixed", corpus)
        kinds = windowed.get("layer_types") or []
        if "full_attention" in kinds:
            self.assertEqual(self.value(text, "full_attention_only"), "true")

    def test_many_heads(self):
        corpus = self.corpus(rows(*(self.words(60, i) for i in range(25))))
        fixtures.make_model(f"{self.root}/wide", num_hidden_layers=26, num_attention_heads=16,
                            num_key_value_heads=2)
        text, plan = self.init("wide", corpus)
        self.assertEqual(self.value(text, "head_sampling"), "{count: 300, seed: 0}")
        self.assertIn("300 query heads", plan)

    def test_the_context_is_not_exceeded(self):
        corpus = self.corpus(rows(*(self.words(900, i) for i in range(25))))
        done = self.run_program("init", "model", corpus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        text, plan = self.init("model", corpus)
        self.assertEqual(self.value(text, "max_length"), "512")  # max_position_embeddings
        self.assertIn("the model's longest context; 25 of 25 documents are longer", text)
        self.assertNotIn("warning", plan)

    # --- corpora

    def test_enough_of_everything(self):
        """40 documents of 400 tokens: no warning about rows, pairs or documents is left."""
        corpus = self.corpus(rows(*(self.words(400, i) for i in range(40))))
        text, plan = self.init("model", corpus)
        self.assertEqual(self.value(text, "type"), "uniform")
        self.assertEqual(self.value(text, "min_bucket_size"), "32")
        self.assertEqual(self.value(text, "max_length"), "384")
        self.assertEqual(self.value(text, "base_rate"), "4")
        self.assertNotIn("warning", plan)
        self.assertNotIn("Warning", text)

    def test_few_long_documents(self):
        lengths = [6] * 60 + [500] * 6
        text, _ = self.init("model", self.corpus(rows(*(self.words(n, i)
                                                       for i, n in enumerate(lengths)))))
        self.assertEqual(self.value(text, "max_length"), "6")
        text, _ = self.init("model", self.corpus(rows(*(self.words(n, i) for i, n in
                                                       enumerate([6] * 60 + [500] * 40)))))
        self.assertEqual(self.value(text, "type"), "log_uniform")
        self.assertEqual(self.value(text, "max_length"), "500")

    def test_odd_corpora(self):
        for name, text in {"one": rows("w1"), "short": rows("w1", "w2 w3", ""), "two": rows("w1 w2"),
                           "nothing": rows("", ""), "blank": rows(" ", "w1 w2 w3 w4"),
                           "strange": rows("\u0000", "\U0001f600" * 50)}.items():
            with self.subTest(name):
                self.init("model", self.corpus(text, f"{name}.jsonl"))

    def test_text_files(self):
        for i in range(3):
            self.corpus(self.words(50, i), f"texts/{i}.txt")
        for corpus in ("texts", "texts/*.txt", "texts/1.txt"):
            text, _ = self.init("model", corpus)
            self.assertEqual(self.value(text, "text_column"), "text")
            self.assertEqual(self.value(text, "id_column"), "null")

    def test_columns(self):
        """The column of the longest texts, and the usual names of ids."""
        lines = [json.dumps({"n": i, "question": "w1", "context": self.words(30, i), "doc_id": f"d{i}",
                             "id": [1]}) for i in range(9)]
        text, _ = self.init("model", self.corpus("\n".join(lines)))
        self.assertEqual(self.value(text, "text_column"), '"context"')
        self.assertEqual(self.value(text, "id_column"), "doc_id")
        text, _ = self.init("model", "corpus.jsonl", "--text-column", "question", "--id-column", "n")
        self.assertEqual(self.value(text, "text_column"), '"question"')
        self.assertEqual(self.value(text, "id_column"), '"n"')

    def test_parquet_columns(self):
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            self.skipTest("pyarrow is not installed")
        texts = [self.words(30, i) for i in range(9)]
        pq.write_table(pa.table({"title": ["w1"] * 9, "body": texts, "uuid": list("abcdefghi"),
                                 "parts": [[1]] * 9}), f"{self.root}/corpus.parquet")
        text, _ = self.init("model", "corpus.parquet")
        self.assertEqual(self.value(text, "text_column"), '"body"')
        self.assertEqual(self.value(text, "id_column"), '"uuid"')

    def test_a_large_corpus(self):
        """1,500 documents: the first 1,000."""
        texts = (self.words(100 + i % 7, i) for i in range(1500))
        text, plan = self.init("model", self.corpus(rows(*texts)))
        self.assertEqual(self.value(text, "max_samples"), "1000")
        self.assertIn("Lengths of 1,500 documents: 100 to 106 tokens", text)
        self.assertIn("in 1,000 documents", plan)

    def test_estimated_lengths(self):
        """Beyond 1 MiB a part is tokenised: the others are estimated, within a few tokens."""
        texts = (self.words(1000 + 50 * (i % 7), i) for i in range(900))
        text, _ = self.init("model", self.corpus(rows(*texts)))
        found = re.search(r"Lengths of 900 documents: ([\d,]+) to ([\d,]+) tokens, median ([\d,]+); "
                          r"(\d+) of", re.sub(r"\n# ?", " ", text))
        least, most, median, counted = (int(number.replace(",", "")) for number in found.groups())
        self.assertLess(abs(least - 1000), 20)
        self.assertLess(abs(most - 1300), 20)
        self.assertLess(abs(median - 1150), 20)
        self.assertLess(counted, 450)

    # --- the file

    def test_numbers_are_those_of_the_plan(self):
        corpus = self.corpus(rows(*(self.words(400, i) for i in range(40))))
        text, plan = self.init("model", corpus)
        head = re.sub(r"\n# ?", " ", text)
        tokens, count, size = re.search(r"40 documents of (?:about )?([\d,]+) tokens together, and "
                                        r"captures 12 query heads and 6 key heads: (?:about )?([\d,]+) "
                                        r"rows, (\S+ \S+) of vectors", head).groups()
        self.assertIn(f"{tokens} tokens in 40 documents", plan)
        self.assertIn(f"about {count} rows in all, {size} before compression", plan)

    def test_the_same_bytes(self):
        corpus = self.corpus(rows(*(self.words(100 + i, i) for i in range(30))))
        self.assertEqual(self.init("model", corpus), self.init("model", corpus))

    def test_names_that_need_quotes(self):
        name = "a: 'b' # \"c\"\u00e4 {d}"
        fixtures.make_model(f"{self.root}/{name}")
        corpus = self.corpus(rows(self.words(50)), f"{name}.jsonl")
        self.init(name, corpus, "--out", f"{name}/out")

    def test_names_with_line_breaks(self):
        """Of Unicode: YAML folds them, or ends a comment there."""
        name = "a\u2028b: 1\u0085c"
        fixtures.make_model(f"{self.root}/{name}")
        text, plan = self.init(name, self.corpus(rows(self.words(50)), f"{name}.jsonl"), "--out", f"{name}/out")
        self.assertNotRegex(text, "[\u0085\u2028]")
        self.assertEqual(self.value(text, "name"), r'"a\u2028b: 1\u0085c"')
        self.assertNotIn("\u0085", plan)

    def test_no_file_is_replaced(self):
        corpus = self.corpus(rows(self.words(50)))
        self.corpus("mine", "run.yaml")
        self.refused("init: run.yaml is there already: --overwrite replaces it, -o names another file",
                     "model", corpus)
        with open(f"{self.root}/run.yaml", encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        done = self.run_program("init", "model", corpus, "-o", "other.yaml")
        self.assertEqual((done.returncode, done.stderr), (0, done.stderr))
        self.assertIn("Next      qkscope sniff other.yaml --dry-run\n", done.stdout)

    def test_what_is_refused(self):
        corpus = self.corpus(rows("w1"))
        self.refused("init: no model was given: type `qkscope init MODEL CORPUS` (see qkscope init --help)")
        self.refused("init: no corpus was given: type `qkscope init MODEL CORPUS` (see qkscope init "
                     "--help)", "model")
        self.refused("dataset.text_column: expected a column of strings, found none among n",
                     "model", self.corpus('{"n": 1}\n', "numbers.jsonl"))
        self.refused(f"dataset.split: 'test' is not a split of {corpus}: it has train", "model", corpus,
                     "--split", "test")
        self.refused("init: nowhere/run.yaml: there is no folder nowhere", "no model", "no corpus", "-o",
                     "nowhere/run.yaml")
        self.assertFalse(os.path.exists(f"{self.root}/run.yaml"))


if __name__ == "__main__":
    unittest.main()
