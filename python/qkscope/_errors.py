"""What goes wrong, by the exit code of the native program."""

from __future__ import annotations


class Error(Exception):
    """A run of the native program that failed. `str(error)` is its one sentence.

    Attributes:
        exit_code: exit code of the program; -N if signal N ended it
        output: what it had written to stdout
        messages: what it had written to stderr, progress left out
    """

    def __init__(self, sentence: str, exit_code: int, output: str = "", messages: str = "") -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.output = output
        self.messages = messages

    def __reduce__(self) -> tuple[type[Error], tuple[str, int, str, str]]:
        return type(self), (str(self), self.exit_code, self.output, self.messages)


class UserError(Error):
    """Exit code 1: something to put right, or a check that failed. Errors of this package that a
    user can put right, such as a head that was not captured, are of this class too."""

    def __init__(
        self, sentence: str, exit_code: int = 1, output: str = "", messages: str = ""
    ) -> None:
        super().__init__(sentence, exit_code, output, messages)


class BugError(Error):
    """Exit code 2, or a crash: a bug in Qkscope."""


class StoppedError(Error):
    """Exit code 75: stopped by a signal or before the time limit. The work done so far is kept,
    and the same call, for `sniff` with `resume=True`, goes on from there."""


def error_class(exit_code: int) -> type[Error]:
    """The class for an exit code other than 0."""
    return {1: UserError, 2: BugError, 75: StoppedError}.get(exit_code, Error)
