"""What the journals of a run hold: docs/dataset-format.md, section "Journal"."""

import contextlib
import glob
import os
import re
import struct

END = 2


def whole_documents(path):
    """{document: its tokens} of those whose end is there."""
    with open(path, "rb") as file:
        data = file.read()
    found = {}
    if len(data) < 16:
        return found
    at = (16 + struct.unpack_from("<I", data, 12)[0] + 7) // 8 * 8 + 8
    while data[at:at + 4] == b"QKJR" and at + 40 <= len(data):
        kind, document = struct.unpack_from("<Iq", data, at + 4)
        next_at = at + 48 + struct.unpack_from("<Q", data, at + 24)[0]
        if kind == END and next_at <= len(data):
            found[document], = struct.unpack_from("<q", data, at + 48)
        at = next_at
    return found


def of_starts(out):
    """{a start of the run, all its ranks together: {document: its tokens}}"""
    found = {}
    for path in glob.glob(f"{out}/.qkscope/journal*"):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            start = re.sub(r"\.\d+$", "", os.path.basename(path))
            found.setdefault(start, {}).update(whole_documents(path))
    return found


def of_folder(out):
    """{document: its tokens} of all journals together."""
    return {document: tokens for start in of_starts(out).values() for document, tokens in start.items()}


def computed_twice(out):
    """The documents that more than one start has made whole."""
    starts = [set(documents) for documents in of_starts(out).values()]
    return {document for i, start in enumerate(starts) for other in starts[:i] for document in start & other}
