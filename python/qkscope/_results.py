"""What an analysis and a report have written."""

from __future__ import annotations

import html
import json
import os
import urllib.parse
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ._arrays import load, reading
from ._errors import UserError


class Analysis:
    """The tables of an analysis (docs/analysis.md). `qkscope.analyze` returns one;
    `Analysis(folder)` opens those of an earlier one.

    >>> list(analysis.tables)[:3]
    ['heads', 'buckets', 'components']
    >>> analysis["heads"].num_rows
    12

    Args:
        path: folder of the results, or the table of the heads
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        path = Path(path).expanduser()
        table = path / "head_metrics.csv" if path.is_dir() else path
        record = Path(f"{table}.json")
        if not table.exists():
            raise UserError(f"{path}: expected the folder of an analysis or its table of heads, found none")
        if not record.exists():
            raise UserError(f"{record}: expected the record of an analysis, found no such file")
        self.path = path
        """as given"""
        self.record: dict[str, Any] = _read_record(record)
        """how the tables were made: configuration, dataset, heads measured and failed"""
        self._folder = table.parent

    @cached_property
    def tables(self) -> Mapping[str, Path]:
        """The files by name, as the record has them."""
        return {name: self._folder / file for name, file in self.record["tables"].items()}

    def __getitem__(self, name: str) -> Any:
        """A table as pyarrow.Table; a number that could not be measured is null.

        For others: `analysis["heads"].to_pandas()`, `polars.from_arrow(analysis["heads"])`.
        """
        if name not in self.tables:
            raise KeyError(f"expected one of {', '.join(self.tables)}, found {name}")
        path = self.tables[name]
        with reading(path):
            if path.suffix == ".parquet":
                return load("pyarrow.parquet").read_table(path)
            return load("pyarrow.csv").read_csv(path)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        measured = self.record["heads"]["measured"]
        return f"<qkscope analysis {self.path}: {measured} heads, {len(self.tables)} tables>"

    def _repr_html_(self) -> str:
        return html.escape(repr(self))


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    if not (isinstance(record, dict) and {"tables", "heads"} <= set(record)):
        raise UserError(f"{path}: expected the record of an analysis, found something else")
    return record


class Report:
    """The page that `qkscope.report` has written: one HTML file for a browser.

    A notebook shows it in a frame, if it lies below the notebook's working folder, which is what
    notebook servers hand out.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        """the file"""

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"<qkscope report {self.path}>"

    def _repr_html_(self) -> str:
        """A link and a frame without any right but to run its own scripts; else the path."""
        shown = html.escape(str(self.path))
        try:
            below = self.path.resolve().relative_to(Path.cwd().resolve())
        except ValueError:
            return f"Report: <code>{shown}</code>"
        address = html.escape(urllib.parse.quote(below.as_posix()))
        return (
            f'Report: <a href="{address}" target="_blank" rel="noopener">{shown}</a><br>'
            f'<iframe src="{address}" title="Report" width="100%" height="720" '
            'sandbox="allow-scripts allow-downloads" style="border: 1px solid #888"></iframe>'
        )
