#!/usr/bin/env python3
"""Folder dependencies: a file under src/<folder>/ may include its own folder, the DEPS of the
folder's qk_module() call in CMakeLists.txt, and what those reach. src/torch/ is no such module but
a plugin of its own: it includes device/torch_api.h and torch's headers, which no other folder does.
Also: no architecture's name outside src/arch/ and tests, every citation of a document leads to a
page and heading in docs/, and docs/reliability.md names tests that are there.
Exit code 1 with one line per finding."""

import io
import pathlib
import re
import sys
import tokenize

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Names that only src/arch/ may use: those of its files.
NAMES = {path.stem for path in (ROOT / "src" / "arch").glob("*.cc") if "_test" not in path.stem}
ARCHITECTURES = rf"\b({'|'.join(sorted(NAMES - {'llama', 'registry'}))})\b"
# `llama` is also a rope type, a GGUF tokenizer model and a scaling rule, so only its use as an
# architecture (in a comparison, or as a model type) is refused.
LLAMA = r"(model_type|architecture|name)\s*(==|!=)\s*\"llama\""

# Its table lists the names that GGUF files give to rules for splitting text; some of them are also
# names of architectures.
EXEMPT = {"src/tokenizer/gguf_pretokenizers.cc"}

# The folder of the plugin (cmake/torch.cmake), what it shares with the program, and what the tests
# of the plugin compare it with.
PLUGIN = "torch"
PLUGIN_INTERFACE = "device/torch_api.h"
PLUGIN_TEST_FOLDERS = {"base", "kernels"}
TORCH_HEADERS = r"#include <((?:ATen|c10|caffe2|torch)/[^>]*)>"


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


def plugin_findings(path, text):
    """What a file of the plugin includes and should not."""
    for included in re.findall(r'#include "([^"]+)"', text):
        folder = included.split("/")[0]
        if folder == PLUGIN or included == PLUGIN_INTERFACE:
            continue
        if path.name.endswith("_test.cc") and folder in PLUGIN_TEST_FOLDERS:
            continue
        yield f"{path}: {PLUGIN}/ may not include {included}, only {PLUGIN_INTERFACE}"


def findings():
    reach = reachable(declared_dependencies((ROOT / "CMakeLists.txt").read_text()))
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cc", ".cu"):
            continue
        folder = path.relative_to(ROOT / "src").parts[0]
        text = path.read_text()
        if folder == PLUGIN:
            yield from plugin_findings(path, text)
            continue
        for included in re.findall(TORCH_HEADERS, text):
            yield f"{path}: only {PLUGIN}/ may include <{included}>"
        if folder not in reach:
            yield f"{path}: folder {folder} has no qk_module() in CMakeLists.txt"
            continue
        for included in re.findall(r'#include "([^"/]+)/', text):
            if included not in reach[folder]:
                yield f"{path}: {folder}/ may not include {included}/"
        if folder == "arch" or path.name.endswith(("_test.cc", "unsupported_models.cc")):
            continue
        if path.relative_to(ROOT).as_posix() in EXEMPT:
            continue
        code = strip_comments(text)
        for pattern in (ARCHITECTURES, LLAMA):
            for match in re.finditer(pattern, code, flags=re.I):
                line = code[: match.start()].count("\n") + 1
                yield f"{path}:{line}: architecture name '{match.group(0)}' outside src/arch/"


# docs/page.md, docs/page.md, "Heading" or docs/page.md, section "Heading".
CITATION = r'docs/[\w./-]*\.md(?:, (?:section )?"([^"]+)")?'
# A section number: the documents in docs/ have none.
NUMBERED = r"\.md \d|\bsections? \d"
# Codes of the original's defects, and the page whose table explains them.
DEFECTS = {"A": "docs/analysis.md", "D": "docs/config.md"}


def comments(path):
    """(line, text) of each comment of a C++ or Rust file; of each comment and string of a Python
    file. Consecutive lines of // or # are one comment, since a citation may span lines."""
    text = path.read_text()
    if path.suffix == ".py":
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        kinds = (tokenize.COMMENT, tokenize.STRING)
        pieces = [(t.start[0], t.string) for t in tokens if t.type in kinds]
    else:
        pieces = [(text.count("\n", 0, found.start()) + 1, found.group())
                  for found in re.finditer(r"//[^\n]*|/\*.*?\*/", text, flags=re.S)]
    found = []
    for line, piece in pieces:
        words = re.sub(r"\s+", " ", piece.lstrip("/#* "))
        if found and piece[0] in "/#" and line == found[-1][1] + 1:
            found[-1] = (found[-1][0], line, found[-1][2] + " " + words)
        else:
            found.append((line, line, words))
    return [(first, words) for first, _, words in found]


def headings(page):
    return re.findall(r"^#+ (.*)$", page.read_text(), flags=re.M)


def citation_problems(text):
    """One sentence for each citation in this comment that a reader could not look up."""
    for number in re.findall(NUMBERED, text):
        yield f"cites {number!r}: name a heading in docs/ or state the rule"
    for letter, number in re.findall(r"\b([AD])-(\d+)\b", text):
        page = DEFECTS[letter]
        if page not in text:
            yield f"{letter}-{number}: name {page}, where it is explained"
        elif f"| {letter}-{number} |" not in (ROOT / page).read_text():
            yield f"{letter}-{number} is not in the table of {page}"
    for citation in re.finditer(CITATION, text):
        page = ROOT / citation.group().split(",")[0]
        if not page.exists():
            yield f"{citation.group()}: there is no such page"
        elif citation.group(1) and citation.group(1) not in headings(page):
            yield f"{citation.group()}: the page has no such heading"


def citation_findings():
    for folder in ("src", "rust", "tools", "tests", "bench"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".h", ".cc", ".cu", ".rs", ".py") or path == pathlib.Path(__file__):
                continue
            for line, text in comments(path):
                for problem in citation_problems(text):
                    yield f"{path}:{line}: {problem}"


def table_findings():
    """The table of docs/development.md lists the folders in the order of their qk_module() calls."""
    page = ROOT / "docs" / "development.md"
    listed = re.findall(r"^\| `(\w+)/` \|", page.read_text(), flags=re.M)
    declared = list(declared_dependencies((ROOT / "CMakeLists.txt").read_text()))
    if listed != declared:
        yield f"{page}: expected the folders {' '.join(declared)}, found {' '.join(listed)}"


def test_findings():
    """The tests in Python that a table of docs/reliability.md gives with the letter of their file, as in
    "S: `a`, `b`; T: `c`", are named in that file."""
    page = ROOT / "docs" / "reliability.md"
    tests = list((ROOT / "tests").rglob("*_test.py"))
    for section in re.split("^##", page.read_text(), flags=re.M):
        for letter, name in re.findall(r"\b([A-Z])(?: stands)?\s+for\s+`([\w./]+\.py)`", section):
            text = "".join(path.read_text() for path in tests if f"{path}".endswith(f"/{name}"))
            for listed in re.findall(rf"\b{letter}: ((?:`\w+`(?:, )?)+)", section):
                for test in re.findall(r"\w+", listed):
                    if test not in text:
                        yield f"{page}: {letter} stands for {name}, which has no test {test}"


if __name__ == "__main__":
    found = [*findings(), *table_findings(), *citation_findings(), *test_findings()]
    print("\n".join(found) if found else "folder dependencies: as declared")
    sys.exit(1 if found else 0)
