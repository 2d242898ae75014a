#!/usr/bin/env python3
"""Summarises a JUnit file of ctest: the names of skipped tests and of skipped cases within tests of Python,
then "PRESET: N passed, N failed, N skipped, N cases skipped in tests that passed".

usage: test_summary.py PRESET FILE

Cases are found in what the tests print: unittest names them if it is verbose (-v), and ctest keeps all of it
with --test-output-size-passed."""

import re
import sys
import xml.etree.ElementTree as ElementTree

# "test_ray (__main__.Recipes.test_ray) ... skipped 'no Ray'"; other output may stand before the last part.
CASE = re.compile(r"^\s*(test\w*) \(", re.M)
SKIPPED = re.compile(r"\bskipped (['\"])(.*)\1$", re.M)


def skipped_cases(output):
    """[(name, reason)]"""
    names = [(match.start(), match.group(1)) for match in CASE.finditer(output)]
    found = []
    for skipped in SKIPPED.finditer(output):
        before = [name for start, name in names if start < skipped.start()]
        if before:
            found.append((before[-1], skipped.group(2)))
    return found


def main():
    preset, path = sys.argv[1:]
    passed = failed = skipped = cases = 0
    for test in ElementTree.parse(path).getroot().iter("testcase"):
        if test.get("status") == "run" and test.find("failure") is None:
            passed += 1
            for name, reason in skipped_cases(test.findtext("system-out", "")):
                cases += 1
                print(f"  skipped ({preset}): {test.get('name')}: {name}: {reason}")
        elif test.find("skipped") is not None or test.get("status") in ("notrun", "disabled"):
            skipped += 1
            print(f"  skipped ({preset}): {test.get('name')}")
        else:
            failed += 1
    print(f"{preset}: {passed} passed, {failed} failed, {skipped} skipped, "
          f"{cases} cases skipped in tests that passed")


if __name__ == "__main__":
    main()
