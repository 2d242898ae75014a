#!/usr/bin/env python3
"""Folder dependencies: a file under src/<folder>/ may include its own folder, the DEPS of the
folder's qk_module() call in CMakeLists.txt, and what those reach. Also: no architecture's name
outside src/arch/ and tests. Exit code 1 with one line per finding."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Names that only src/arch/ may know. Words that mean something else too are not in the list.
ARCHITECTURES = r"\b(mistral3?|ministral3?|mllama|qwen[23]?|gemma3?|glm4?|smollm3)\b"
# `llama` is also a rope type, a GGUF tokenizer model and a scaling rule; only its bare use as an
# architecture (a comparison or a model type) is refused.
LLAMA = r"(model_type|architecture|name)\s*(==|!=)\s*\"llama\""

# Its table lists the names that GGUF files give to their ways of splitting text: data of that
# format, though some of them are names of architectures too.
EXEMPT = {"src/tokenizer/gguf_pretokenizers.cc"}


def reachable(deps):
    reach = {}

    def visit(folder):
        if folder not in reach:
            reach[folder] = {folder}
            for dep in deps.get(folder, []):
                reach[folder] |= visit(dep)
        return reach[folder]

    for folder in deps:
        visit(folder)
    return reach


def declared_dependencies(cmake_text):
    deps = {}
    for call in re.findall(r"qk_module\(([^)]*)\)", cmake_text):
        words = call.split()
        section, names = None, []
        for word in words[1:]:
            if word in ("DEPS", "LINK"):
                section = word
            elif section == "DEPS":
                names.append(word)
        deps[words[0]] = names
    return deps


def strip_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def findings():
    reach = reachable(declared_dependencies((ROOT / "CMakeLists.txt").read_text()))
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cc", ".cu"):
            continue
        folder = path.relative_to(ROOT / "src").parts[0]
        text = path.read_text()
        if folder not in reach:
            yield f"{path}: folder {folder} has no qk_module() in CMakeLists.txt"
            continue
        for included in re.findall(r'#include "([^"/]+)/', text):
            if included not in reach[folder]:
                yield f"{path}: {folder}/ may not include {included}/"
        if folder == "arch" or path.name.endswith("_test.cc"):
            continue
        if path.relative_to(ROOT).as_posix() in EXEMPT:
            continue
        code = strip_comments(text)
        for pattern in (ARCHITECTURES, LLAMA):
            for match in re.finditer(pattern, code, flags=re.I):
                line = code[: match.start()].count("\n") + 1
                yield f"{path}:{line}: architecture name '{match.group(0)}' outside src/arch/"


if __name__ == "__main__":
    found = list(findings())
    print("\n".join(found) if found else "folder dependencies: as declared")
    sys.exit(1 if found else 0)
