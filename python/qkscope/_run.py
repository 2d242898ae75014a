"""Runs the native program as a child process. Threads: runs in several threads are independent."""

from __future__ import annotations

import os
import selectors
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO

from ._command import program
from ._errors import BugError, UserError, error_class
from ._progress import Messages, Sink, find_sink

_HOLD = 0.5  # seconds for which a sentence may be that of an error: the program ends after it
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}


class _Signalled(BaseException):
    """This process was told to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Child:
    """The running program, the text it has written, and how it is stopped."""

    def __init__(self, words: Sequence[str], sink: Sink) -> None:
        self._messages = Messages(sink)
        self._output = bytearray()
        self._selector = selectors.DefaultSelector()
        read_end, write_end = _pseudo_terminal() if sink.redraws else os.pipe()
        try:
            # In a session of its own a Ctrl-C of the terminal reaches it once only, through stop().
            # Interrupts are raised in the main thread alone: for others the terminal has to tell it.
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=write_end,
                start_new_session=threading.current_thread() is threading.main_thread(),
                env={**os.environ, "QKSCOPE_STOP_WITH": str(os.getpid())},
            )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        assert self._process.stdout is not None
        self._stdout = self._process.stdout
        self._streams: set[IO[bytes]] = {self._stdout, os.fdopen(read_end, "rb", buffering=0)}
        for stream in self._streams:
            self._selector.register(stream, selectors.EVENT_READ, stream)

    def wait(self) -> int:
        """Reads until the program has ended. Returns its exit code. May be called again after an
        interrupt."""
        while self._streams:
            ready = self._selector.select(_HOLD if self._messages.holds else None)
            if not ready:
                self._messages.release()
            for key, _ in ready:
                stream: IO[bytes] = key.data
                data = _read(stream.fileno())
                if not data:
                    self._selector.unregister(stream)
                    self._streams.remove(stream)
                    stream.close()
                elif stream is self._stdout:
                    self._output += data
                else:
                    self._messages.feed(data)
        return self._process.wait()

    def stop(self, number: int) -> None:
        self._process.send_signal(number)

    def close(self) -> None:
        """Leaves no process behind, whatever has happened here."""
        for stream in self._streams:
            stream.close()
        self._selector.close()
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def show_rest(self) -> None:
        """Shows what was held back for an error."""
        self._messages.feed(b"", is_last=True)
        self._messages.release()

    def result(self, exit_code: int) -> str:
        """What it has written to stdout. Raises the Error of an exit code other than 0."""
        self._messages.feed(b"", is_last=True)
        output = os.fsdecode(bytes(self._output))
        if exit_code == 0:
            self._messages.release()
            return output
        kind = BugError if -exit_code in _CRASHES else error_class(exit_code)
        said = self._messages.sentence
        if exit_code > 0:
            sentence = said or _first_line(output) or f"exit code {exit_code}"
        elif kind is BugError:
            sentence = f"crashed by {_name(-exit_code)}: a bug in Qkscope"
            if self._messages.holds:  # said just before
                sentence += f"; it said last: {said}"
        else:  # whatever it said last is not the reason
            sentence = f"ended by {_name(-exit_code)}"
            if -exit_code == signal.SIGKILL:
                sentence += "; perhaps there was not enough memory"
        raise kind(sentence, exit_code, output, "\n".join(self._messages.lines))


def _name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:  # of real time
        return f"signal {number}"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _read(descriptor: int) -> bytes:
    """What has come; nothing at the end, at which a terminal is an error."""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""


def _pseudo_terminal() -> tuple[int, int]:
    """The two ends of a terminal that changes no bytes, as wide as ours."""
    import fcntl
    import shutil
    import termios

    read_end, write_end = os.openpty()
    modes = termios.tcgetattr(write_end)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(write_end, termios.TCSANOW, modes)
    try:
        columns, lines = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):  # a notebook
        columns, lines = shutil.get_terminal_size()
    fcntl.ioctl(write_end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    return read_end, write_end


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Raises _Signalled at SIGTERM and SIGHUP, where they would have ended this process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def told(number: int, frame: FrameType | None) -> None:
        raise _Signalled(number)

    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    try:
        for number in numbers:
            signal.signal(number, told)
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _held_back() -> Iterator[list[int]]:
    """The numbers of signals that came meanwhile, in the main thread, and did nothing yet."""
    held: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    handlers = {n: handler for n, handler in handlers.items() if callable(handler)}
    try:
        for number in handlers:
            signal.signal(number, lambda number, frame: held.append(number))
        yield held
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _watch(child: _Child, signals: list[int]) -> tuple[int, BaseException | None]:
    """Exit code of the child, and what stopped it; `signals` came while it was started. Each
    interrupt is one signal for the child: the first one lets it finish what it has begun, and a
    second one ends it at once."""
    stopped: BaseException | None = None
    while True:
        try:
            while signals:
                signal.raise_signal(signals.pop(0))
            return child.wait(), stopped
        except KeyboardInterrupt as interrupt:
            stopped = stopped or interrupt
            child.stop(signal.SIGINT)
        except _Signalled as told:
            stopped = stopped or told
            child.stop(told.number)


@contextmanager
def ending_as_told() -> Iterator[None]:
    """Ends this process, once what is inside has been left, if run_inside was told to."""
    try:
        yield
    except _Signalled as told:
        os.kill(os.getpid(), told.number)
        raise KeyboardInterrupt from None  # in case it lives on


def run_inside(*arguments: str | os.PathLike[str], quiet: bool = False) -> str:
    """As `run`, of which it is a part: of what is inside `ending_as_told`."""
    words = [program(), *(os.fspath(word) for word in arguments)]
    child: _Child | None = None
    why = ""
    with _told_to_end():
        try:
            with _held_back() as signals:
                try:
                    child = _Child(words, find_sink(quiet))
                except OSError as error:
                    why = error.strerror or str(error)
            if child is None:
                for number in signals:
                    signal.raise_signal(number)
                raise UserError(f"{words[0]}: cannot be started: {why}")
            exit_code, stopped = _watch(child, signals)
        finally:
            if child is not None:
                child.close()
    if stopped is not None:
        child.show_rest()
        raise stopped if isinstance(stopped, _Signalled) else KeyboardInterrupt
    return child.result(exit_code)


def run(*arguments: str | os.PathLike[str], quiet: bool = False) -> str:
    """Runs `qkscope` with these arguments, and returns what it writes to stdout.

    What it writes to stderr, progress and warnings, is shown in the notebook or on the terminal;
    only warnings with `quiet`. An interrupt (Ctrl-C, or the stop button of a notebook) is passed on
    once: the program finishes what it has begun, a capture keeps its journal, and then
    KeyboardInterrupt is raised. A second one ends it at once. SIGTERM and SIGHUP are passed on in the same way. In
    another thread than the main one, the program gets Ctrl-C from the terminal; `sniff` then raises
    StoppedError, the others an Error. If this process ends in any way, even by SIGKILL, the program
    stops as at SIGTERM.

    >>> print(run("--version").split()[0])
    qkscope

    Raises Error, of the class for the exit code, with the program's one sentence.
    """
    with ending_as_told():
        return run_inside(*arguments, quiet=quiet)
