"""Print line counts of files and functions: `python -m tests.benchmarks.sizes [FOLDER…]`, by default of wa_cli.

Give it the folder of another package to see the same figures beside ours. Does not prove: that the code is easy to read.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lines_of(folder: Path) -> tuple[list[int], list[int]]:
    """Return the lines of every file with code, and those of every function in them."""
    files, functions = [], []
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        nodes = list(ast.walk(ast.parse(text)))
        if len(nodes) > 1:
            files.append(len(text.splitlines()))
            functions += [(node.end_lineno or 0) - node.lineno + 1 for node in nodes if isinstance(node, FUNCTIONS)]
    return files, functions


def described(lines: Sequence[int]) -> str:
    tenths = statistics.quantiles(lines, n=10)
    return f"{len(lines):>6,} {statistics.median(lines):>8.0f} {tenths[-1]:>6.0f} {max(lines):>8,}"


def main(folders: Sequence[str]) -> None:
    print(f"{'':44} {'number':>6} {'median':>8} {'p90':>6} {'longest':>8}")
    for folder in folders or ["wa_cli"]:
        files, functions = lines_of(Path(folder))
        print(f"{folder + ', files':44} {described(files)}")
        print(f"{folder + ', functions':44} {described(functions)}")


if __name__ == "__main__":
    main(sys.argv[1:])
