"""How the program is run: configurations, exit codes, what is shown, and signals."""

import contextlib
import io
import json
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
import unittest
from unittest import mock

import fixtures
import qkscope
from qkscope import _progress

# Counts the signals it gets, and ends half a second after the first one.
COUNTING = """import os, signal, sys, time
seen = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: seen.append(number))
open(sys.argv[1], "w").write("ready")
until = time.monotonic() + 60
while not seen and time.monotonic() < until:
    time.sleep(0.01)
time.sleep(0.5)
open(sys.argv[1], "w").write(",".join(signal.Signals(number).name for number in seen))
sys.exit(75)
"""

# Says what a call raises.
CALLING = """import qkscope, sys
try:
    {call}
except BaseException as error:
    print(type(error).__name__, flush=True)
    raise
"""


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)


class Place(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)

    def fake(self, script, python=False):
        """A program of our own instead of qkscope."""
        path = pathlib.Path(f"{self.root}/fake")
        path.write_text(f"#!{sys.executable}\n{script}" if python else f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return mock.patch.dict(os.environ, QKSCOPE_PROGRAM=str(path))


class Configurations(Place):
    def setUp(self):
        super().setUp()
        self.file = fixtures.make_all(self.root)

    def config(self, ds):
        return ds.provenance["config"]

    def test_a_mapping_gives_the_bytes_of_the_file(self):
        mapping = {"dataset": {"path": pathlib.Path(f"{self.root}/corpus"), "id_column": "id"},
                   "model": {"name": f"{self.root}/model"}, "tokenizer": {"max_length": 128}, "inference": {},
                   "capture": {"sampler": {"type": "uniform", "base_rate": 4}, "min_bucket_size": 16},
                   "output": {"data_root": f"{self.root}/mapped"}}
        mapped = qkscope.sniff(mapping, quiet=True)
        self.assertEqual(mapped.path, pathlib.Path(f"{self.root}/mapped"))
        of_file = qkscope.sniff(self.file, quiet=True)
        files = fixtures.files_of(of_file.path)
        self.assertGreater(len(files), 18)
        self.assertEqual(fixtures.files_of(mapped.path).keys(), files.keys())
        for name, data in fixtures.files_of(mapped.path).items():
            self.assertEqual(data, files[name], name)

    def test_overrides_are_fields_and_options(self):
        odd = f"{self.root}/a: folder 'ü', \"b\""
        ds = qkscope.sniff(self.file, quiet=True, threads=1, ram="1GiB", output={"data_root": odd},
                           capture={"layers": [0, 2], "sampler": {"type": "all"}, "heads": None},
                           **{"dataset.max_samples": 2})
        self.assertEqual(str(ds.path), odd)
        self.assertEqual({head.layer for head in ds.heads}, {0, 2})
        self.assertEqual(self.config(ds)["capture"]["sampler"]["type"], "all")
        self.assertEqual(self.config(ds)["dataset"]["max_samples"], 2)
        again = qkscope.sniff(self.file, quiet=True, resume=True, output={"data_root": odd},
                              capture={"layers": [0, 2], "sampler": {"type": "all"}, "heads": None},
                              **{"dataset.max_samples": 2})
        self.assertEqual(again.path, ds.path)

    def test_what_is_wrong_is_one_sentence(self):
        with self.assertRaises(qkscope.UserError) as caught:
            qkscope.sniff(self.file, capture={"layer": [0]}, quiet=True)
        self.assertRegex(str(caught.exception), r"^--set capture\.layer=\[0\]: unknown key; did you mean ")
        self.assertEqual(caught.exception.exit_code, 1)
        with self.assertRaisesRegex(qkscope.UserError, "--thread: unknown option of sniff"):
            qkscope.sniff(self.file, thread=1)
        with self.assertRaisesRegex(TypeError, "capture: expected a mapping of fields, found 'all'"):
            qkscope.sniff(self.file, capture="all")
        with self.assertRaisesRegex(qkscope.UserError, "dry_run gives no dataset"):
            qkscope.sniff(self.file, dry_run=True)
        with self.assertRaisesRegex(qkscope.UserError, "^config: dataset.path: is required$"):
            qkscope.sniff({}, dry_run=False)
        with self.assertRaisesRegex(qkscope.UserError, "^config: model.dtyp: unknown key; did you mean") as caught:
            qkscope.sniff({"dataset": {"path": "x"}, "model": {"name": "m", "dtyp": "float32"}})
        self.assertNotIn(tempfile.gettempdir(), caught.exception.messages)
        with self.assertRaisesRegex(qkscope.UserError, "^sniff: printed no result$") as caught:
            qkscope.sniff(self.file, help=True)
        self.assertIn("--resume", caught.exception.output)
        with self.assertRaisesRegex(qkscope.UserError, "^report: expected an analysis, found none$"):
            qkscope.report([])

    def test_from_a_capture_to_a_page(self):
        ds = qkscope.sniff(self.file, quiet=True)
        with contextlib.chdir(self.root) if hasattr(contextlib, "chdir") else contextlib.nullcontext():
            analysis = qkscope.analyze(ds, "a <b>", min_queries=8, documents=["doc-0", "doc-4", "doc-6"],
                                       quiet=True)
            self.assertEqual(len(analysis.record["documents"]), 3)
            heads = analysis["heads"].to_pylist()
            self.assertEqual(len(heads), 12)
            self.assertEqual(heads[5]["q_head"], 1)
            with self.assertRaisesRegex(KeyError, "expected one of heads, buckets"):
                analysis["head"]
            page = qkscope.report(analysis, title="A page", quiet=True)
            self.assertEqual(page.path.read_bytes()[:9].lower(), b"<!doctype")
            self.assertIn('src="a%20%3Cb%3E/report.html"', page._repr_html_())
            self.assertIn('sandbox="allow-scripts allow-downloads"', page._repr_html_())
            self.assertNotIn("<b>", page._repr_html_())
            with self.assertRaisesRegex(qkscope.UserError, "exists already: --overwrite replaces it"):
                qkscope.report(analysis)
            qkscope.report([analysis, analysis], "two.html", names="one,two", quiet=True)
            self.assertTrue(os.path.exists("two.html"))
        self.assertNotIn("iframe", qkscope.Report("/elsewhere/page.html")._repr_html_())
        with self.assertRaisesRegex(qkscope.UserError, "^/nowhere: expected the folder of an analysis .*, found none$"):
            qkscope.Analysis("/nowhere")

    def test_damage_is_an_error_of_check_and_told_by_inspect(self):
        ds = qkscope.sniff(self.file, quiet=True)
        self.assertTrue(qkscope.inspect(ds)["whole"])
        os.remove(ds.path / "l01h01q/data.parquet")
        with self.assertRaisesRegex(qkscope.UserError, "NOT WHOLE$") as caught:
            qkscope.check(ds)
        self.assertIn("l01h01q", caught.exception.output)
        found = qkscope.inspect(ds)
        self.assertFalse(found["whole"])
        keys = ds.path / "l00h01k/data.parquet"
        keys.write_bytes(keys.read_bytes()[:-9])
        with self.assertRaisesRegex(qkscope.UserError, f"^{keys}: cannot be read: "):
            ds.keys(0, 1)
        with self.assertRaisesRegex(qkscope.UserError, f"^{keys}: cannot be read: "):
            next(ds.iter_batches(qkscope.Head(0, 1, "k")))
        self.assertIn("l01h01q", json.dumps(found["problems"]))
        with self.assertRaises(qkscope.UserError):
            qkscope.inspect(f"{self.root}/nowhere")


class ExitCodes(Place):
    def test_each_has_its_class(self):
        for script, kind, code in (("exit 1", qkscope.UserError, 1), ("exit 2", qkscope.BugError, 2),
                                   ("exit 75", qkscope.StoppedError, 75), ("exit 9", qkscope.Error, 9),
                                   ("kill -SEGV $$", qkscope.BugError, -11),
                                   ("kill -ABRT $$", qkscope.BugError, -6),
                                   ("kill -KILL $$", qkscope.Error, -9)):
            with self.fake(f"echo out; echo 'qkscope: warning: w' >&2; echo 'qkscope: a: b' >&2; {script}"):
                with self.assertRaises(qkscope.Error) as caught:
                    qkscope.run("x", quiet=True)
            error = caught.exception
            self.assertIs(type(error), kind, script)
            sentence = {
                -6: "crashed by signal 6 (SIGABRT): a bug in Qkscope; it said last: a: b",
                -9: "ended by signal 9 (SIGKILL); perhaps there was not enough memory",
                -11: "crashed by signal 11 (SIGSEGV): a bug in Qkscope; it said last: a: b",
            }.get(code, "a: b")
            self.assertEqual((str(error), error.exit_code, error.output), (sentence, code, "out\n"))
            self.assertEqual(error.messages, "qkscope: warning: w\nqkscope: a: b")
            again = pickle.loads(pickle.dumps(error))
            self.assertEqual((type(again), str(again), again.exit_code), (kind, sentence, code))

    def test_a_program_of_the_path(self):
        with self.fake("echo found"), mock.patch.dict(os.environ, PATH=self.root, QKSCOPE_PROGRAM="fake"):
            self.assertEqual(qkscope.run(), "found\n")

    def test_a_program_that_is_not_there(self):
        with mock.patch.dict(os.environ, QKSCOPE_PROGRAM="/nowhere/qkscope"):
            with self.assertRaisesRegex(qkscope.UserError, "^/nowhere/qkscope: cannot be started: No such"):
                qkscope.run("--version")
        with mock.patch.dict(os.environ):
            del os.environ["QKSCOPE_PROGRAM"]
            with self.assertRaisesRegex(qkscope.UserError, "install the wheel"):
                qkscope.run("--version")

    def test_success_without_a_result(self):
        """As of the ranks of a run but the first, and of an analysis without a head (compat: reference)."""
        with self.fake("exit 0"):
            with self.assertRaisesRegex(qkscope.UserError, "^sniff: printed no result") as caught:
                qkscope.sniff("run.yaml", quiet=True)
            self.assertEqual((caught.exception.exit_code, caught.exception.output), (0, ""))
        with self.fake("""echo '{"schema": 1, "record": null}'"""):
            with self.assertRaisesRegex(qkscope.UserError, "^analyze: printed no record$") as caught:
                qkscope.analyze("data", self.root, quiet=True)
        self.assertIn('"record": null', caught.exception.output)

    def test_much_of_both_streams(self):
        lines = 200_000
        with self.fake(f"seq {lines}; seq {lines} >&2; seq {lines}"):
            self.assertEqual(len(qkscope.run(quiet=True).split()), 2 * lines)


class Shown(Place):
    DRAWS = r"printf '\rone\033[K\rtwo\033[K\nqkscope: warning: w\n\rthree\033[K' >&2; printf '\r\033[Kqkscope: last\n' >&2"

    def test_plain_lines_go_to_stderr(self):
        with self.fake("echo 'capture 1' >&2; echo 'qkscope: warning: w' >&2; echo 'qkscope: note' >&2"):
            with contextlib.redirect_stderr(io.StringIO()) as shown:
                qkscope.run()
        self.assertEqual(shown.getvalue(), "capture 1\nqkscope: warning: w\nqkscope: note\n")

    def test_quietly_warnings_are_shown(self):
        with self.fake("echo 'capture 1' >&2; echo 'qkscope: warning: w' >&2; echo 'qkscope: note' >&2"):
            with contextlib.redirect_stderr(io.StringIO()) as shown:
                qkscope.run(quiet=True)
        self.assertEqual(shown.getvalue(), "qkscope: warning: w\n")

    def test_the_sentence_of_an_error_is_not_shown_twice(self):
        with self.fake("echo line >&2; echo 'qkscope: sentence' >&2; exit 1"):
            with contextlib.redirect_stderr(io.StringIO()) as shown:
                self.assertRaisesRegex(qkscope.UserError, "^sentence$", qkscope.run)
        self.assertEqual(shown.getvalue(), "line\n")

    def test_a_note_is_shown_while_the_program_runs(self):
        shown = f"{self.root}/shown"
        script = f"echo 'qkscope: waiting' >&2; until grep -q waiting {shown}; do sleep 0.05; done; echo ok"
        with self.fake(script), open(shown, "w") as file, contextlib.redirect_stderr(file):
            self.assertEqual(qkscope.run(), "ok\n")

    def test_a_terminal_is_redrawn(self):
        class Stream(io.StringIO):
            def isatty(self):
                return True

        with self.fake(f"[ -t 2 ] || exit 3; {self.DRAWS}; exit 1"):
            with contextlib.redirect_stderr(Stream()) as shown:
                self.assertRaisesRegex(qkscope.UserError, "^last$", qkscope.run)
        end = shown.getvalue()[shown.getvalue().index("\rtwo"):].replace("\x1b[K", "")
        self.assertTrue(end.startswith("\rtwo\n\rqkscope: warning: w\n"), end)
        self.assertNotIn("last", end)

    def test_a_notebook_is_redrawn(self):
        drawn = []

        class DisplayHandle:
            def display(self, data, raw):
                drawn.append(["new", data["text/plain"]])

            def update(self, data, raw):
                drawn.append(data["text/plain"])

        kernel = types.SimpleNamespace(kernel=None)
        modules = {"IPython": types.SimpleNamespace(get_ipython=lambda: kernel),
                   "IPython.display": types.SimpleNamespace(DisplayHandle=DisplayHandle)}
        with mock.patch.dict(sys.modules, modules), self.fake(f"{self.DRAWS}; exit 0"):
            with contextlib.redirect_stderr(io.StringIO()) as shown:
                qkscope.run()
        self.assertEqual(shown.getvalue(), "qkscope: warning: w\nqkscope: last\n")
        self.assertEqual(drawn[0][0], "new")
        self.assertIn("two", [drawn[0][1], *drawn[1:]])

    def test_any_cut_of_the_stream_gives_the_same(self):
        data = b"\rone\x1b[K\rt\xc3\xbc\x1b[K\nqkscope: warning: w\n\rx\x1b[K\r\x1b[Kqkscope: a\nqkscope: b"
        for size in (1, 2, 3, 5, len(data)):
            messages = _progress.Messages(_progress.Quiet())
            for at in range(0, len(data), size):
                messages.feed(data[at:at + size])
            messages.feed(b"", is_last=True)
            self.assertEqual(messages.sentence, "b", size)
            self.assertEqual(messages.lines, ["qkscope: warning: w", "qkscope: a", "qkscope: b"], size)


class Signals(Place):
    def call(self, call, **options):
        return subprocess.Popen([sys.executable, "-c", CALLING.format(call=call)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **options)

    def signalled(self, number, to_group=False):
        """What the program got, what was raised and how the process ended."""
        file = pathlib.Path(f"{self.root}/seen")
        file.unlink(missing_ok=True)
        with self.fake(COUNTING, python=True):
            process = self.call(f"qkscope.run({str(file)!r})", start_new_session=True)
            wait_for(file.exists)
            (os.killpg if to_group else os.kill)(process.pid, number)
            out, _ = process.communicate(timeout=60)
        return file.read_text(), out.strip(), process.returncode

    def test_an_interrupt_comes_once(self):
        self.assertEqual(self.signalled(signal.SIGINT), ("SIGINT", "KeyboardInterrupt", -signal.SIGINT))

    def test_an_interrupt_of_the_whole_terminal_comes_once(self):
        self.assertEqual(self.signalled(signal.SIGINT, to_group=True),
                         ("SIGINT", "KeyboardInterrupt", -signal.SIGINT))

    def test_the_end_of_a_job_is_passed_on(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            seen, _, code = self.signalled(number)
            self.assertEqual((seen, code), (number.name, -number))

    def test_a_second_interrupt_is_passed_on(self):
        file = pathlib.Path(f"{self.root}/seen")
        with self.fake(f"trap 'echo one >{file}; trap \"echo two >{file}; exit 75\" INT' INT; echo ready >{file}; "
                       "while true; do sleep 0.01; done"):
            process = self.call("qkscope.run()", start_new_session=True)
            for said in ("ready", "one"):
                wait_for(lambda said=said: file.exists() and file.read_text() == f"{said}\n")
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        self.assertEqual(file.read_text(), "two\n")

    def test_an_interrupt_while_the_program_is_started(self):
        """It stops the program; without the delay it would come in the first milliseconds."""
        file = pathlib.Path(f"{self.root}/seen")
        call = (f"import signal, time; from qkscope import _run; start = _run.subprocess.Popen; wait = {str(file)!r}\n"
                "    def late(*words, **options):\n"
                "        process = start(*words, **options)\n"
                "        while not __import__('os').path.exists(wait): time.sleep(0.01)\n"
                "        signal.raise_signal(signal.{number})\n"
                "        return process\n"
                "    _run.subprocess.Popen = late\n"
                "    qkscope.run(wait)")
        for number in (signal.SIGINT, signal.SIGTERM):
            file.unlink(missing_ok=True)
            with self.fake(COUNTING, python=True):
                process = self.call(call.format(number=number.name))
                process.communicate(timeout=60)
            self.assertEqual((file.read_text(), process.returncode), (number.name, -number))

    def test_a_signal_is_kept_where_the_program_cannot_be_started(self):
        call = ("import signal; from qkscope import _run\n"
                "    def late(*words, **options):\n"
                "        signal.raise_signal(signal.SIGTERM)\n"
                "        raise FileNotFoundError(2, 'none')\n"
                "    _run.subprocess.Popen = late\n"
                "    qkscope.run()")
        process = self.call(call)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGTERM)

    def test_the_end_of_a_job_leaves_no_configuration(self):
        seen, place = pathlib.Path(f"{self.root}/seen"), pathlib.Path(f"{self.root}/tmp")
        place.mkdir()
        with self.fake(f'exec "{sys.executable}" -c \'{COUNTING}\' "{seen}"'):
            process = self.call("qkscope.sniff({})", env={**os.environ, "TMPDIR": str(place)})
            wait_for(seen.exists)
            self.assertEqual(len(list(place.iterdir())), 1)
            process.terminate()
            process.communicate(timeout=60)
        self.assertEqual((process.returncode, list(place.iterdir())), (-signal.SIGTERM, []))

    def test_handlers_are_those_of_before(self):
        with self.fake("exit 0"):
            qkscope.run()
        self.assertEqual([signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)], [signal.SIG_DFL] * 2)

    def test_an_interrupted_capture_goes_on(self):
        config = fixtures.make_all(self.root)
        fixtures.make_corpus(f"{self.root}/corpus", lengths=[120] * 600)
        whole = fixtures.files_of(
            qkscope.sniff(config, output={"data_root": f"{self.root}/whole"}, quiet=True).path)
        self.assertGreater(len(whole), 18)
        journal = pathlib.Path(f"{self.root}/out/.qkscope/journal")
        process = self.call(f"qkscope.sniff({config!r}, threads=1)")
        wait_for(lambda: journal.exists() and journal.stat().st_size > 100_000)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((out, process.returncode), ("KeyboardInterrupt\n", -signal.SIGINT), err)
        self.assertIn("use --resume to continue", err)
        self.assertTrue(journal.exists())
        self.assertFalse(os.path.exists(f"{self.root}/out/README.md"))
        resumed = fixtures.files_of(qkscope.sniff(config, resume=True, quiet=True).path)
        self.assertEqual(resumed.keys(), whole.keys())
        self.assertTrue(all(resumed[name] == whole[name] for name in whole))

    def long_capture(self, call):
        """A process that makes a call with a capture of some seconds: it, the journal, the pid of the program."""
        config = fixtures.make_all(self.root)
        fixtures.make_corpus(f"{self.root}/corpus", lengths=[120] * 600)
        journal = pathlib.Path(f"{self.root}/out/.qkscope/journal")
        process = self.call(call.format(config=config), start_new_session=True)
        wait_for(lambda: journal.exists() and journal.stat().st_size > 100_000)
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
            children = file.read().split()
        for task in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{task}/children") as file:
                children += file.read().split()
        return process, journal, int(children[0])

    def assert_stopped(self, pid, journal):
        wait_for(lambda: not os.path.exists(f"/proc/{pid}") or pathlib.Path(f"/proc/{pid}/stat").read_text()
                 .rpartition(")")[2].split()[0] == "Z")
        self.assertTrue(journal.exists())
        self.assertFalse(os.path.exists(f"{self.root}/out/README.md"))

    def test_a_process_that_is_killed_leaves_no_capture(self):
        process, journal, pid = self.long_capture("qkscope.sniff({config!r}, threads=1, quiet=True)")
        process.kill()
        process.communicate(timeout=60)
        self.assert_stopped(pid, journal)

    def test_an_interrupt_of_the_terminal_while_another_thread_captures(self):
        process, journal, pid = self.long_capture(
            "import concurrent.futures as f; f.ThreadPoolExecutor().submit("
            "lambda: qkscope.sniff({config!r}, threads=1)).result()")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((out, process.returncode), ("KeyboardInterrupt\n", -signal.SIGINT), err)
        self.assertIn("finishing the work in progress", err)
        self.assert_stopped(pid, journal)


class Commands(Place):
    def become(self, function, *words):
        code = f"import sys; sys.argv = ['x', *{list(words)!r}]; from qkscope._command import {function} as f; f()"
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)

    def test_the_commands_become_the_program(self):
        for function, words in (("qkscope", "a b"), ("sniff_qk", "sniff a b")):
            with self.fake('echo "$$ $*"; exit 7'):
                process = self.become(function, "a", "b")
                self.assertEqual(process.communicate(timeout=60)[0], f"{process.pid} {words}\n")
            self.assertEqual(process.returncode, 7)


if __name__ == "__main__":
    unittest.main()
