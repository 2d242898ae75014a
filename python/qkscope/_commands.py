"""The commands of the program as functions."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Union

from ._arguments import option_words, set_words, split_overrides, yaml_text
from ._dataset import Dataset
from ._errors import Error, UserError
from ._results import Analysis, Report
from ._run import ending_as_told, run, run_inside

PathLike = Union[str, "os.PathLike[str]"]
"""a path; for datasets also the name of a Hub repository, `org/name` or `org/name@branch`"""


def sniff(
    config: PathLike | Mapping[str, Any],
    *,
    resume: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
    **overrides: Any,
) -> Dataset:
    """Captures queries and keys as a configuration says (docs/config.md), and opens the dataset.

    Args:
        config: the YAML file of the run, or the same as a mapping of sections. Paths in it are
            relative to the working folder.
        resume: goes on with an interrupted run; the dataset gets the same bytes
        overwrite: replaces a dataset that is in the folder
        quiet: shows warnings, but no progress
        **overrides: fields of the configuration, a mapping for a section, which replace those of
            `config`; any other name is an option of `qkscope sniff`, such as `threads=2`,
            `ram="2GiB"`, `device="cuda"`, `no_upload=True`

    >>> qkscope.sniff(run_yaml, output={"data_root": out}, capture={"layers": [0]}, quiet=True)
    <qkscope dataset ...: 4 query heads and 2 key heads of 1 layers>

    Raises UserError with one sentence if something is to be put right, StoppedError if a signal or
    the time limit stopped the run, and KeyboardInterrupt after an interrupt; `resume=True` then
    goes on.
    """
    fields, options = split_overrides(overrides)
    for name in ("dry_run", "shard"):
        if options.get(name):
            raise UserError(f"sniff: {name} gives no dataset: use qkscope.run('sniff', ...)")
    words = [
        "--json",
        *set_words(fields),
        *option_words({"resume": resume, "overwrite": overwrite, "quiet": quiet, **options}),
    ]
    if not isinstance(config, Mapping):
        return _sniffed(run("sniff", "--config", config, *words, quiet=quiet))
    with ending_as_told(), tempfile.TemporaryDirectory(prefix="qkscope-") as folder:
        file = Path(folder) / "run.yaml"
        file.write_text(yaml_text(config), encoding="utf-8")
        try:
            return _sniffed(run_inside("sniff", "--config", file, *words, quiet=quiet))
        except Error as error:  # the file is gone when it is read
            sentence, messages = (
                re.sub(rf"{re.escape(str(file))}(:1)?: ", "config: ", text)
                for text in (str(error), error.messages)
            )
            raise type(error)(sentence, error.exit_code, error.output, messages) from None


def _sniffed(output: str) -> Dataset:
    """The dataset that the program has written, or that it found finished."""
    return Dataset(_result("sniff", output, "dataset"))


def _result(command: str, output: str, key: str) -> str:
    """The path that a command with --json has printed as `key`."""
    found = _printed(command, output)
    if found.get(key) is None:
        raise UserError(f"{command}: printed no {key}", 0, output)
    return str(found[key])


def _printed(command: str, output: str) -> dict[str, Any]:
    """What a command with --json has printed; options such as --help print something else."""
    try:
        found = json.loads(output)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{command}: printed no result", 0, output)
    return found


def analyze(
    dataset: PathLike,
    output_dir: PathLike,
    *,
    config: PathLike | None = None,
    overwrite: bool = False,
    keep_going: bool = False,
    quiet: bool = False,
    threads: int | None = None,
    ram: str | None = None,
    **fields: Any,
) -> Analysis:
    """Measures every head of a dataset (docs/analysis.md), and opens the tables.

    Args:
        dataset: its folder, or a repository of the Hub
        output_dir: folder for the tables
        config: YAML file with fields
        overwrite: replaces the files of an earlier analysis
        keep_going: no error if some heads could not be measured; `record["heads"]["failed"]`
            names them
        quiet: shows warnings, but no progress
        threads: number of threads; all cores without it
        ram: limit of the memory of all threads, such as "2GiB"
        **fields: fields of the configuration, such as `method="bucket,counted"`,
            `error_bars="jackknife"`, `profiles=True`, `documents=["a", "b"]`

    >>> qkscope.analyze(ds, results, min_queries=8, quiet=True)
    <qkscope analysis ...: 12 heads, ... tables>

    Raises UserError with one sentence if something is to be put right, or a head could not be
    measured; the others are written all the same.
    """
    options = {
        "json": True,
        "config": config,
        "overwrite": overwrite,
        "keep_going": keep_going,
        "quiet": quiet,
        "threads": threads,
        "ram": ram,
    }
    fields = {"dataset": dataset, "output_dir": output_dir, **fields}
    output = run("analyze", *option_words(options), *set_words(fields), quiet=quiet)
    table = Path(_result("analyze", output, "record")).with_suffix("")  # the record is TABLE.json
    return Analysis(table.parent if table.name == "head_metrics.csv" else table)


def report(
    analysis: PathLike | Sequence[PathLike],
    output: PathLike | None = None,
    *,
    overwrite: bool = False,
    quiet: bool = False,
    **options: Any,
) -> Report:
    """Writes a page that shows an analysis, or two side by side (docs/report.md).

    Args:
        analysis: an Analysis, the folder of one, or two of them
        output: the page; `report.html` in the folder of the first analysis without it
        overwrite: replaces an earlier page
        quiet: shows warnings alone
        **options: options of `qkscope report`, such as `title="..."`, `names="base,instruct"`,
            `heads="l12*,l20h03"`, `tokens=True`, `max_size="4MiB"`

    >>> qkscope.report(analysis).path.name
    'report.html'
    """
    folders = [analysis] if isinstance(analysis, (str, os.PathLike)) else list(analysis)
    if not folders:
        raise UserError("report: expected an analysis, found none")
    words = option_words({"output": output, "overwrite": overwrite, **options})
    run("report", *folders, *words, quiet=quiet)
    if output is not None:
        return Report(Path(output).expanduser())
    first = Path(folders[0]).expanduser()
    return Report((first if first.is_dir() else first.parent) / "report.html")


def check(dataset: PathLike, *, threads: int | None = None, quiet: bool = False) -> str:
    """Checks every byte, count and digest of a finished dataset, and returns what was compared.

    >>> print(qkscope.check(ds).splitlines()[0])
    /...out: whole

    Raises UserError if it is not whole; `error.output` names each file and the reason.
    """
    return run("check", dataset, *option_words({"threads": threads, "quiet": quiet}), quiet=quiet)


def inspect(
    dataset: PathLike, *, threads: int | None = None, quiet: bool = False
) -> dict[str, Any]:
    """What a dataset holds and whether it is whole: a mapping with `whole`, `problems`, `model`,
    `documents` (their number), `footer`, and `heads`, for each its rows, buckets and bytes.

    >>> found = qkscope.inspect(ds)
    >>> found["whole"], found["documents"], found["heads"][0]["rows"]
    (True, 7, 77)
    """
    words = ["inspect", dataset, "--json", *option_words({"threads": threads, "quiet": quiet})]
    try:
        output = run(*words, quiet=quiet)
    except UserError as error:
        if not error.output:
            raise
        output = error.output  # a dataset that is not whole
    return _printed("inspect", output)
