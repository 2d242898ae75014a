"""What the native program says while it runs, shown in a notebook, on a terminal, or as plain lines.

The program writes lines to stderr; on a terminal it also redraws one line of progress, which ends
with a carriage return and an erasing sequence. Threads: one at a time.
"""

from __future__ import annotations

import codecs
import sys
import time
from typing import Any, Protocol

_ERASE = "\x1b[K"
_NAME = "qkscope: "
_WARNING = _NAME + "warning: "


class Sink(Protocol):
    """Where text goes."""

    redraws: bool
    """whether a line of progress can be redrawn"""

    def transient(self, text: str) -> None:
        """Shows the line of progress."""

    def settle(self, text: str) -> None:
        """Shows the line of progress for the last time: it stays, and another one begins."""

    def line(self, text: str) -> None:
        """Shows a line that stays."""


class Quiet:
    """Shows warnings alone, as the program does with --quiet."""

    redraws = False

    def transient(self, text: str) -> None:
        pass

    def settle(self, text: str) -> None:
        pass

    def line(self, text: str) -> None:
        if text.startswith(_WARNING):
            print(text, file=sys.stderr, flush=True)


class Plain:
    """Lines to sys.stderr; no line is redrawn."""

    redraws = False

    def transient(self, text: str) -> None:
        pass

    def settle(self, text: str) -> None:
        self.line(text)

    def line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Terminal:
    """Redraws the last line of a terminal."""

    redraws = True

    def transient(self, text: str) -> None:
        print(f"\r{text}{_ERASE}", end="", file=sys.stderr, flush=True)

    def settle(self, text: str) -> None:
        self.line(text)

    def line(self, text: str) -> None:
        print(f"\r{text}{_ERASE}", file=sys.stderr, flush=True)


class Notebook:
    """Redraws an output of a notebook's cell."""

    redraws = True
    _PAUSE = 0.3  # seconds between two drawings

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = 0.0

    def _draw(self, text: str) -> None:
        from IPython.display import DisplayHandle

        data = {"text/plain": text}
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(data, raw=True)
        else:
            self._handle.update(data, raw=True)

    def transient(self, text: str) -> None:
        now = time.monotonic()
        if now - self._shown >= self._PAUSE:
            self._shown = now
            self._draw(text)

    def settle(self, text: str) -> None:
        self._draw(text)
        self._handle = None

    def line(self, text: str) -> None:
        print(text, file=sys.stderr)


def find_sink(quiet: bool = False) -> Sink:
    """Where a run called from here shows what it does."""
    if quiet:
        return Quiet()
    if "IPython" in sys.modules:
        from IPython import get_ipython

        if hasattr(get_ipython(), "kernel"):
            return Notebook()
    return Terminal() if sys.stderr is not None and sys.stderr.isatty() else Plain()


class Messages:
    """Takes the program's stderr apart, and shows it but for the sentence of an error, which an
    exception will carry."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""  # begun and not ended
        self.lines: list[str] = []
        self.sentence = ""
        """the last line that is neither progress nor a warning, without "qkscope: " """
        self.holds = False
        """whether the sentence is held back, since it may be that of an error"""

    def feed(self, data: bytes, is_last: bool = False) -> None:
        self._rest += self._decoder.decode(data, is_last)
        *lines, self._rest = self._rest.split("\n")
        for line in lines:
            self._take(line)
        before, end, begun = self._rest.rpartition(_ERASE)
        if end:
            drawn = before.rpartition("\r")[2]
            self._sink.transient(drawn)
            self._rest = f"\r{drawn}{end}{begun}"
        if is_last and self._rest:
            self._take(self._rest)
            self._rest = ""

    def _take(self, raw: str) -> None:
        line = raw.rpartition("\r")[2].replace(_ERASE, "")
        if line.startswith(_NAME) and not line.startswith(_WARNING):
            self.release()
            self.sentence = line[len(_NAME) :]
            self.holds = True
        elif raw.endswith(_ERASE):
            self._sink.settle(line)
            return
        else:
            self._sink.line(line)
        self.lines.append(line)

    def release(self) -> None:
        """Shows the sentence after all: it was not the last one, or no error."""
        if self.holds:
            self._sink.line(_NAME + self.sentence)
        self.holds = False
