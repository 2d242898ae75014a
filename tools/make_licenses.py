#!/usr/bin/env python3
"""Third-party notices: what is inside the program, with its licences. Writes
third_party/notices.txt, which the program prints with --licenses, from the Rust crates of
rust/Cargo.lock (their sources must be there, as they are after any build) and
third_party/libraries.toml. Equal texts are written once.

usage: make_licenses.py [--check] [--cargo PATH]

--check writes nothing. It fails (exit code 1) if the file is not what would be written, because a
crate was added, removed or updated, or if tools/packages.txt has a library without an entry."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import textwrap
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "third_party" / "notices.txt"
PLATFORM = "x86_64-unknown-linux-gnu"

# The licences that may be inside, the one we take first. A text is one of them if it has the words.
LICENSES = {
    "Apache-2.0": "Apache License",
    "MIT": "Permission is hereby granted, free of charge",
    "BSD-2-Clause": "Redistributions in binary form",
    "BSD-3-Clause": "Neither the name",
    "Zlib": "Altered source versions",
    "Unicode-3.0": "UNICODE LICENSE V3",
}
LICENSE_FILE = re.compile(r"licen[cs]e|copying|copyright|notice", re.I)

# Crates whose LICENSE is a link that leads out of the package, and the text that it means.
LINKED_LICENSE = dict.fromkeys(["plotters", "plotters-backend", "plotters-svg"],
                               "third_party/licenses/plotters.txt")
# Licences deeper in a crate, of code or data that is compiled in.
NESTED = {"onig_sys": ["oniguruma/COPYING"], "regex-syntax": ["src/unicode_tables/LICENSE-UNICODE"]}
# Licences deeper in a crate, of files that are not.
NOT_COMPILED = {"fontdb": ["tests/fonts/LICENSE.txt"], "rustybuzz": ["scripts/ms-use/COPYING"],
                "ttf-parser": ["tests/fonts/colr_1_LICENSE"]}
# Files beside the licence that name further authors of what is compiled in.
BESIDE = {"minimal-lexical": ["LICENSE.md"]}
# NOTICE files: from these words on they are about files for tests.
NOTICE_ENDS = {"subsetter": "# Fonts", "svg2pdf": "The CC BY-SA 4.0 License applies to:"}


def one_line(text):
    return " ".join(text.split())


class Texts:
    """Licence texts by number; texts that differ in white space alone are the same."""

    def __init__(self):
        self.numbers, self.texts = {}, []

    def number(self, text):
        key = one_line(text)
        if key not in self.numbers:
            self.texts.append("\n".join(line.rstrip() for line in text.strip("\n").splitlines()))
            self.numbers[key] = len(self.texts)
        return self.numbers[key]


def cargo(program, command, *options):
    manifest = ["--locked", "--offline", "--manifest-path", ROOT / "rust" / "Cargo.toml"]
    done = subprocess.run([program, command, *manifest, *options], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"cargo {command}: {done.stderr}")
    return done.stdout


def crates(program):
    """The packages of cargo metadata that the static library is made of, but our own."""
    tree = cargo(program, "tree", "--package", "native", "--edges", "normal", "--target", PLATFORM,
                 "--prefix", "none", "--format", "{p}")
    used = {tuple(line.split()[:2]) for line in tree.splitlines()}
    metadata = json.loads(
        cargo(program, "metadata", "--format-version", "1", "--filter-platform", PLATFORM))
    found = [package for package in metadata["packages"]
             if package["source"] and (package["name"], "v" + package["version"]) in used]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def alternatives(expression):
    """"(MIT OR Apache-2.0) AND Zlib" -> [["MIT", "Apache-2.0"], ["Zlib"]]; "/" is an OR."""
    parts = re.split(r"\s+AND\s+", expression.replace("/", " OR "))
    return [re.split(r"\s+OR\s+", part.strip(" ()")) for part in parts]


def file_with(files, license_id):
    """The name of the file that holds the licence, one that is named after it first."""
    word = license_id.split("-")[0].upper()
    names = sorted(files, key=lambda name: (word not in name.upper(), name))
    return next((name for name in names if LICENSES[license_id] in one_line(files[name])), None)


def choose(package, files):
    """Which licences we take, and the files that hold them."""
    taken = []
    for part in alternatives(package["license"]):
        choice = next((license_id for license_id in LICENSES
                       if license_id in part and file_with(files, license_id)), None)
        if choice is None:
            sys.exit(f"{package['name']}: no text for any of {part} that may be inside was found")
        taken.append((choice, file_with(files, choice)))
    return taken


def without_template(text):
    """The Apache licence without its appendix, which people fill in or not."""
    end = "END OF TERMS AND CONDITIONS"
    return text[:text.index(end) + len(end)] if end in text else text


def is_apache(text):
    def words(whole):
        return without_template(whole).replace("https:", "http:").split()
    return words(text) == words((ROOT / "LICENSE").read_text())


def copyright_lines(files):
    found = []
    for _, text in sorted(files.items()):
        for line in text.splitlines():
            match = re.match(r"\W*((?:copyright|\(c\)|©).*\d{4}.*[a-z]{2}.*)", line, re.I)
            if match and match[1].strip() not in found:
                found.append(match[1].strip())
    return found


def nested_files(package, folder):
    """Paths of further texts. A licence deeper in the crate that no table knows ends the run."""
    name = package["name"]
    deeper = {path.relative_to(folder).as_posix() for path in folder.rglob("*")
              if path.is_file() and path.parent != folder and LICENSE_FILE.search(path.name)
              and path.suffix != ".rs"}
    unknown = deeper - set(NESTED.get(name, []) + NOT_COMPILED.get(name, []))
    if unknown:
        sys.exit(f"{name}: is what {sorted(unknown)} are about compiled in? See NESTED")
    return NESTED.get(name, []) + BESIDE.get(name, [])


def notice(package, files):
    """The part of the crate's NOTICE file that is about what is compiled in."""
    if "NOTICE" not in files:
        return []
    end = NOTICE_ENDS.get(package["name"])
    if end is None:
        sys.exit(f"{package['name']}: how much of NOTICE is about the code? See NOTICE_ENDS")
    return [files["NOTICE"][:files["NOTICE"].index(end)].rstrip("=\n") + "\n"]


def license_files(package, folder):
    """name -> text of the files about licences at the top of the crate."""
    files = {path.name: path.read_text() for path in sorted(folder.iterdir())
             if path.is_file() and LICENSE_FILE.search(path.name)}
    if package["name"] in LINKED_LICENSE:
        files["LICENSE"] = (ROOT / LINKED_LICENSE[package["name"]]).read_text()
    return files


def crate_entry(package, texts):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = license_files(package, folder)
    taken = choose(package, files)
    chosen = [files[name] for _, name in taken]
    chosen += [(folder / path).read_text() for path in nested_files(package, folder)]
    chosen += notice(package, files)
    chosen = [(ROOT / "LICENSE").read_text() if is_apache(text) else text for text in chosen]
    lines = [f"{package['name']} {package['version']}", f"licence: {package['license']}"]
    if " OR " in package["license"] or "/" in package["license"]:
        lines[-1] += "; taken: " + " AND ".join(license_id for license_id, _ in taken)
    if any(license_id == "Apache-2.0" for license_id, _ in taken):
        lines += copyright_lines(files) or package["authors"]
    return entry(lines, chosen, texts)


def library_entry(library, texts):
    lines = [" ".join([library["name"], *([library["version"]] if "version" in library else [])]),
             f"licence: {library['license']}"]
    if "taken" in library:
        lines[-1] += f"; taken: {library['taken']}"
    lines += [f"Copyright (c) {line}" for line in library.get("copyright", [])]
    if len(library.get("npm", [])) > 1:
        lines.append("packages: " + ", ".join(library["npm"]))
    if "note" in library:
        lines.append(library["note"])
    return entry(lines, [(ROOT / path).read_text() for path in library.get("texts", [])], texts)


def entry(lines, chosen, texts):
    numbers = dict.fromkeys(texts.number(text) for text in chosen)
    details = lines[1:]
    if numbers:
        details.append("text: " + ", ".join(f"[{number}]" for number in numbers))
    indents = {"initial_indent": "    ", "subsequent_indent": "        "}
    return lines[:1] + [textwrap.fill(line, 100, **indents) for line in details]


def heading(title):
    return ["", "", title, "=" * len(title), ""]


def notices(program):
    libraries = tomllib.loads((ROOT / "third_party" / "libraries.toml").read_text())
    texts = Texts()
    texts.number((ROOT / "LICENSE").read_text())
    lines = ["Qkscope: Copyright (c) The Qkscope authors. Licence: Apache-2.0, text [1].", "",
             "The program contains the following works of others. Numbers in brackets are those of",
             "the licence texts at the end. Where a licence can be chosen, the one that we take is",
             "named. Versions of C++ libraries are those of Debian 12."]
    lines += heading("Libraries, fonts and tables inside the program")
    for library in libraries["inside"]:
        lines += library_entry(library, texts)
    lines += heading("Rust crates inside the program, or that made parts of its code")
    for package in crates(program):
        lines += crate_entry(package, texts)
    lines += heading("Libraries that are loaded when the program starts")
    lines += ["A program that you built yourself loads them from your system. Packages carry them, unless",
              "an entry says otherwise.", ""]
    for library in libraries["linked"]:
        lines += library_entry(library, texts)
    lines += heading("Works inside the Arrow and Parquet libraries")
    lines += ["As far as these files show what they were built from. Where no text is named, it is in LICENSE.txt",
              "of the pyarrow package, which packages have as share/doc/qkscope/Arrow-LICENSE.txt. That file names",
              "further works, whose sources are part of Arrow's.", ""]
    for library in libraries["arrow"]:
        lines += library_entry(library, texts)
    lines += heading("Licence texts")
    for number, text in enumerate(texts.texts, 1):
        lines += [f"[{number}] " + "-" * 70, "", text, ""]
    return "\n".join(lines)


def unseen_in_arrow(libraries):
    """Works that the libraries of the pinned wheel no longer contain, or in another version."""
    files = [path for name in ("libarrow", "libparquet")
             for path in (ROOT / ".deps/pyarrow/pyarrow").glob(f"{name}.so.*")]
    data = b"".join(path.read_bytes() for path in files)
    for library in libraries:
        if files and library["seen"].encode() not in data:
            yield (f"third_party/libraries.toml: {library['name']}: expected {library['seen']!r} in "
                   f"{' or '.join(path.name for path in files)}, found none")


def wrong_entries():
    """What third_party/libraries.toml lacks, or has in another version than is set up."""
    libraries = tomllib.loads((ROOT / "third_party" / "libraries.toml").read_text())
    entries = libraries["inside"] + libraries["linked"]
    known = {library.get("package") for library in entries} | set(libraries["tests_only"])
    for name in (ROOT / "tools" / "packages.txt").read_text().split():
        if name.endswith("-dev") and name not in known:
            yield f'third_party/libraries.toml: no entry with package = "{name}"'
    wheels = dict(re.findall(r"^(\S+)==(\S+)", (ROOT / "tools" / "wheels.txt").read_text(), re.M))
    for library in entries:
        wheel = library.get("wheel")
        if wheel and library["version"] != wheels.get(wheel):
            yield (f"third_party/libraries.toml: {library['name']}: expected version "
                   f"{wheels.get(wheel)}, as in tools/wheels.txt, found {library['version']}")
    yield from unseen_in_arrow(libraries["arrow"])
    lock = json.loads((ROOT / "report" / "package-lock.json").read_text())["packages"]
    for package in (package for library in entries for package in library.get("npm", [])):
        name, version = package.rsplit(" ", 1)
        locked = lock.get(f"node_modules/{name}", {}).get("version")
        if version != locked:  # report/build.mjs sees to it that none is missing
            yield (f"third_party/libraries.toml: npm: {name}: expected version {locked}, as in "
                   f"report/package-lock.json, found {version}")


def names(text):
    """"zlib 1.0.0" of every entry."""
    return set(re.findall(r"^(?!    )\S+ \d+\.\S+$", text, re.M))


def check(text):
    found = list(wrong_entries())
    there = OUTPUT.read_text()
    if text != there:
        found += [f"third_party/notices.txt: lacks {name}"
                  for name in sorted(names(text) - names(there))]
        found += [f"third_party/notices.txt: has {name}, which is not used"
                  for name in sorted(names(there) - names(text))]
        found.append("third_party/notices.txt: out of date, run tools/make_licenses.py")
    print("\n".join(found) if found else "third-party notices: up to date")
    return 1 if found else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--cargo", default="cargo")
    options = parser.parse_args()
    text = notices(options.cargo)
    if options.check:
        return check(text)
    OUTPUT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
