"""The changes that tools/mutate.py makes: found in C++ text by tokens, drawn by chance, and found
again by their line in another tree."""

import collections
import dataclasses
import re

TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n\\]|\\.)*|\s+)
      | (?P<text>R"(?P<end>[^(]*)\(.*?\)(?P=end)"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<number>\.?\d(?:[eEpP][+-]|['.\w])*)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign><<=|>>=|<=>|->|::|\+\+|--|&&|\|\||[-+*/%<>=!&|^]=|.)""",
    re.S | re.M | re.X)
# Binary operators; clang-format puts spaces around these, but not around those of types.
SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+",
         "*": "/", "/": "*", "%": "*", "&&": "||", "||": "&&", "+=": "-=", "-=": "+=", "*=": "/=",
         "/=": "*=", "true": "false", "false": "true", "min": "max", "max": "min",
         "lower_bound": "upper_bound", "upper_bound": "lower_bound", "floor": "ceil",
         "ceil": "floor", "break": "", "continue": "break"}
KINDS = {**dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), "relation"),
         **dict.fromkeys(("&&", "||"), "logic"), **dict.fromkeys(("true", "false"), "bool"),
         **dict.fromkeys(("break", "continue"), "jump"),
         **dict.fromkeys(("min", "max", "lower_bound", "upper_bound", "floor", "ceil"), "function")}
# Contracts and messages: a test need not look at them. `reserve` changes speed alone.
UNTESTED = {"QK_CHECK", "static_assert", "fail", "fail_at", "fail_record", "throw", "using",
            "namespace", "template", "case", "typedef", "enum"}
KEYWORDS = UNTESTED | {"if", "for", "while", "do", "else", "return", "switch", "default", "const",
                       "auto", "break", "continue", "public", "private", "delete", "struct"}
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "|=", "&=", "^="}
PAIRS = {"(": ")", "[": "]", "{": "}"}


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    at: int
    spaced: bool  # white space on both sides


@dataclasses.dataclass
class Mutant:
    """One change of one file. The line and its occurrence find it again in another tree."""
    group: str
    file: str  # name without folder
    line: str  # the line on which the change begins, stripped
    occurrence: int  # among the lines of the file with the same code, from 0
    column: int  # in the stripped line
    original: str
    replacement: str
    kind: str

    def key(self):
        return (self.file, self.line, self.occurrence, self.column, self.replacement)

    def __str__(self):
        return f"`{' '.join(self.original.split())}` -> `{' '.join(self.replacement.split())}`"


def tokens_of(code):
    found = [m for m in TOKEN.finditer(code) if m.lastgroup != "skip"]
    return [Token(m.lastgroup if m.lastgroup != "end" else "text", m[0], m.start(),
                  code[m.start() - 1:m.start()].isspace() and code[m.end():m.end() + 1].isspace())
            for m in found]


def closing(tokens, i):
    """Index of the token that closes the bracket at i; the last index if there is none."""
    depth = 0
    for j in range(i, len(tokens)):
        depth += (tokens[j].text in PAIRS) - (tokens[j].text in PAIRS.values())
        if depth == 0:
            return j
    return len(tokens) - 1


def expression_end(tokens, i, stops):
    """Index of the first token from i on, outside brackets, that is in `stops` or closes one."""
    while i < len(tokens) - 1 and tokens[i].text not in stops | set(PAIRS.values()):
        i = closing(tokens, i) + 1 if tokens[i].text in PAIRS else i + 1
    return min(i, len(tokens) - 1)


def statement_end(tokens, i):
    """Index of the `;` of the call or assignment that begins at i, or None."""
    start, called = i, False
    if tokens[i].kind != "name" or tokens[i].text in KEYWORDS:
        return None
    if start > 0 and tokens[start - 1].text not in {";", "{", "}", ")", "else"}:
        return None
    i += 1
    while tokens[i].text in {".", "->", "::", "(", "["}:
        if tokens[i].text in PAIRS:
            called = called or tokens[i].text == "("
            i = closing(tokens, i) + 1
        else:
            if tokens[i + 1].text == "reserve":
                return None
            i += 2
        if i >= len(tokens):
            return None
    if tokens[i].text in ASSIGNMENTS:
        end = expression_end(tokens, i, {";"})
        return end if tokens[end].text == ";" else None
    return i if called and tokens[i].text == ";" else None


def untested_ranges(tokens):
    ranges = []
    for i, token in enumerate(tokens):
        if token.text in UNTESTED and not (ranges and i < ranges[-1][1]):
            stops = {";", "{", ":"} if token.text == "case" else {";", "{"}
            ranges.append((i, expression_end(tokens, i, stops)))
    return ranges


def changes(code):
    """(begin, end, replacement, kind) of every change that the operators find in the code."""
    tokens = tokens_of(code)
    skipped = {i for begin, end in untested_ranges(tokens) for i in range(begin, end)}

    def source(begin, end):  # text of the tokens [begin, end)
        return code[tokens[begin].at:tokens[end - 1].at + len(tokens[end - 1].text)]

    def span(begin, end, replacement, kind):
        return tokens[begin].at, tokens[end - 1].at + len(tokens[end - 1].text), replacement, kind

    for i in range(1, len(tokens) - 1):
        token, before, after = tokens[i], tokens[i - 1], tokens[i + 1]
        if i in skipped:
            continue
        if token.kind == "number" and before.text != "<":
            if re.fullmatch(r"\d+(ULL|U|L)?", token.text):
                yield span(i, i + 1, f"({token.text} + 1)", "constant")
                if re.match(r"[1-9]", token.text):
                    yield span(i, i + 1, f"({token.text} - 1)", "constant")
            elif re.fullmatch(r"[\d.]+(e-?\d+)?F?", token.text):
                yield span(i, i + 1, "1.0" if float(token.text.rstrip("F")) == 0
                           else f"({token.text} * 1.01)", "constant")
        elif token.text in SWAPS and "text" not in (before.kind, after.kind):
            if token.kind == "sign" and token.spaced and before.text != "operator":
                yield span(i, i + 1, SWAPS[token.text], KINDS.get(token.text, "arithmetic"))
            elif token.kind == "name" and before.text not in (".", "->") and \
                    (KINDS[token.text] != "function" or after.text == "("):
                yield span(i, i + 1, SWAPS[token.text], KINDS[token.text])
        if token.text == "if" and after.text == "(":
            end = closing(tokens, i + 1)
            if ";" not in source(i + 1, end):
                yield span(i + 1, end + 1, f"(!{source(i + 1, end + 1)})", "condition")
        elif token.text == "?":
            colon = expression_end(tokens, i + 1, {":"})
            end = expression_end(tokens, colon + 1, {";", ","})
            if tokens[colon].text == ":":
                swapped = f"{source(colon + 1, end)} : {source(i + 1, colon)}"
                yield span(i + 1, end, swapped, "ternary")
        elif token.text == "return" and after.text not in (";", "{", "true", "false", '""'):
            end = expression_end(tokens, i, {";"})
            yield span(i + 1, end, "{}", "return")
        elif (end := statement_end(tokens, i)) is not None:
            yield span(i, end, "", "statement")


def without_comment(line):
    return re.sub(r"\s+//.*", "", line).strip()


def mutants_of(path, group):
    code = path.read_text()
    for begin, end, replacement, kind in changes(code):
        first = code.rfind("\n", 0, begin) + 1
        line = code[first:].split("\n", 1)[0]
        earlier = [without_comment(other) for other in code[:first].split("\n")]
        yield Mutant(group, path.name, line.strip(), earlier.count(without_comment(line)),
                     begin - first - line.index(line.strip()), code[begin:end], replacement, kind)


def place(mutant, path):
    """The file's text with the mutant in it, or None if the line is not there."""
    lines = path.read_text().split("\n")
    wanted = without_comment(mutant.line)
    found = [i for i, line in enumerate(lines) if without_comment(line) == wanted]
    if mutant.occurrence >= len(found):
        return None
    number = found[mutant.occurrence]
    indent = lines[number].index(wanted)
    head = "\n".join(lines[:number] + [lines[number][:indent + mutant.column]])
    rest = "\n".join(lines)[len(head):]
    if not rest.startswith(mutant.original):
        return None
    missing = mutant.original.count("\n") - mutant.replacement.count("\n")  # keep line numbers
    return head + mutant.replacement + "\n" * missing + rest[len(mutant.original):]


def draw(paths, group, count, rng):
    """`count` mutants, in turns over the files (headers in every fourth turn), and within a file
    over the kinds of change."""
    pools = {}
    for path in paths:
        by_kind = collections.defaultdict(list)
        for mutant in mutants_of(path, group):
            by_kind[mutant.kind].append(mutant)
        for pool in by_kind.values():
            rng.shuffle(pool)
        pools[path] = [by_kind[kind] for kind in sorted(by_kind)]
    drawn, turn = [], 0
    while len(drawn) < count and any(pools.values()):
        order = [path for path in pools if pools[path] and (path.suffix == ".cc" or turn % 4 == 3)]
        rng.shuffle(order)
        for path in order[:count - len(drawn)]:
            pool = rng.choice(pools[path])
            drawn.append(pool.pop())
            pools[path] = [kinds for kinds in pools[path] if kinds]
        turn += 1
    return drawn
