#!/usr/bin/env python3
"""Summarises a JUnit file of ctest: the names of skipped tests with their reasons, then
"PRESET: N passed, N failed, N skipped"."""

import sys
import xml.etree.ElementTree as ElementTree


def main():
    preset, path = sys.argv[1:]
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.get("status") == "run" and case.find("failure") is None:
            passed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
            print(f"  skipped ({preset}): {case.get('name')}")
        else:
            failed += 1
    print(f"{preset}: {passed} passed, {failed} failed, {skipped} skipped")


if __name__ == "__main__":
    main()
