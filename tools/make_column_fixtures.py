#!/usr/bin/env python3
"""Writes tests/data/dataset/columns/: files of one head whose columns have unusual types, and expected.json
with the values that pyarrow reads from each, or the sentence with which `analyze` refuses it.

    tools/make_column_fixtures.py      # pyarrow 22.0.0, numpy"""

import decimal
import json
import pathlib
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

OUT = pathlib.Path(__file__).parent.parent / "tests/data/dataset/columns"
ROWS, DIM = 6, 4
NUMBERS = np.array([[(r * 5 + j * 3) % 11 / 4 - 1 for j in range(DIM)] for r in range(ROWS)], np.float32)
IDS = [3, 3, 3, 7, 7, 9]
BUCKETS = [0, 1, 1, 0, 2, 2]


def vectors(numbers, element=None):
    return pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel(), element), DIM)


def tensors(shape, dtype=np.float32):
    kind = pa.fixed_shape_tensor(pa.from_numpy_dtype(dtype), shape)
    return pa.ExtensionArray.from_storage(kind, vectors(NUMBERS.astype(dtype)))


def bfloat16_bits():
    return (NUMBERS.view(np.uint32) >> 16).astype(np.uint16)


def decimals(numbers, kind):
    return pa.array([decimal.Decimal(x) for x in numbers], kind)


def binary_pairs():
    values = pa.array([word.tobytes() for word in bfloat16_bits().ravel()], pa.binary(2))
    return pa.FixedSizeListArray.from_arrays(values, DIM)


def lists(kind):
    return pa.array(NUMBERS.tolist(), kind)


def nulls(kind):
    return pa.array([None] * ROWS, kind)


EXTRA = {
    "struct": pa.array([{"a": [1], "b": {"c": "x"}}] * ROWS),
    "map": pa.array([[("k", {"x": [1.5]})]] * ROWS,
                    pa.map_(pa.string(), pa.struct([("x", pa.list_(pa.float64()))]))),
    "decimal256": decimals(["1.25"] * ROWS, pa.decimal256(60, 2)),
    "dictionary": pa.array(["a", "b"] * 3).dictionary_encode(),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)] * ROWS, pa.binary(16))),
    "duration": pa.array([1] * ROWS, pa.duration("us")),
    "null": pa.nulls(ROWS),
}
READ = {
    "id_uint64": {"example_id": pa.array([2**63 + 5, 2**63 + 5, 1, 2**64 - 1, 2**64 - 1, 1], pa.uint64())},
    "id_above_2_53": {"example_id": pa.array([2**53, 2**53 + 1, -(2**63), 2**63 - 1, 0, 0])},
    "id_float64": {"example_id": pa.array([float(x) for x in IDS])},
    "id_float16": {"example_id": pa.array(np.array(IDS, np.float16))},
    "id_decimal38": {"example_id": decimals([2**64 - 1, 0, 0, 5, 5, 5], pa.decimal128(38, 0))},
    "id_decimal_scale": {"example_id": decimals(["-3.00"] * ROWS, pa.decimal128(9, 2))},
    "id_dictionary": {"example_id": pa.array(IDS).dictionary_encode()},
    "bucket_negative": {"bucket": pa.array([-3, -2, -2, -3, -1, -1], pa.int8())},
    "bucket_float32": {"bucket": pa.array([-0.0, 1, 1, 0, 2, 2], pa.float32())},
    "bucket_wide": {"bucket": pa.array([-(2**63), 2**63 - 1, 0, 0, 2**40, 2**40])},
    "position_2_53": {"position": pa.array([2**53, 2**53 - 1, 0, 1, 2, 3], pa.uint64())},
    "position_2_53_and_1": {"position": pa.array([2**53 + 1, 2**53 + 1, 0, 1, 2, 3])},
    "position_negative": {"position": pa.array([0, -1, 0, 1, 2, 3], pa.int8())},
    "window_null_string": {"sliding_window": nulls(pa.string())},
    "window_null_list": {"sliding_window": nulls(pa.list_(pa.int8()))},
    "window_null_struct": {"sliding_window": nulls(pa.struct([("a", pa.int8()), ("b", pa.string())]))},
    "window_null_date": {"sliding_window": nulls(pa.date32())},
    "window_null_bool": {"sliding_window": nulls(pa.bool_())},
    "window_nan": {"sliding_window": pa.array(np.full(ROWS, np.nan, np.float16))},
    "window_decimal": {"sliding_window": decimals(["128.0"] * ROWS, pa.decimal128(5, 1))},
    "vector_tensor": {"vector": tensors([DIM])},
    "vector_tensor_row": {"vector": tensors([1, DIM])},
    "vector_tensor_float16": {"vector": tensors([DIM], np.float16)},
    "vector_large_list": {"vector": lists(pa.large_list(pa.float32()))},
    "vector_float64": {"vector": lists(pa.list_(pa.float64()))},
    "vector_float16": {"vector": vectors(NUMBERS.astype(np.float16))},
    "vector_uint16": {"vector": vectors(bfloat16_bits())},
    "vector_int16": {"vector": vectors(bfloat16_bits().view(np.int16))},
    "vector_binary2": {"vector": binary_pairs()},
    **{f"extra_{name}": {"extra": column} for name, column in EXTRA.items()},
}
VECTOR = ("column vector: expected lists of float32, float16, bfloat16 (its bits as uint16, int16 or "
          "2-byte binary) or float64, found ")
ID = "column example_id: expected integers or whole floats, a number for each document, found "
REFUSED = {
    "id_string": ({"example_id": pa.array(list("aabbcc"))}, ID + "string"),
    "id_bool": ({"example_id": pa.array([True] * ROWS)}, ID + "bool"),
    "id_timestamp": ({"example_id": pa.array(IDS, pa.timestamp("us"))}, ID + "timestamp[us]"),
    "id_null": ({"example_id": pa.array([1, 1, None, 2, 2, 2])},
                "row 2: column example_id: expected an integer, found null"),
    "id_half": ({"example_id": pa.array([1, 1.5, 1, 1, 1, 1])},
                "row 1: column example_id: expected a whole number, found 1.5"),
    "position_float32": ({"position": pa.array(np.array([0, 2**24 + 2, 0, 0, 0, 0], np.float32))},
                         "row 1: column position: found 16777218, but floats of this width hold every "
                         "integer only below 2^24; store the column as integers"),
    "bucket_uint64": ({"bucket": pa.array([0, 2**63, 0, 0, 0, 0], pa.uint64())},
                      "row 1: column bucket: expected at most 2^63 - 1, found 9223372036854775808"),
    "bucket_date": ({"bucket": pa.array(BUCKETS, pa.int32()).cast(pa.date32())},
                    "column bucket: expected integers or whole floats, found date32[day]"),
    "window_string": ({"sliding_window": pa.array(["128"] * ROWS)},
                      "row 0: column sliding_window: expected an integer, a whole float or null, found "
                      "128 (string)"),
    "vector_matrix": ({"vector": tensors([2, 2])}, "column vector: expected one vector in every row, found "
                      "tensors of shape [2, 2]"),
    "vector_int8": ({"vector": vectors((NUMBERS * 4).astype(np.int8))}, VECTOR + "list<element: int8>"),
    "vector_blob": ({"vector": pa.array([row.tobytes() for row in NUMBERS], pa.binary(16))},
                    VECTOR + "fixed_size_binary[16]"),
    "vector_nested": ({"vector": pa.array([[row] for row in NUMBERS.tolist()],
                                          pa.list_(pa.list_(pa.float32())))},
                      VECTOR + "list<element: list<element: float>>"),
}


def table(changes):
    columns = {"bucket": pa.array(BUCKETS, pa.int32()), "example_id": pa.array(IDS),
               "position": pa.array([5, 17, 30, 2, 40, 44], pa.int32()), "vector": vectors(NUMBERS),
               "sliding_window": pa.array([128] * ROWS, pa.int32())}
    return pa.table({**columns, **changes})


def write(name, changes, **options):
    pq.write_table(table(changes), OUT / f"{name}.parquet", **options)


def patch(name, old, new):
    """Replaces bytes of the footer, which keeps its length."""
    path = OUT / f"{name}.parquet"
    data = path.read_bytes()
    begin = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    footer = data[begin:]
    assert len(old) == len(new) and footer.count(old) == 1, (name, footer.count(old))
    path.write_bytes(data[:begin] + footer.replace(old, new))


def write_what_arrow_cannot_read():
    """Further columns that make Arrow refuse the file."""
    texts = pa.array(["{}"] * ROWS)
    json_column = pa.ExtensionArray.from_storage(pa.json_(), texts)
    write("extra_unknown_type", {"extra": json_column}, store_schema=False)
    patch("extra_unknown_type", b"\xcc\x00\x00", b"\xfc\x00\x00")  # JSON becomes FLOAT16, on strings
    write("extra_map_with_null_keys", {"extra": EXTRA["map"]}, store_schema=False)
    patch("extra_map_with_null_keys", b"\x25\x00\x18\x03key", b"\x25\x02\x18\x03key")  # optional keys
    write("extra_unknown_codec", {"extra": texts}, compression={"extra": "gzip"}, use_dictionary=False)
    patch("extra_unknown_codec", b"\x19\x18\x05extra\x15\x04", b"\x19\x18\x05extra\x15\x06")  # LZO
    write("extra_damaged_schema", {}, store_schema=True)
    patch("extra_damaged_schema", b"/////", b"?????")  # of ARROW:schema, in base64
    return ["extra_unknown_type", "extra_map_with_null_keys", "extra_unknown_codec", "extra_damaged_schema"]


def expected(columns):
    """Values as JSON: integers as text, since ids go up to 2^64; no window as null."""
    def integers(name):
        return [None if x is None or x != x else str(int(x)) for x in columns[name].to_pylist()]
    return {name: integers(name) for name in ("bucket", "position", "example_id", "sliding_window")}


def read_back(name):
    return expected(pq.read_table(OUT / f"{name}.parquet", columns=["bucket", "position", "example_id",
                                                                   "sliding_window"]))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for name, changes in READ.items():
        write(name, changes)
    for name, (changes, _) in REFUSED.items():
        write(name, changes)
    write("extra_int96", {"extra": pa.array([10**9] * ROWS, pa.timestamp("ns"))},
          use_deprecated_int96_timestamps=True)
    twice = table({}).append_column("x.y", pa.array(IDS)).append_column("x.y", pa.array(list("abcdef")))
    pq.write_table(twice.append_column("vector.list.element", pa.array(IDS)), OUT / "extra_names.parquet")
    read = {name: read_back(name) for name in [*READ, "extra_int96"]}
    for name in [*write_what_arrow_cannot_read(), "extra_names"]:
        read[name] = expected(table({}))
    (OUT / "expected.json").write_text(json.dumps(
        {"vectors": NUMBERS.tolist(), "read": read,
         "refused": {name: sentence for name, (_, sentence) in REFUSED.items()}}, indent=1) + "\n")


if __name__ == "__main__":
    main()
