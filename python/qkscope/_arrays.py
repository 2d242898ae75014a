"""NumPy and pyarrow, imported when they are used."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._errors import UserError


def load(name: str) -> Any:
    """The module `name` of NumPy or pyarrow.

    Raises ImportError with a sentence if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name}: cannot be imported ({error}): vectors and tables need NumPy and pyarrow 14 or "
            "newer: pip install 'qkscope[arrays]'"
        ) from error


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raises UserError with the file's name for what pyarrow says of a file inside."""
    try:
        yield
    except MemoryError:  # of pyarrow too: nothing is wrong with the file
        raise
    except (load("pyarrow").ArrowException, OSError) as error:
        said = str(error).strip().partition("\n")[0]
        raise UserError(f"{os.fspath(path)}: cannot be read: {said}") from error
