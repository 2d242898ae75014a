#!/usr/bin/env python3
"""Writes tests/data/dotenv/cases.json: texts of .env files and what python-dotenv 1.2.1 reads in
them. Run it with that package installed; the texts are the same each time."""

import io
import json
import logging
import os
import pathlib
import random

from dotenv import main

TARGET = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "dotenv" / "cases.json"
ENVIRONMENT = {"SET_VAR": "from env", "EMPTY_VAR": ""}

WRITTEN = [
    "HF_TOKEN=hf_abc", "export HF_TOKEN=hf_abc # mine\n", "A=1\nB = 2\n C\t=\t3\n", "A='x y' # c\n",
    'A="x\\ty\\n\\"z\\" \\q"\nB=1', "A='it\\'s \\\\ \\n'", "A=\"two\nlines\"\nB=after\n", "A=a#b\nB=a #b\nC=#c\n",
    "A=\nB=''\nC=\"\"\nD", "=x\nA=1\n", "A B=1\nC=2", "A='open\nB=2\n", "A=\"x\" y\nB=2\n", "export\nexport A\n",
    "'quoted key'=1\n''=2\n", "A=1\r\nB=2\rC=3", "A=${SET_VAR}/x\nB=${A}-${NONE:-d}-${NONE}-${EMPTY_VAR:-e}\n",
    "A=1\nA=${A}2\nB=${A}", "SET_VAR=file\nB=${SET_VAR}", "A=${open\nB=$A ${} ${:-x} ${B:x}", "A='${SET_VAR}'\n",
    "\n\n  # c\n\tA=1\n#B=2\nC=3#\n", "A=x\u00a0 \u2003#c\nB=\u00a0y\u3000\n", "\u00e4=\u00fc\n", "A=\"a\\\\\"\nB=1",
    "A=\"a\\\"\nB=1", "A='a\\\\'\nB=1", "A=\"a\\\"b\\\"\nB=1\n", "A=1 B=2\n", "A==b=\n", "export  export=1\n",
    "exportA=1", "A=\"1\"#c\nB='2'   #c\n", "A=\\n\nB=\\\nC=x\n", "A=\x0b1\x0c\n", "A=\"\\a\\b\\f\\v\\r\\0\\x41\"",
]
PIECES = ["A", "B", "SET_VAR", "=", " = ", " ", "\t", "\n", "\r\n", "'", '"', "\\", "\\'", '\\"', "\\n", "#", " #",
          "x", "y z", "${A}", "${B:-d}", "${", "}", "$", ":-", "export ", "\u00a0", "1"]


def random_text(source):
    return "".join(source.choice(PIECES) for _ in range(source.randint(1, 24)))


def read(text):
    # As from a file, whose line ends Python makes plain.
    plain = io.StringIO(text, newline=None).read()
    stream = io.StringIO(plain, newline="")
    entry = main.DotEnv(dotenv_path=None, stream=stream, interpolate=True, override=False)
    return entry.dict()


def cases():
    source = random.Random(20261129)
    texts = WRITTEN + [random_text(source) for _ in range(600)]
    return [{"text": text, "values": read(text)} for text in dict.fromkeys(texts)]


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case) for case in cases())
    document = json.dumps(ENVIRONMENT)
    TARGET.write_text(f'{{"environment": {document}, "cases": [\n{lines}\n]}}\n')
