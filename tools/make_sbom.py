#!/usr/bin/env python3
"""The bill of materials of a release: every work of others inside the program, with version, licence and
package URL, as CycloneDX 1.6 in JSON. It lists what third_party/libraries.toml and rust/Cargo.lock name, as
third_party/notices.txt does, and the artefacts themselves with their SHA-256.

usage: make_sbom.py --version VERSION --output FILE [--cargo PATH] [ARTEFACT ...]

SOURCE_DATE_EPOCH sets the time in it; equal inputs give equal bytes. Needs cyclonedx-python-lib
(tools/release sets it up)."""

import argparse
import datetime
import hashlib
import os
import pathlib
import subprocess
import sys
import tomllib
import uuid

import check_version
import make_licenses
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import ExpressionError, get_spdx_licensing
from packageurl import PackageURL

ROOT = pathlib.Path(__file__).resolve().parent.parent


def license_of(text):
    """An SPDX expression where the text is one; else the text as a name."""
    expression = text.replace("/", " OR ")
    try:
        get_spdx_licensing().parse(expression, validate=True, strict=True)
    except ExpressionError:
        return DisjunctiveLicense(name=text)
    return LicenseExpression(expression)


def component(name, version, license_text, url, note=""):
    return Component(name=name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url or name),
                     licenses=[license_of(license_text)], description=note or None)


def compiled_sources():
    """Debian's source packages that tools/package_base compiles: name -> version."""
    lines = (ROOT / "tools" / "package-sources.txt").read_text().splitlines()
    return {line.split()[1]: line.split()[2] for line in lines if line.startswith("dsc ")}


def debian_url(library):
    """With Debian's revision: of the source that packages are compiled from, else of the installed library."""
    sources, qualifiers = compiled_sources(), {"distro": "debian-12"}
    if "source" in library:
        source = library["source"]
    else:
        done = subprocess.run(["dpkg-query", "--show", "--showformat=${source:Package} ${Version}",
                               library["package"]], capture_output=True, text=True, check=True)
        source, version = done.stdout.split()
        if source not in sources:
            return PackageURL("deb", "debian", library["package"], version, {"arch": "amd64", **qualifiers})
    return PackageURL("deb", "debian", source, sources[source], {"arch": "source", **qualifiers})


def url_of(library):
    if "purl" in library:
        return PackageURL.from_string(library["purl"])
    if "wheel" in library:
        return PackageURL("pypi", None, library["wheel"], library["version"])
    if "package" in library or "source" in library:
        return debian_url(library)
    return None


def of_libraries(libraries):
    """Of third_party/libraries.toml: npm packages one by one, and a library that is inside and linked once."""
    seen = set()
    for library in libraries:
        for package in library.get("npm", []):
            name, version = package.rsplit(" ", 1)
            group, _, bare = name.rpartition("/")
            url = PackageURL("npm", group or None, bare, version)
            yield component(name, version, library["license"], url)
        url = url_of(library)
        if "npm" in library or (url and url in seen):
            continue
        seen.add(url)
        version = url.version if url and url.type == "deb" else library.get("version")
        yield component(library["name"], version, library["license"], url, library.get("note", ""))


def of_crates(cargo):
    for package in make_licenses.crates(cargo):
        url = PackageURL("cargo", None, package["name"], package["version"])
        yield component(package["name"], package["version"], package["license"], url)


def of_artefact(path):
    data = pathlib.Path(path).read_bytes()
    digest = HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(data).hexdigest())
    name = os.path.basename(path)
    return Component(name=name, type=ComponentType.FILE, bom_ref=name, hashes=[digest],
                     properties=[Property(name="bytes", value=str(len(data)))])


def bill(version, cargo, artefacts):
    program = Component(name="qkscope", version=version, type=ComponentType.APPLICATION, bom_ref="qkscope",
                        licenses=[LicenseExpression("Apache-2.0")], components=map(of_artefact, artefacts))
    libraries = tomllib.loads((ROOT / "third_party" / "libraries.toml").read_text())
    parts = [*of_libraries(libraries["inside"] + libraries["linked"]), *of_crates(cargo)]
    arrow = next(part for part in parts if part.purl and part.purl.name == "pyarrow")
    inside_arrow = [*of_libraries(libraries["arrow"])]
    bom = Bom(components=[*parts, *inside_arrow])
    bom.metadata.component = program
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    bom.register_dependency(program, parts)
    bom.register_dependency(arrow, inside_arrow)
    # A serial number that follows from what is inside: the same bill for the same bytes.
    names = "\n".join(sorted(f"{part.bom_ref.value} {part.version}" for part in bom.components))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"qkscope {version}\n{names}")
    return bom


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", default=check_version.project_version())
    parser.add_argument("--output", required=True)
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("artefacts", nargs="*")
    options = parser.parse_args()
    text = JsonV1Dot6(bill(options.version, options.cargo, options.artefacts)).output_as_string(indent=2)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault:
        sys.exit(f"make_sbom: not a valid CycloneDX 1.6 document: {fault}")
    pathlib.Path(options.output).write_text(text + "\n")


if __name__ == "__main__":
    main()
