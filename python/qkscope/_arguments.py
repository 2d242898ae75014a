"""Python values as words of a command line. Standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

SECTIONS = ("dataset", "model", "tokenizer", "inference", "capture", "output")


def _plain(value: Any) -> Any:
    """Paths, and numbers and arrays of NumPy, for `json`."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"expected text, numbers, lists and mappings, found {type(value).__name__}")


def yaml_text(value: Any) -> str:
    """A value as JSON in one line, which is YAML.

    >>> yaml_text({"layers": [0, 1], "rope": "both", "max_samples": None})
    '{"layers": [0, 1], "rope": "both", "max_samples": null}'
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)


def set_words(fields: Mapping[str, Any]) -> list[str]:
    """`--set` for each field; None is null.

    >>> set_words({"capture.rope": "both"})
    ['--set', 'capture.rope="both"']
    """
    return [word for key, value in fields.items() for word in ("--set", f"{key}={yaml_text(value)}")]


def option_words(options: Mapping[str, Any]) -> list[str]:
    """Options by their names, with underscores for dashes. True is an option without a value; None
    and False leave it out; a list repeats it.

    >>> option_words({"resume": True, "quiet": False, "ram": "2GiB", "shard": None})
    ['--resume', '--ram=2GiB']
    """
    words = []
    for key, value in options.items():
        name = "--" + key.replace("_", "-")
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is True:
                words.append(name)
            elif item is not None and item is not False:
                words.append(f"{name}={os.fspath(item) if isinstance(item, os.PathLike) else item}")
    return words


def split_overrides(
    overrides: Mapping[str, Any], sections: Iterable[str] = SECTIONS
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of the configuration, `section.key` and `compat`, and options of the command.

    >>> split_overrides({"output": {"data_root": "out"}, "capture.rope": "both", "threads": 2})
    ({'output.data_root': 'out', 'capture.rope': 'both'}, {'threads': 2})
    """
    fields: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for key, value in overrides.items():
        if key in sections:
            if not isinstance(value, Mapping):
                raise TypeError(f"{key}: expected a mapping of fields, found {value!r}")
            fields.update({f"{key}.{name}": item for name, item in value.items()})
        elif "." in key or key == "compat":
            fields[key] = value
        else:
            options[key] = value
    return fields, options
