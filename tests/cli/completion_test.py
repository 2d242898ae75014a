#!/usr/bin/env python3
"""`qkscope completion`: what bash, zsh and fish offer for a line, asked of these shells themselves.

usage: completion_test.py QKSCOPE"""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "dumb"}

# COMP_WORDS as readline makes them: blanks, = and : separate.
BASH = r"""
source "$1"
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
mapfile -t COMP_WORDS < <(python3 - "$2" <<'EOF'
import re, sys
line = sys.argv[1]
words = re.findall(r"[=:]+|[^\s=:]+", line)
print("\n".join(words + ([""] if line.endswith(" ") else [])))
EOF
)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=$(complete -p "${COMP_WORDS[0]}" | sed 's/.*-F \([^ ]*\) .*/\1/')
"$function"
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""

def output_of(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    return done.stdout


def known_commands():
    """By the help: what the completions are compared with."""
    text = output_of("--help")
    return re.findall(r"^  ([a-z-]+) ", text.split("Subcommands:\n")[1].split("\n\n")[0], re.M)


class Shell(unittest.TestCase):
    shell = ""
    start = begin = ()  # its arguments; lines to set it up

    def setUp(self):
        if not self.shell:
            self.skipTest("is the common part of the others")
        if shutil.which(self.shell) is None:
            self.skipTest(f"{self.shell} is not installed")
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.root = made.name
        for name in ("run.yaml", "a folder/run.yaml", "a folder/in \"quotes\"/inside", "data/card"):
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8"):
                pass
        self.file = os.path.join(self.root, ".completion")
        done = subprocess.run([PROGRAM, "completion", self.shell, "--output", self.file],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def offers(self, line):
        raise NotImplementedError

    def typed(self, keys):
        """The line that a terminal has after the keys; ^X makes the shell show it."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.root)
            os.execvpe(self.shell, [self.shell, *self.start], {
                **ENVIRONMENT, "HOME": self.root, "PS1": "ready> ", "INPUTRC": "/dev/null"})
        try:
            self.read_until(terminal, "ready> ")
            for line in self.begin:
                os.write(terminal, line.format(file=self.file).encode() + b"\n")
            os.write(terminal, b"PS1='set''> '\n")
            self.read_until(terminal, "set> ")
            os.write(terminal, keys.encode() + b"\x18")
            return re.search(r"<([^<]*?) ?>\r?\n", self.read_until(terminal, ">\r\n"))[1]
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(terminal)

    def read_until(self, terminal, end):
        text, limit = "", time.monotonic() + 60
        while end not in text:
            self.assertLess(time.monotonic(), limit, text)
            if select.select([terminal], [], [], 1)[0]:
                text += os.read(terminal, 4096).decode(errors="replace")
        return text

    def check(self, line, *expected):
        self.assertEqual(sorted(self.offers(line)), sorted(expected), line)

    def check_lines(self):
        self.check("qkscope ", *known_commands())
        self.check("qkscope sni", "sniff")
        self.check("qkscope plot he", "heatmap")
        self.check("qkscope hub ", "status")
        self.check("qkscope hub status --type ", "dataset", "model")
        self.check("qkscope sniff run.yaml --st", "--stage")
        self.check("qkscope plot heatmap --agg me", "mean", "median")
        self.check("qkscope completion ", "bash", "fish", "zsh")
        self.check("qkscope analyze --error_bars j", "jackknife")
        self.check("sniff-qk --res", "--resume")


class Bash(Shell):
    shell = "bash"
    start = ("--norc", "--noprofile", "-i")
    begin = ("source {file}", "bind 'set enable-bracketed-paste off'",
             r"""bind -x '"\C-x":echo "<$READLINE_LINE>"'""")

    def offers(self, line):
        done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", self.file, line], cwd=self.root,
                              env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_lines(self):
        self.check_lines()

    def test_options_of_each_command(self):
        """All that the help shows, and nothing else."""
        for command in known_commands():
            if command in ("plot", "hub"):
                continue
            shown = set(re.findall(r"^  (?:\S+, ?)*?(--[a-z_-]+)", output_of(command, "--help"), re.M))
            offered = set(self.offers(f"qkscope {command} --"))
            self.assertTrue(shown, command)
            self.assertEqual(shown - offered, set(), command)

    def test_values(self):
        self.check("qkscope sniff --mpi o", "off")
        self.check("qkscope sniff --mpi=o", "off")
        self.check("qkscope sniff --device=torch:", "cpu")
        self.check("qkscope sniff --device torch:c", "cpu")
        self.check("qkscope sniff --threads ")
        self.check("qkscope verify m --dtype=b", "bfloat16")

    def test_paths(self):
        self.check("qkscope sniff ru", "run.yaml")
        self.check("qkscope sniff --config=ru", "run.yaml")
        self.check("qkscope inspect d", "data")
        self.check("qkscope inspect ru")  # no folder
        self.check("qkscope init a", "a folder")
        self.check("qkscope hub status ")

    def test_in_a_terminal(self):
        """As typed: one possibility is completed, a file's name is quoted."""
        self.assertEqual(self.typed("qkscope sniff --ove\t"), "qkscope sniff --overwrite")
        self.assertEqual(self.typed("qkscope sniff --device=torch:\t"),
                         "qkscope sniff --device=torch:cpu")
        self.assertEqual(self.typed("qkscope init a\t"), r"qkscope init a\ folder/")
        for typed, completed in ((r"a\ folder/r", r"a\ folder/run.yaml"),
                                 ("'a folder/r", "'a folder/run.yaml'"),
                                 ('"a folder/r', '"a folder/run.yaml"'),
                                 (r"a\ folder/i", r"a\ folder/in\ \"quotes\"/"),
                                 (r"--config=a\ folder/r", r"--config=a\ folder/run.yaml")):
            self.assertEqual(self.typed(f"qkscope sniff {typed}\t"), f"qkscope sniff {completed}")

    def test_is_clean(self):
        if shutil.which("shellcheck") is None:
            self.skipTest("shellcheck is not installed")
        # The tables are read by names that are computed.
        done = subprocess.run(["shellcheck", "--exclude=SC2034", self.file], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.stdout, "")


class Fish(Shell):
    shell = "fish"

    def offers(self, line):
        done = subprocess.run(["fish", "--no-config", "-c",
                               "source $argv[1]; complete -C $argv[2]", self.file, line],
                              cwd=self.root, env={**ENVIRONMENT, "HOME": self.root},
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [offer.split("\t")[0] for offer in done.stdout.splitlines()]

    def test_lines(self):
        self.check_lines()

    def test_paths(self):
        self.check("qkscope sniff ru", "run.yaml")
        self.check("qkscope inspect da", "data/")
        self.check("qkscope inspect ru")
        self.check("qkscope hub status ru")
        self.check("qkscope sniff --mpi of", "off")


class Zsh(Shell):
    """Only what one key of a terminal does: zsh has no other way to ask."""
    shell = "zsh"
    start = ("-f", "-i")
    begin = ("unsetopt zle_bracketed_paste prompt_sp", "fpath=({file} $fpath)",
             "autoload -Uz compinit; compinit -D -u",
             "show () {{ zle -I; print -r -- \"<$BUFFER>\" }}", "zle -N show; bindkey '^X' show")

    def setUp(self):
        super().setUp()
        folder = os.path.join(self.root, ".functions")
        os.mkdir(folder)
        shutil.move(self.file, os.path.join(folder, "_qkscope"))
        self.file = folder

    def test_in_a_terminal(self):
        for line, expected in (
                ("qkscope sni", "qkscope sniff"),
                ("qkscope plot he", "qkscope plot heatmap"),
                ("qkscope hub s", "qkscope hub status"),
                ("qkscope hub status --type d", "qkscope hub status --type dataset"),
                ("qkscope sniff ru", "qkscope sniff run.yaml"),
                ("qkscope sniff run.yaml --st", "qkscope sniff run.yaml --stage="),
                ("qkscope sniff --mpi of", "qkscope sniff --mpi off"),
                ("qkscope sniff --mpi=of", "qkscope sniff --mpi=off"),
                ("qkscope sniff --config ru", "qkscope sniff --config run.yaml"),
                ("qkscope sniff --device torch", r"qkscope sniff --device torch:cpu"),
                ("qkscope plot heatmap --agg me", "qkscope plot heatmap --agg me"),  # two
                ("qkscope plot heatmap --agg med", "qkscope plot heatmap --agg median"),
                ("qkscope inspect da", "qkscope inspect data/"),
                ("qkscope init a", r"qkscope init a\ folder/"),
                (r"qkscope sniff a\ folder/r", r"qkscope sniff a\ folder/run.yaml"),
                ("qkscope completion f", "qkscope completion fish"),
                ("sniff-qk --res", "sniff-qk --resume")):
            self.assertEqual(self.typed(line + "\t"), expected)


class TheCommand(unittest.TestCase):
    def test_prints_the_same(self):
        for shell in ("bash", "zsh", "fish"):
            with tempfile.TemporaryDirectory() as root:
                file = f"{root}/new/file"
                self.assertEqual(output_of("completion", shell, "--output", file), "")
                with open(file, encoding="utf-8") as written:
                    self.assertEqual(written.read(), output_of("completion", shell))


if __name__ == "__main__":
    unittest.main()
