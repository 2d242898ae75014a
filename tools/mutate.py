#!/usr/bin/env python3
"""Mutation testing: changes one token or statement of a source file at a time and reports whether
the unit tests notice.

usage: mutate.py [options] FOLDER...      all sources of src/FOLDER/
       mutate.py [options] NAME=GLOB,...  sources by pattern, reported under NAME
       mutate.py [options] --replay LOG   the mutants of an earlier log, wherever the lines are now

The source tree is never changed: a mutant is compiled from a copy, and the test programs are linked
with its object in place of the original. The originals are built in build/mutants, with the flags
of the release preset but without unity builds, so that a file has an object of its own.
Outcomes, one JSON line each in the log:
  killed        a test failed or crashed (killed_by names it)
  timeout       a test program ran longer than ten seconds plus five times its usual time
  survived      every test passed
  equivalent    the compiler makes the same object code of it
  invalid       it does not compile or link
  gone          (--replay) its line no longer exists
An interrupted run continues when it is given the same log."""

import argparse
import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from check_layers import declared_dependencies, reachable
from mutation_sites import Mutant, draw, place

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/mutants"


def run(command, cwd, timeout, limited=False):
    """(exit code or None after the timeout, output) of a command in a process group of its own."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        process = subprocess.Popen(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT,
                                   start_new_session=True, preexec_fn=limit if limited else None)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(0)
        return code, out.read()


class Build:
    """Compile and link commands of a build folder, used with a mutated file in place of its
    original."""

    def __init__(self, folder, scratch):
        self.folder, self.scratch = folder, scratch
        self.dependents = collections.defaultdict(list)  # file -> objects compiled from it
        if not (folder / "build.ninja").exists():
            subprocess.run(["cmake", "--preset", "release", "-B", folder,
                            "-DCMAKE_UNITY_BUILD=OFF"], cwd=ROOT, check=True)
        self.targets = set(re.findall(r"^([\w.]+): ", self.ninja("-t", "targets", "all"), re.M))
        self.link_commands = {}
        self.usual_seconds = {}

    def ninja(self, *words):
        return subprocess.run(["ninja", "-C", self.folder, *words], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def prepare(self, programs):
        """Builds the programs and reads how their parts are made."""
        self.ninja("-j1", *programs)
        commands = json.loads((self.folder / "compile_commands.json").read_text())
        self.compile_commands = {
            re.search(r" -o (\S+)", entry["command"])[1]: entry for entry in commands}
        target = None
        for line in self.ninja("-t", "deps").splitlines():
            if line.endswith("(VALID)"):
                target = line.split(":")[0]
            elif line.strip():
                path = (self.folder / line.strip()).resolve()
                self.dependents[path].append(target)
        for program in programs:
            steps = self.ninja("-t", "commands", program).strip().split("\n")[-1].split("&&")
            link = next(step for step in steps if f" -o {program} " in step)
            self.link_commands[program] = shlex.split(link)

    def objects(self, program, path):
        """Objects of the program that are compiled from the file."""
        link = self.link_commands[program]
        folders = {f"CMakeFiles/{name}.dir/" for word in link if word.endswith(".a")
                   for name in re.findall(r"lib(qk_\w+)\.a$", word)}
        return [name for name in self.dependents[path]
                if name in link or any(folder in name for folder in folders)]

    def compile(self, name, path):
        """The mutated object's path, or None if it does not compile."""
        out = self.scratch / name
        if out.exists():
            return out
        out.parent.mkdir(parents=True, exist_ok=True)
        entry = self.compile_commands[name]
        words = shlex.split(entry["command"])
        if os.path.basename(words[0]) == "ccache":  # would not see that a header is shadowed
            words = words[1:]
        words[words.index("-o") + 1] = out
        if pathlib.Path(entry["file"]) == path:
            words[words.index(entry["file"])] = self.copy_of(path)
        words[1:1] = ["-w", f"-fmacro-prefix-map={self.scratch}={ROOT}",
                      "-iquote", self.scratch / "src"]
        return out if run(words, self.folder, 300)[0] == 0 else None

    def copy_of(self, path):
        return self.scratch / path.relative_to(ROOT)

    def same(self, name, compiled):
        return (self.folder / name).read_bytes() == compiled.read_bytes()

    def link(self, program, objects):
        """The program with the objects ({name: path}) in place of the originals, or None."""
        words = [str(objects.get(word, word)) for word in self.link_commands[program]]
        out = self.scratch / program
        at = words.index("-o")
        words[at + 1] = out
        # Before the archives, whose own copies are then not needed.
        words[at + 2:at + 2] = [path for name, path in objects.items() if str(path) not in words]
        return out if run(words, self.folder, 300)[0] == 0 else None


def test_command(test, program):
    """A unit test program, or tests/cli/<test>.py on a program."""
    if test.startswith("cli."):
        return [sys.executable, ROOT / "tests/cli" / (test[4:] + ".py"), program]
    return [program, "--gtest_fail_fast", "--gtest_brief=0"]


def failed_test(output):
    """Name of the test that failed or crashed."""
    found = re.findall(r"\[  FAILED  \] (\w\S*)|^(?:FAIL|ERROR): (\S+)", output, re.M)
    found = found or [(name, "") for name in re.findall(r"\[ RUN      \] (\S+)", output)[-1:]]
    return next((a or b for a, b in found), "").rstrip(",")


def program_of(test):
    return "qkscope" if test.startswith("cli.") else test


def assess(build, path, text, tests):
    """The outcome of a mutant as fields of its record."""
    shutil.rmtree(build.scratch, ignore_errors=True)
    build.copy_of(path).parent.mkdir(parents=True)
    build.copy_of(path).write_text(text)
    passed = []
    for test in tests:
        program = program_of(test)
        names = build.objects(program, path)
        objects = {name: build.compile(name, path) for name in names}
        if None in objects.values():
            return {"outcome": "invalid"}
        if not passed and all(build.same(*item) for item in objects.items()):
            return {"outcome": "equivalent"}
        linked = build.link(program, objects)
        if linked is None:
            return {"outcome": "invalid"}
        code, output = run(test_command(test, linked), build.scratch,
                           10 + 5 * build.usual_seconds[test], limited=True)
        if code != 0:
            outcome = "timeout" if code is None else "killed"
            return {"outcome": outcome, "killed_by": f"{test}: {failed_test(output)}"}
        passed.append(test)
    return {"outcome": "survived", "passed": passed}


def tests_of(path, build, options):
    """The folder's test program, then those of the folders above it, then the scripts of --cli."""
    folder = path.relative_to(ROOT / "src").parts[0]
    deps = declared_dependencies((ROOT / "CMakeLists.txt").read_text())
    reach = reachable(deps)
    above = [name for name in deps if folder in reach[name] and name != folder]
    if "all" not in options.dependents:
        above = [name for name in above if name in options.dependents]
    names = [folder] + above
    tests = [f"{name}_test" for name in names if f"{name}_test" in build.targets]
    return tests + [f"cli.{name}" for name in options.cli]


def sources_of(word):
    """(group, files) of an argument."""
    name, _, patterns = word.partition("=")
    patterns = patterns.split(",") if patterns else [f"src/{name}/*"]
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    files = sorted(path for path in found if path.suffix in (".h", ".cc")
                   and not path.name.endswith("_test.cc") and not path.name.startswith("test_"))
    if not files:
        sys.exit(f"{word}: no source file matches")
    return name, files


def read_log(path):
    """The records of a log, by mutant; a later record replaces an earlier one."""
    records = {}
    if path.exists():
        for line in path.read_text().splitlines():
            record = json.loads(line)
            mutant = Mutant(**{field.name: record[field.name]
                               for field in dataclasses.fields(Mutant)})
            records[mutant.key()] = (mutant, record)
    return records


def locate(mutant):
    """(path, mutated text) of a mutant in this tree, or None. A file that has been renamed is
    known by the line if no other file has it."""
    same_name = sorted((ROOT / "src").rglob(mutant.file))
    paths = same_name or (ROOT / "src").rglob("*" + pathlib.Path(mutant.file).suffix)
    found = [(path, text) for path in paths if (text := place(mutant, path)) is not None]
    return found[0] if found and (same_name or len(found) == 1) else None


def print_table(records):
    outcomes = ("killed", "timeout", "survived", "equivalent", "invalid", "gone")
    print("|", " | ".join(("group", "mutants", *outcomes, "kill rate")), "|")
    print("|", " | ".join(["---"] * (len(outcomes) + 3)), "|")
    groups = sorted({mutant.group for mutant, _ in records})
    for group in groups + ["all"]:
        count = collections.Counter(record["outcome"] for mutant, record in records
                                    if group in (mutant.group, "all"))
        killed = count["killed"] + count["timeout"]
        judged = killed + count["survived"]
        rate = f"{100 * killed / judged:.0f} %" if judged else "-"
        cells = [group, sum(count.values()), *(count[name] for name in outcomes), rate]
        print("|", " | ".join(map(str, cells)), "|")
    for mutant, record in sorted(records, key=lambda item: item[0].key()):
        if record["outcome"] == "survived":
            print(f"survived: {record['place']}: {mutant.line}\n          {mutant}")


def parse_arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0],
                                     epilog=__doc__.split("usage: ")[1].split("\n\n", 1)[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=30, help="mutants per argument (default: 30)")
    parser.add_argument("--minutes", type=float, default=30, help="start none later (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    parser.add_argument("--log", type=pathlib.Path, default=ROOT / "build/mutants.jsonl")
    parser.add_argument("--replay", type=pathlib.Path, metavar="LOG")
    def words(text):
        return text.split(",")
    parser.add_argument("--dependents", type=words, default=[], metavar="FOLDER,...",
                        help="also run the tests of these folders if they include the mutant's, "
                             "or `all`")
    parser.add_argument("--cli", type=words, default=[], metavar="TEST,...",
                        help="scripts of tests/cli, for mutants that survive the unit tests")
    parser.add_argument("--table", action="store_true", help="print the log's table, run nothing")
    return parser.parse_args()


def drawn_mutants(options):
    if options.replay:
        return [mutant for mutant, _ in read_log(options.replay).values()]
    mutants = []
    for word in options.what:
        group, files = sources_of(word)
        mutants += draw(files, group, options.count, random.Random(f"{options.seed} {group}"))
    random.Random(options.seed).shuffle(mutants)  # so that a run may end early
    return mutants


def prepare(build, wanted):
    """Builds the tests, and runs each once as it is."""
    build.prepare(sorted({program_of(test) for test in wanted}))
    for test in wanted:
        begin = time.monotonic()
        program = build.folder / program_of(test)
        code, output = run(test_command(test, program), build.folder, 600, limited=True)
        if code != 0:
            sys.exit(f"{test} fails without a mutant:\n{output[-2000:]}")
        build.usual_seconds[test] = time.monotonic() - begin


def run_mutants(options, mutants, records, scratch):
    build = Build(BUILD, scratch)
    todo, wanted = [], {}
    for mutant in mutants:
        done = records.get(mutant.key(), (None, {}))[1]
        if done and done["outcome"] != "survived":
            continue
        found = locate(mutant)
        tests = tests_of(found[0], build, options) if found else []
        tests = [test for test in tests if test not in done.get("passed", [])]
        if tests or not found:
            todo.append((mutant, done, found, tests))
            wanted.update(dict.fromkeys(tests))
    prepare(build, list(wanted))
    end = time.monotonic() + 60 * options.minutes
    with options.log.open("a") as log:
        for number, (mutant, done, found, tests) in enumerate(todo, 1):
            if time.monotonic() > end:
                print(f"stopped after {options.minutes:g} minutes: {len(todo) - number + 1} left")
                break
            result = assess(build, *found, tests) if found else {"outcome": "gone"}
            if "passed" in result:
                result["passed"] = done.get("passed", []) + result["passed"]
            if found:
                result["place"] = str(found[0].relative_to(ROOT))
            record = dataclasses.asdict(mutant) | result
            records[mutant.key()] = (mutant, record)
            log.write(json.dumps(record) + "\n")
            log.flush()
            print(f"{number}/{len(todo)} {result['outcome']:10} {mutant.file}: {mutant}",
                  result.get("killed_by", ""), flush=True)


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that temporary files go
    records = read_log(options.log)
    if not options.table:
        with tempfile.TemporaryDirectory() as folder:
            run_mutants(options, drawn_mutants(options), records, pathlib.Path(folder) / "tree")
    print_table(list(records.values()))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
