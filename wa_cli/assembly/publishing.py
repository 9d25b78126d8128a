"""The publishers of a process: Prometheus on a port, and CloudWatch, if they are configured."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wa_cli.errors import ConfigError
from wa_cli.telemetry.emitter import Emitter
from wa_cli.telemetry.events import Emit
from wa_cli.telemetry.measures import GaugeSource

if TYPE_CHECKING:
    from wa_cli.settings.schema import Settings
    from wa_cli.telemetry.cloudwatch import CloudWatch
    from wa_cli.telemetry.metrics import Metrics

LAST_PUBLICATION = 5.0  # seconds that a stopping process waits for CloudWatch


@dataclass(frozen=True)
class Published:
    """The emitter of a process, and its metrics if they are served."""

    emit: Emit
    metrics: Metrics | None = None


@contextmanager
def publishing(
    settings: Settings, program: str, emit: Emit, sources: Sequence[GaugeSource], *, serves_metrics: bool = False
) -> Iterator[Published]:
    """Publish until the end of the block what is emitted. `program` names the process in CloudWatch, such as outgoing."""
    metrics = _metrics(sources) if serves_metrics else None
    cloudwatch = _cloudwatch(settings.cloudwatch_namespace, program, emit, sources)
    subscribers: list[Emit | None] = [metrics, cloudwatch, emit]
    published = Published(Emitter(*(one for one in subscribers if one)), metrics)
    if cloudwatch is None:
        yield published
        return
    done = threading.Event()
    thread = threading.Thread(target=cloudwatch.run, args=(done,), name="cloudwatch", daemon=True)
    thread.start()
    try:
        yield published
    finally:
        done.set()
        thread.join(LAST_PUBLICATION)


def _metrics(sources: Sequence[GaugeSource]) -> Metrics:
    try:
        from wa_cli.telemetry.metrics import Metrics
    except ModuleNotFoundError:
        raise ConfigError(
            "Metrics need a package that is not installed: prometheus_client.", command="pip install 'wa-ops[server]'"
        ) from None
    return Metrics(sources)


def _cloudwatch(namespace: str | None, program: str, emit: Emit, sources: Sequence[GaugeSource]) -> CloudWatch | None:
    if namespace is None:
        return None
    from botocore.config import Config

    from wa_cli import aws
    from wa_cli.telemetry.cloudwatch import CloudWatch

    limits = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    return CloudWatch(aws.client("cloudwatch", config=limits), namespace, program, emit, sources)
