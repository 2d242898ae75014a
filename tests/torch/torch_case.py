"""What the tests of the torch backend share: the program with the plugin of this build, captures on
devices, and their vectors.

Every test is started with QKSCOPE PLUGIN [...]. A build without a plugin gives `none`: then the test is
skipped. Vectors are read with pyarrow; the one in .deps serves."""

import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [f"{SOURCE}/tests/cli", f"{SOURCE}/tools", f"{SOURCE}/.deps/pyarrow"]

import fixture_models  # noqa: E402, F401
import fixtures  # noqa: E402

MARK = b"qkscope torch plugin for torch="
CPU, TORCH = "cpu", "torch:cpu"
# A window of fewer tokens than most documents of fixtures.make_corpus have.
WINDOWED = {"model_type": "ministral", "architectures": ["MinistralForCausalLM"], "head_dim": 8,
            "sliding_window": 24,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def take_arguments():
    """Takes QKSCOPE and PLUGIN from the command line."""
    program, plugin = sys.argv.pop(1), sys.argv.pop(1)
    if plugin == "none":
        skip("this build has no torch plugin (QK_TORCH is not set)")
    return os.path.abspath(program), os.path.abspath(plugin)


try:
    import pyarrow.parquet as pq
except ImportError:
    skip("there is no pyarrow")
PROGRAM, PLUGIN = take_arguments()


def built_for(plugin):
    """The release of torch that a plugin is for, and that torch's folder."""
    with open(plugin, "rb") as file:
        data = file.read()
    begin = data.index(MARK) + len(MARK)
    release, _, folder = data[begin : data.index(b"\0", begin)].decode().partition("\n")
    return release, folder


def environment(**variables):
    """Of the program. Threads of OpenMP that wait give way to the tests beside this one."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "QKSCOPE_TORCH_PLUGIN": PLUGIN,
            "OMP_WAIT_POLICY": "passive", **variables}


def run_program(*arguments, code=0, timeout=300, **variables):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=timeout,
                          env=environment(**variables), check=False)
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr}{done.stdout}"
    return done


def read_heads(folder):
    """{head: {column: values}} of a dataset."""
    return {os.path.basename(os.path.dirname(path)): pq.read_table(path).to_pydict()
            for path in sorted(glob.glob(f"{folder}/l*/data.parquet"))}


def vector_columns(columns):
    return [name for name in columns if name.startswith("vector")]


def flat(vectors):
    return [value for vector in vectors for value in vector]


def vector_error(expected, found):
    """The largest difference, as a part of the largest expected value."""
    wanted, got = flat(expected), flat(found)
    return max(abs(a - b) for a, b in zip(wanted, got)) / max(map(abs, wanted))


class TorchCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = os.path.realpath(cls.folder.name)
        cls.config = fixtures.make_all(cls.root)
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def make_windowed_model(self):
        return fixtures.make_model(f"{self.root}/windowed", **WINDOWED)

    def new_out(self):
        type(self).number += 1
        return f"{self.root}/out{self.number}"

    def command(self, out, *flags, device=TORCH, dtype="float32", sets=()):
        return ["sniff", "--quiet", "--device", device,
                *fixtures.sniff_arguments(self.config, out, *flags,
                                          sets=(f"model.dtype={dtype}", *sets))]

    def sniff(self, *flags, code=0, out=None, variables=None, **options):
        """Captures into a folder, which is returned; with another exit code, what was said."""
        out = out or self.new_out()
        done = run_program(*self.command(out, *flags, **options), code=code, **(variables or {}))
        return done.stderr if code else out

    def plan(self, *flags, **options):
        words = [word for word in self.command(self.new_out(), *flags, "--dry-run", **options)
                 if word != "--quiet"]
        return run_program(*words).stdout

    def provenance(self, out):
        report = json.loads(run_program("inspect", out, "--json").stdout)
        return report["footer"]["qkscope.provenance"]

    def assert_same_files(self, expected, found):
        left, right = fixtures.files_of(expected), fixtures.files_of(found)
        self.assertEqual(sorted(left), sorted(right))
        for name, data in left.items():
            self.assertTrue(data == right[name], f"{name} differs")

    def assert_close(self, expected, found, tolerance=1e-5):
        """The same files, rows and columns, and vectors within a part of the file's largest value."""
        left, right = read_heads(expected), read_heads(found)
        self.assertTrue(left)
        self.assertEqual(sorted(left), sorted(right))
        for head, columns in left.items():
            self.assertEqual(sorted(columns), sorted(right[head]), head)
            vectors = vector_columns(columns)
            for name, values in columns.items():
                if name not in vectors:
                    self.assertEqual(values, right[head][name], f"{head} {name}")
                elif values:
                    self.assertLessEqual(vector_error(values, right[head][name]), tolerance,
                                         f"{head} {name}")

    def assert_rows_within(self, few, many):
        """Every row of `few` is in `many`, with the same bits."""
        left, right = read_heads(few), read_heads(many)
        self.assertTrue(left)
        for head, columns in left.items():
            place = {key: row for row, key in enumerate(zip(right[head]["example_id"],
                                                            right[head]["position"]))}
            self.assertTrue(columns["position"], head)
            rows = [place[key] for key in zip(columns["example_id"], columns["position"])]
            for name in vector_columns(columns):
                self.assertEqual(columns[name], [right[head][name][row] for row in rows],
                                 f"{head} {name}")
