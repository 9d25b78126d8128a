"""Start times of commands, as ratios to a bare two-command Typer program in the same run.

Does not prove: anything about a cold disk cache, or about another machine. Ratios are
more comparable between machines than seconds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 7
BARE = "import typer\napp = typer.Typer()\n@app.command()\ndef a(): pass\n@app.command()\ndef b(): pass\napp()\n"


def seconds(command: list[str], environ: dict[str, str]) -> float:
    """Return the median seconds of several rounds after a warm-up round."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        subprocess.run(command, env=environ, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="wa-bench-") as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        environ = {**os.environ, "WA_HOME": f"{folder}/data"}
        wa = [sys.executable, "-m", "wa_cli"]
        base = seconds([sys.executable, str(bare), "--help"], environ)
        print(f"bare two-command Typer program --help   {base:6.3f} s   1.0")
        for words in (["--help"], ["send", "--help"], ["send", "text", "+123", "hi"]):
            took = seconds([*wa, *words], environ)
            print(f"wa {' '.join(words):<36} {took:6.3f} s   {took / base:.1f}")
        subprocess.run([*wa, "db", "stop"], env=environ, check=True, capture_output=True)
    print(f"Medians of {ROUNDS}; wa send text on a warm embedded database.")


if __name__ == "__main__":
    main()
