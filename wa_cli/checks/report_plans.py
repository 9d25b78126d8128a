from __future__ import annotations

from datetime import timedelta
from typing import Any

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.checks.plans import nodes
from wa_cli.checks.read_queries import read_queries
from wa_cli.clock import now
from wa_cli.database.tables import whatsapp_messages

NAME, TITLE = "report_plans", "Plans of reports"
# A range in which a scan of the whole table is never right. Sequential scans, which small tables get, are off.
SPAN = timedelta(hours=1)


def run(installation: Installation) -> Finding:
    """Check that the reports and the search of one hour read whatsapp_messages by its indexes."""
    facts: dict[str, Any] = {}
    for query in read_queries(now() - SPAN):
        plan = query.explain(installation.database, scans=False)
        found = list(nodes(plan))
        facts[query.name] = {
            "cost": plan[0]["Plan"]["Total Cost"],
            "indexes": sorted({node["Index Name"] for node in found if "Index Name" in node}),
            "reads_whole_table": any(
                node["Node Type"] == "Seq Scan" and node["Relation Name"] == whatsapp_messages.name for node in found
            ),
        }
    without = [name for name, plan in facts.items() if plan["reads_whole_table"]]
    if without:
        message = f"these read the whole table for one hour: {', '.join(without)}"
        return Finding(Level.FAILED, message, "wa migrate", {"plans": facts})
    return Finding(Level.OK, f"search and {len(facts) - 1} reports use indexes", facts={"plans": facts})
