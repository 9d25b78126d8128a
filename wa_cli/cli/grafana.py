"""wa grafana: a dashboard and alert rules."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Annotated

import typer

from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import Zone


def grafana(
    ctx: typer.Context,
    alerts: Annotated[bool, typer.Option("--alerts", help="Print alert rules for Prometheus instead.")] = False,
    zone: Zone = None,
) -> None:
    """Print a dashboard for Grafana, and alert rules for Prometheus.

    The dashboard has reports, messages and metrics. Import it, and choose a data source for PostgreSQL and one for Prometheus.

    Example: wa grafana > dashboard.json
    """
    if alerts:
        print(files("wa_cli.grafana").joinpath("alerts.yaml").read_text(encoding="utf-8"), end="")
        return
    from wa_cli.grafana.dashboard import build
    from wa_cli.reports import catalogue

    context = AppContext.of(ctx)
    dashboard = build(context.databases.reports, catalogue.reports(), context.zone(zone))
    print(json.dumps(dashboard, indent=2, ensure_ascii=False))
