"""Rows of one head as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._arrays import load, reading
from ._errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Columns of the files; the vectors are read from `vector` or `vector_pre_rope`.
PLACES = ("bucket", "example_id", "position")


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one head: query or key vectors, and where in the documents they were captured.

    >>> rows = ds.queries(0, 0)
    >>> rows.vectors.shape == (len(rows), 8), rows.vectors.dtype
    (True, dtype('float32'))
    >>> early = rows[rows.positions < 16]
    >>> int(early.positions.max())
    15

    Attributes:
        vectors: float32 [rows, head_dim]
        positions: int32 [rows], of the token in its document, in tokens from 0
        buckets: int32 [rows], the range of positions from which the row was sampled
        documents: int64 [rows], `example_id` of the document

    The integers of datasets that another program wrote have the types of their files. Arrays may be
    read-only, since they lie in Arrow's memory where that saves a copy.
    """

    vectors: npt.NDArray[np.float32]
    positions: npt.NDArray[np.integer[Any]]
    buckets: npt.NDArray[np.integer[Any]]
    documents: npt.NDArray[np.integer[Any]]

    def __len__(self) -> int:
        return len(self.positions)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """The vectors, so that NumPy's functions take the rows."""
        import numpy as np

        vectors = np.asarray(self.vectors, dtype=dtype)
        return vectors.copy() if copy and vectors is self.vectors else vectors

    def __getitem__(self, chosen: Any) -> Rows:
        """Some of the rows: a slice, a mask [rows] or row numbers."""
        import numpy as np

        if isinstance(chosen, (int, np.integer)):
            if not -len(self) <= chosen < len(self):
                raise IndexError(f"expected a row from 0 to {len(self) - 1}, found {chosen}")
            chosen = slice(chosen, int(chosen) + 1 or None)
        return Rows(
            self.vectors[chosen],
            self.positions[chosen],
            self.buckets[chosen],
            self.documents[chosen],
        )

    def __repr__(self) -> str:
        return f"<{len(self):,} rows of {self.vectors.shape[1]} numbers>"

    def to_arrow(self) -> Any:
        """A pyarrow.Table of bucket, example_id, position and vector; the vectors are not copied.

        >>> ds.queries(0, 0).to_arrow().schema.field("vector").type
        FixedSizeListType(fixed_size_list<item: float>[8])
        """
        import numpy as np

        pa = load("pyarrow")
        flat = pa.array(np.ascontiguousarray(self.vectors).reshape(-1))
        return pa.table(
            {
                "bucket": pa.array(self.buckets),
                "example_id": pa.array(self.documents),
                "position": pa.array(self.positions),
                "vector": pa.FixedSizeListArray.from_arrays(flat, self.vectors.shape[1]),
            }
        )

    def to_pandas(self) -> Any:
        """A pandas.DataFrame of the same columns; a vector is an array [head_dim]."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """A polars.DataFrame of the same columns; a vector is an array [head_dim]."""
        import polars as pl

        return pl.from_arrow(self.to_arrow())

    def to_torch(self) -> Any:
        """The vectors as a torch.Tensor, float32 [rows, head_dim], on the CPU. They are copied only
        if they lie in Arrow's memory, which torch could write to."""
        import torch

        return torch.from_numpy(self.vectors if self.vectors.flags.writeable else self.vectors.copy())


def read_batches(path: str, column: str, batch_rows: int) -> Iterator[Rows]:
    """The rows of one Parquet file, at most `batch_rows` at a time."""
    load("numpy")
    pq = load("pyarrow.parquet")
    with reading(path), pq.ParquetFile(path, memory_map=True) as file:
        missing = {*PLACES, column} - set(file.schema_arrow.names)
        if missing:
            raise UserError(f"{path}: expected the columns of a capture, found no {min(missing)}")
        for batch in file.iter_batches(batch_size=batch_rows, columns=[*PLACES, column]):
            yield _rows_of(batch, column, path)


def num_rows(path: str) -> int:
    with reading(path):
        return int(load("pyarrow.parquet").read_metadata(path).num_rows)


def concatenated(batches: Iterator[Rows], total: int, folder: str) -> Rows | None:
    """All rows of the batches, which are `total`, in one piece; None without a batch. Needs memory
    for these and one batch.

    Raises UserError if the files in `folder` have vectors of several lengths.
    """
    import numpy as np

    first = next(batches, None)
    if first is None or len(first) == total:
        return first
    out = Rows(
        np.empty((total, first.vectors.shape[1]), np.float32),
        np.empty(total, first.positions.dtype),
        np.empty(total, first.buckets.dtype),
        np.empty(total, first.documents.dtype),
    )
    at = 0
    batch: Rows | None = first
    while batch is not None:
        lengths = first.vectors.shape[1], batch.vectors.shape[1]
        if lengths[0] != lengths[1]:
            raise UserError(
                f"{folder}: expected vectors of one length in all files, found {lengths[0]} and {lengths[1]}"
            )
        place = slice(at, at + len(batch))
        out.vectors[place] = batch.vectors
        out.positions[place] = batch.positions
        out.buckets[place] = batch.buckets
        out.documents[place] = batch.documents
        at += len(batch)
        batch = next(batches, None)
    return out


def _rows_of(batch: Any, column: str, path: str) -> Rows:
    for name in (*PLACES, column):
        if batch.column(name).null_count:
            raise UserError(f"{path}: {name}: expected no nulls, found {batch.column(name).null_count}")
    bucket, example_id, position = (batch.column(name).to_numpy() for name in PLACES)
    return Rows(_matrix(batch.column(column), path), position, bucket, example_id)


def _matrix(column: Any, path: str) -> npt.NDArray[np.float32]:
    """Lists of numbers as [rows, head_dim], without a copy if they are float32."""
    import numpy as np

    pa = load("pyarrow")
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    numbers = column.flatten() if pa.types.is_nested(column.type) else column
    if numbers is column or not pa.types.is_floating(numbers.type) or numbers.null_count:
        raise UserError(f"{path}: expected vectors of float32, found {column.type}")
    flat: npt.NDArray[np.float32] = np.asarray(numbers.to_numpy(zero_copy_only=False), np.float32)
    lengths = np.unique(load("pyarrow.compute").list_value_length(column).to_numpy())
    if len(lengths) > 1:
        raise UserError(f"{path}: expected vectors of one length, found {lengths[0]} and {lengths[1]}")
    return flat.reshape(len(column), int(lengths[0]) if len(lengths) else 0)
