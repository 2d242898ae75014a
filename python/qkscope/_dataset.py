"""A captured dataset, read from Python (docs/dataset-format.md)."""

from __future__ import annotations

import html
import json
import operator
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ._arguments import option_words
from ._arrays import load, reading
from ._errors import UserError
from ._rows import Rows, concatenated, num_rows, read_batches
from ._run import run

Vector = Literal["post_rope", "pre_rope"]
ROW_GROUP = 65536  # rows of a row group, and the usual batch

_FOLDER = re.compile(r"l(\d{2,})h(\d{2,})([qk])")
_PARQUET = (".parquet", ".parq", ".pq")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(@.+)?")


class Head(NamedTuple):
    """One head: `layer` and `head` count from 0; `kind` is "q" for queries and "k" for keys. Key
    heads have numbers of their own.

    >>> Head(0, 3, "q").name
    'l00h03q'
    """

    layer: int
    head: int
    kind: str

    @property
    def name(self) -> str:
        """Its folder, and its configuration in `datasets.load_dataset`."""
        return f"l{self.layer:02}h{self.head:02}{self.kind}"


class Dataset:
    """A dataset of query and key vectors. `qkscope.open` and `qkscope.sniff` return one.

    >>> ds.heads[0], len(ds.heads)
    (Head(layer=0, head=0, kind='k'), 18)
    >>> ds.geometry["num_attention_heads"], ds.geometry["num_key_value_heads"]
    (4, 2)

    Nothing is read before it is asked for. Threads: safe.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        """the folder"""
        if not self.path.is_dir():
            raise UserError(f"{self.path}: expected the folder of a dataset, found none")
        if not self.heads:
            raise UserError(
                f"{self.path}: expected heads of a dataset (l00h00q, ...), found none"
                + (
                    ", only the journal of an unfinished run: sniff with resume=True finishes it"
                    if (self.path / ".qkscope").is_dir()
                    else ""
                )
            )

    @cached_property
    def heads(self) -> list[Head]:
        """The captured heads, in order of their names."""
        found = (_FOLDER.fullmatch(name) for name in os.listdir(self.path))
        heads = [Head(int(match[1]), int(match[2]), match[3]) for match in found if match]
        return sorted(head for head in heads if (self.path / head.name).is_dir())

    @cached_property
    def geometry(self) -> dict[str, Any]:
        """The structure of the model's attention: numbers of heads, `head_dim`, `softmax_scale`,
        `rope`, for each layer its window in tokens. Empty for datasets without footers."""
        return self._footer(b"qkscope.geometry")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Where the vectors come from: model, tokenizer and corpus with digests, the complete
        configuration, the program. Empty for datasets without footers."""
        return self._footer(b"qkscope.provenance")

    @cached_property
    def documents(self) -> Any:
        """A pyarrow.Table, a row for each document in the order of the corpus: `example_id`,
        `document` (its name), `tokens`, `truncated`, `rows`. None if the dataset has no such file.

        >>> ds.documents["document"].to_pylist()[:2]
        ['doc-0', 'doc-1']
        """
        path = self.path / "documents.parquet"
        if not path.exists():
            return None
        with reading(path):
            return load("pyarrow.parquet").read_table(path)

    def key_head(self, query_head: int) -> int:
        """The key head that serves a query head (grouped-query attention).

        >>> [ds.key_head(head) for head in range(4)]
        [0, 0, 1, 1]
        """
        if "query_heads_per_key_head" not in self.geometry:
            raise UserError(f"{self.path}: its footers do not say which key head serves a query head")
        num_heads = int(self.geometry["num_attention_heads"])
        if not 0 <= operator.index(query_head) < num_heads:
            raise UserError(f"{self.path}: expected a query head from 0 to {num_heads - 1}, found {query_head}")
        return query_head // int(self.geometry["query_heads_per_key_head"])

    def queries(self, layer: int, head: int, vector: Vector | None = None) -> Rows:
        """The queries of query head `head`, float32 [rows, head_dim], with their places.

        All query heads of a layer have the same rows in the same order; queries and keys have not,
        unless the capture had `positions: shared`. Scores of the model are
        `softmax_scale * q @ k.T`, for vectors after the rotary embedding.

        Args:
            vector: "post_rope" or "pre_rope", after or before the rotary embedding; without it,
                what the column `vector` holds

        Raises UserError if the head or such vectors were not captured.

        >>> ds.queries(0, 1)
        <77 rows of 8 numbers>
        """
        return self._read(Head(layer, head, "q"), vector)

    def keys(self, layer: int, head: int, vector: Vector | None = None) -> Rows:
        """The keys of key head `head`, as `queries` does it. `key_head` says which one serves a
        query head."""
        return self._read(Head(layer, head, "k"), vector)

    def iter_batches(
        self, head: Head, vector: Vector | None = None, batch_rows: int = ROW_GROUP
    ) -> Iterator[Rows]:
        """The rows of a head, one of `heads`, at most `batch_rows` at a time: for what is larger
        than memory.

        >>> sum(len(rows) for rows in ds.iter_batches(ds.heads[0], batch_rows=50))
        95
        """
        for path in self._files(head):
            yield from read_batches(path, self._column(path, vector), batch_rows)

    def _read(self, head: Head, vector: Vector | None) -> Rows:
        files = self._files(head)
        total = sum(map(num_rows, files))
        rows = concatenated(self.iter_batches(head, vector), total, str(self.path / head.name))
        if rows is None:
            raise UserError(f"{files[0]}: expected rows, found none")
        return rows

    def _files(self, head: Head) -> list[str]:
        folder = self.path / head.name
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        files = [
            str(folder / name)
            for name in names
            if name.lower().endswith(_PARQUET) and not name.startswith(".")
        ]
        if not files:
            what = "query head" if head.kind == "q" else "key head"
            others = [h.head for h in self.heads if (h.layer, h.kind) == (head.layer, head.kind)]
            raise UserError(
                f"{self.path}: {what} {head.head} of layer {head.layer} was not captured; of this "
                f"layer there are {', '.join(map(str, others)) or 'none'}"
            )
        return files

    def _column(self, path: str, vector: Vector | None) -> str:
        if vector is None:
            return "vector"
        if vector not in ("post_rope", "pre_rope"):
            raise UserError(f"vector: expected 'post_rope' or 'pre_rope', found {vector!r}")
        if self.geometry.get("vector") == vector:
            return "vector"
        if vector == "pre_rope":
            with reading(path):
                if "vector_pre_rope" in load("pyarrow.parquet").read_schema(path).names:
                    return "vector_pre_rope"
        raise UserError(f"{path}: expected vectors {vector}, found none (capture.rope of the run)")

    def _footer(self, key: bytes) -> dict[str, Any]:
        path = self._files(self.heads[0])[0]
        with reading(path):
            metadata = load("pyarrow.parquet").read_metadata(path).metadata or {}
        value = json.loads(metadata.get(key, b"{}"))
        return value if isinstance(value, dict) else {}

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        queries = sum(head.kind == "q" for head in self.heads)
        layers = len({head.layer for head in self.heads})
        return (
            f"<qkscope dataset {self.path}: {queries} query heads and "
            f"{len(self.heads) - queries} key heads of {layers} layers>"
        )

    def _repr_html_(self) -> str:
        return html.escape(repr(self))


def open_dataset(
    dataset: str | os.PathLike[str], heads: str | list[str] | None = None, quiet: bool = False
) -> Dataset:
    """Opens a dataset: a folder, or a repository of the Hugging Face Hub, `org/name` or
    `org/name@branch`, whose files are downloaded to the Hub's cache once (docs/hub.md).

    What is there on the disk is a folder; only another name is a repository.

    Args:
        heads: of a repository only these, such as "l00h*" or ["l00h*", "l01h0[0-3]q"]
        quiet: shows no progress of the download

    >>> qkscope.open(folder)
    <qkscope dataset ...out: 12 query heads and 6 key heads of 3 layers>
    """
    name = os.fspath(dataset)
    if Path(name).expanduser().exists() or not _REPOSITORY.fullmatch(name):
        return Dataset(name)
    return Dataset(run("fetch", name, *option_words({"heads": heads}), quiet=quiet).rstrip("\n"))
