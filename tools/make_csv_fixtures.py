#!/usr/bin/env python3
"""CSV files of many shapes, and what pandas reads from them: tests/data/figures/csv_cases.json.

usage: make_csv_fixtures.py   (needs pandas and zstandard)

Each case has the file's name, its bytes in base64, and the rows of the columns q_bucket, k_bucket
and ap_bucket as pandas.read_csv gives them, without those that have no value. The packed files are
written by pandas.DataFrame.to_csv, which chooses the packing by the name."""

import base64
import io
import json
import pathlib
import tempfile

import pandas

OUTPUT = pathlib.Path(__file__).parent.parent / "tests" / "data" / "figures" / "csv_cases.json"
COLUMNS = ["q_bucket", "k_bucket", "ap_bucket"]
HEADER = "layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n"
ROWS = "0,0,0,1,0,0.35\n0,0,0,2,0,0.40\n0,1,0,2,1,0.38\n"
WORDS = ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
         "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
SUFFIXES = [".gz", ".bz2", ".xz", ".zst", ".zip", ".tar.gz", ".tar.bz2", ".tar.xz"]


def texts():
    lines = ROWS.split()
    yield "multi-line.csv", "note," + HEADER + "".join(f'"a\nb, ""c""\r\n\n",{x}\n' for x in lines)
    yield "mark-crlf.csv", "\ufeff" + (HEADER + ROWS).replace("\n", "\r\n")
    yield "old-mac.csv", (HEADER + ROWS).replace("\n", "\r")
    yield "blank-lines.csv", "\n\n" + HEADER + "\n" + ROWS + "\n\n"
    yield "index.csv", "," + HEADER + "".join(f"{i},{x}\n" for i, x in enumerate(lines))
    yield "missing-words.csv", HEADER + ROWS + "".join(f"0,0,0,3,0,{x}\n" for x in WORDS)
    quoted = "".join(f'0,0,0,3,0,"{x}"\n' for x in WORDS)
    yield "missing-quoted.csv", HEADER + ROWS + quoted
    yield "missing-elsewhere.csv", HEADER + "".join(f"None,<NA>{x[3:]}\n" for x in lines)
    yield "blanks-plus.csv", HEADER + ROWS.replace("0.35", " +0.35 ").replace(",2,1", ", 2 ,+1")
    yield "whole-floats.csv", HEADER + ROWS.replace(",1,0,", ",1.0,0e0,")
    yield "short-numbers.csv", HEADER + ROWS.replace("0.35", "3.5E-1").replace("0.40", ".4")
    yield "quoted-header.csv", HEADER.replace("q_bucket", '"q_bucket"') + ROWS
    yield "no-last-line-end.csv", (HEADER + ROWS).rstrip()
    yield "semicolon-note.csv", "a;b;c," + HEADER + "".join(f"x;y,{x}\n" for x in lines)


def case(name, data, table):
    rows = table[COLUMNS].astype(float).dropna(subset=["ap_bucket"]).values.tolist()
    return {"name": name, "data": base64.b64encode(data).decode(), "rows": rows}


def main():
    cases = []
    for name, text in texts():
        data = text.encode()
        cases.append(case(name, data, pandas.read_csv(io.BytesIO(data))))
    table = pandas.read_csv(io.StringIO(HEADER + ROWS + "0,0,0,3,1,\n"))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in [*SUFFIXES, ".GZ"]:
            for stem in ("table.csv", "table"):
                path = pathlib.Path(folder) / (stem + suffix)
                table.to_csv(path, index=False)
                cases.append(case(path.name, path.read_bytes(), pandas.read_csv(path)))
    OUTPUT.write_text(json.dumps(cases, indent=0) + "\n")


if __name__ == "__main__":
    main()
