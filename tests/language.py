"""Check the words of the program: the habits of `docs/glossary.md` that a tool can find.

Reads docstrings, comments and texts of `wa_cli` and `tests`, comments of `sql`, and the documents. Prints one line for
each finding and exits with 1 if there is one.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]

WH_WORDS = ("What", "Where", "Who", "Whose", "Whether", "How", "When", "Why", "Which", "Whoever")
# Each habit, and the words to use in its place.
HABITS = {
    r"\b(no|some|any|every)body\b|\bwhoever\b|\bno one\b": "name the person or the program",
    r"(?<!there )\b(is|are|was|were) no (?!longer\b)": "use `is not a` or `there is no`",
    r"\b(is|are|was|were|being) away\b|\bwhile away\b": "unavailable",
    r"\b(is|are|was) back\b(?! (on|in|to|at|up)\b)": "available again",
    r"\bof ours\b|\bof yours\b|\bof theirs\b": "our message, your database",
    r"\banew\b|\bin calm\b|\ball the same\b|\bhad it already\b|\bbe had\b|\bhas need\b": "plain order and words",
    r"\b(un)?known fate\b|\bin doubt\b": "uncertain",
    r"\bverdicts?\b": "outcome",
    r"\bbypass(es)?\b|\bgo(es|ing)? round\b": "degraded mode",
    r"\bupkeep\b|\blook(s|ing)? after\b": "maintenance",
    r"\bshel(f|ves)\b": "media store",
    r"\bdamper\b": "log throttle",
    r"\bcrew\b": "supervisor",
    r"\bhonou?rs?\b|\bthereof\b|\bhereby\b|\bwherein\b": "plain words",
    r"\bfront door\b": "entry point",
    r"--fail-over\b|--list\b(?=.*rows)": "--fail-above, --details",
}
# Names of functions that do not say what they do.
EMPTY_NAMES = {"look", "tell", "said", "keep", "stay", "hear", "ask", "asked", "told", "come_back"}
# A noun after a figure in a text, such as `{count} messages`, is wrong for one.
PLURAL = re.compile(
    r"^ ((outgoing|incoming|accepted|dead|missing|unfinished) )?"
    r"(messages|rows|files|records|letters|outcomes|webhooks|customers|steps|statuses|attempts|notices|processes)\b(?!/)"
)
COMMENT = re.compile(r"^\s*--\s?(.*)$")


@dataclass(frozen=True)
class Finding:
    place: str
    line: int
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.text!r}: {self.advice}"


@dataclass(frozen=True)
class Text:
    line: int
    words: str
    is_docstring: bool = False


def findings(path: Path) -> Iterator[Finding]:
    """Yield what is wrong with the words of a file."""
    place = str(path.relative_to(ROOT))
    source = path.read_text()
    for text in _texts(path, source):
        yield from (Finding(place, text.line, found, advice) for found, advice in _wrong(text))
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.strip("_") in EMPTY_NAMES:
                yield Finding(place, node.lineno, f"def {node.name}", "name the job of the function")
            if isinstance(node, ast.JoinedStr):
                yield from (Finding(place, node.lineno, noun, "use counted(…)") for noun in _counted_nouns(node))


def _counted_nouns(text: ast.JoinedStr) -> Iterator[str]:
    """Yield the plural nouns of a text that stand behind a figure."""
    for value, after in pairwise(text.values):
        words = after.value if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant) else ""
        if isinstance(words, str) and PLURAL.match(words):
            yield words


def _texts(path: Path, source: str) -> Iterator[Text]:
    if path.suffix == ".py":
        yield from _python_texts(source)
    elif path.suffix == ".sql":
        lines = enumerate(source.splitlines(), 1)
        yield from (Text(number, found[1]) for number, line in lines if (found := COMMENT.match(line)))
    else:
        yield from (Text(number, line) for number, line in enumerate(source.splitlines(), 1))


def _python_texts(source: str) -> Iterator[Text]:
    docstrings = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (
            words := ast.get_docstring(node)
        ):
            constant = node.body[0].value  # type: ignore[attr-defined]
            docstrings.add(id(constant))
            yield Text(constant.lineno, words, is_docstring=True)
    for node in ast.walk(tree):
        # A string without a space is a name, such as a key of stored JSON.
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and " " in node.value
        ):
            yield Text(node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(token.start[0], token.string)


def _wrong(text: Text) -> Iterator[tuple[str, str]]:
    for habit, advice in HABITS.items():
        if found := re.search(habit, text.words, re.IGNORECASE):
            yield found[0], advice
    if text.is_docstring:
        if text.words.split(maxsplit=1)[0].rstrip(",:") in WH_WORDS:
            yield text.words.splitlines()[0], "begin with a verb or a noun"
        if found := re.search(r"[^;]{0,30};[^;]{0,30}", re.sub(r"`[^`]*`", "", text.words)):
            yield found[0], "write two sentences"


def files() -> Iterator[Path]:
    """Yield the files whose words are checked."""
    for folder, pattern in (("wa_cli", "*.py"), ("tests", "*.py"), ("sql", "*.sql"), ("docs", "*.md")):
        found = sorted((ROOT / folder).rglob(pattern))
        yield from (path for path in found if path.name not in ("glossary.md", "language.py"))
    yield ROOT / "README.md"


def main() -> int:
    """Print the findings. Return 1 if there are any, else 0."""
    found = [finding for path in files() for finding in findings(path)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
