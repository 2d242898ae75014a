"""NumPy and pyarrow, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any


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
