"""The numbers of src/cluster/mpi_numbers.h against the headers of every MPI that is installed, and the C
file of `qkscope mpi-shim` against their compilers. argv: qkscope."""

import os
import subprocess
import sys
import tempfile
import unittest

import mpi_installations
import private_machine
from mpi_installations import OPEN_MPI, ROOT

SOURCE = f"{ROOT}/tests/cluster/mpi_numbers_check.cc"
QKSCOPE = None


def run(*command):
    return subprocess.run(command, text=True, capture_output=True, check=False)


class MpiAbiTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def compile(self, *arguments, compiler="c++"):
        done = run(compiler, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)

    def build_check(self, family, include, source=SOURCE):
        name = f"{self.folder}/check{family}"
        self.compile("-std=c++20", "-w", f"-DQK_FAMILY={family}", f"-I{ROOT}/src", f"-I{include}", "-c",
                     source, "-o", f"{name}.o")
        self.compile(f"{name}.o", "-no-pie", "-Wl,--unresolved-symbols=ignore-all", "-o", name)
        return name

    def test_numbers(self):
        for family, include in mpi_installations.headers():
            with self.subTest(family=family, include=include):
                name = self.build_check(family, include)
                done = run(name)
                self.assertEqual((done.returncode, done.stdout), (0, ""))
                if family == OPEN_MPI:
                    symbols = [line.split()[-1] for line in run("nm", "-u", f"{name}.o").stdout.splitlines()]
                    self.assertEqual({symbol for symbol in symbols if symbol.startswith("ompi_")},
                                     set(run(name, "names").stdout.split()))
                print(f"checked: {include} ({['', 'Open MPI', 'MPICH', 'the standard ABI'][family]})",
                      file=sys.stderr)

    def test_a_wrong_number_is_noticed(self):
        family, include = mpi_installations.headers()[0]
        name = self.build_check(family, include)
        self.assertEqual(run(name).returncode, 0)
        with open(SOURCE, encoding="utf-8") as file:
            text = file.read().replace('kOurs.any_tag, MPI_ANY_TAG', 'kOurs.any_tag + 1, MPI_ANY_TAG')
        changed = f"{self.folder}/changed.cc"
        with open(changed, "w", encoding="utf-8") as file:
            file.write(text)
        done = run(self.build_check(family, include, changed))
        self.assertEqual(done.returncode, 1)
        self.assertIn("MPI_ANY_TAG: mpi_numbers.h has ", done.stdout)

    def test_the_shim_is_plain_c(self):
        text = run(QKSCOPE, "mpi-shim").stdout
        self.assertTrue(text.startswith("/* Qkscope and an MPI library that it does not know:"))
        self.assertNotIn('#include "', text)
        with open(f"{self.folder}/qk_mpi_shim.c", "w", encoding="utf-8") as file:
            file.write(text)
        seen = set()
        for _, include in mpi_installations.headers():
            if include in seen or not os.path.exists(f"{include}/mpi.h"):
                continue
            seen.add(include)
            for standard in ("c99", "gnu17"):
                with self.subTest(include=include, standard=standard):
                    self.compile(f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-isystem", include,
                                 "-fsyntax-only", f"{self.folder}/qk_mpi_shim.c", compiler="cc")


if __name__ == "__main__":
    QKSCOPE = os.path.abspath(sys.argv.pop(1))
    if not mpi_installations.headers():
        private_machine.skip("no mpi.h is installed; tools/setup --check brings two")
    unittest.main()
