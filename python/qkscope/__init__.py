"""Qkscope: how the attention heads of a language model use position and meaning.

    import qkscope

    ds = qkscope.sniff("run.yaml")                    # capture queries and keys (docs/config.md)
    analysis = qkscope.analyze(ds, "results")         # measure every head (docs/analysis.md)
    qkscope.report(analysis)                          # one page that shows them all
    ds = qkscope.open("org/dataset@branch")           # a published capture
    ds.queries(0, 3).vectors                          # float32 [rows, head_dim]

The functions run the native program as a child. Vectors and tables need NumPy and pyarrow, which are
imported when they are used.
"""

from typing import Any

from ._commands import analyze, check, inspect, report, sniff
from ._dataset import Dataset, Head
from ._dataset import open_dataset as open
from ._errors import BugError, Error, StoppedError, UserError
from ._results import Analysis, Report
from ._rows import Rows
from ._run import run

__all__ = [
    "Analysis",
    "BugError",
    "Dataset",
    "Error",
    "Head",
    "Report",
    "Rows",
    "StoppedError",
    "UserError",
    "analyze",
    "check",
    "inspect",
    "open",
    "report",
    "run",
    "sniff",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("qkscope")
        except PackageNotFoundError:
            raise AttributeError("qkscope is not installed, so it has no __version__") from None
    raise AttributeError(f"module 'qkscope' has no attribute {name!r}")
