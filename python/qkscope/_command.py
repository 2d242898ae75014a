"""Where the native program is, and the commands `qkscope` and `sniff-qk`, which become it."""

from __future__ import annotations

import os
import shutil
import sys

from ._errors import UserError


def program() -> str:
    """Path of the native program: $QKSCOPE_PROGRAM if it is set, a path or a name in
    $PATH, else the one in this package.

    Raises UserError if there is none, as after an installation from source.
    """
    named = os.environ.get("QKSCOPE_PROGRAM")
    if named:
        path = os.path.expanduser(named)
        return shutil.which(path) or path
    inside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_program", "bin", "qkscope")
    if not os.path.exists(inside):
        raise UserError(
            f"{inside}: there is no such file: install the wheel of Qkscope, which has the "
            "program inside, or name a program with the environment variable QKSCOPE_PROGRAM"
        )
    return inside


def _become(arguments: list[str]) -> int:
    """Replaces this process by the program, so that its pid, signals and exit code are the
    program's. Returns only if that fails."""
    path = ""
    try:
        path = program()
        if os.path.realpath(path) == os.path.realpath(sys.argv[0]):
            raise UserError(
                f"QKSCOPE_PROGRAM: expected the native program, found {path}, which is this command"
            )
        os.execv(path, [path, *arguments])
    except OSError as error:
        print(f"qkscope: {path}: cannot be started: {error.strerror}", file=sys.stderr)
    except UserError as error:
        print(f"qkscope: {error}", file=sys.stderr)
    return 1


def qkscope() -> int:
    """The command `qkscope`."""
    return _become(sys.argv[1:])


def sniff_qk() -> int:
    """The command `sniff-qk`: `qkscope sniff` under the original tool's name."""
    return _become(["sniff", *sys.argv[1:]])
