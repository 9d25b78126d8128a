"""Run Schemathesis against the messaging routes of a running service, with valid and invalid requests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import httpx

from tests.support.waiting import free_port, until

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="wa-fuzz-") as home:
        port = free_port()
        environ = {**os.environ, "WA_HOME": home, "WA_PORT": str(port), "WA_SANDBOX_PORT": "0"}
        base, document = f"http://127.0.0.1:{port}", Path(home) / "openapi.json"
        with (Path(home) / "service.log").open("wb") as output:
            service = subprocess.Popen(
                [sys.executable, "-m", "wa_cli", "serve"], env=environ, stdout=output, stderr=output
            )
        try:
            until(lambda: _answers(base), "the service")
            document.write_bytes(httpx.get(f"{base}/openapi.json").content)
            command = [
                str(SCHEMATHESIS),
                "run",
                str(document),
                "--url",
                base,
                "--checks",
                "all",
                "--max-examples",
                "300",
            ]
            code = subprocess.run(command, cwd=home, check=False).returncode
            assert service.poll() is None, "the service did not survive"
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(20)
            subprocess.run([sys.executable, "-m", "wa_cli", "db", "stop"], env=environ, check=False)
    sys.exit(code)


def _answers(base: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{base}/health", timeout=2).status_code == 200
    return False


if __name__ == "__main__":
    main()
