from __future__ import annotations

from wa_cli.checks.account_answers import given
from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "number", "Business number"

# Messages a second that a number of each level may send (Meta, throughput).
THROUGHPUT = {"STANDARD": 80.0, "HIGH": 1000.0}


def run(installation: Installation) -> Finding:
    """Check Meta's rating of the business number, and that WA_RATE and WA_BUSINESS_PHONE fit it."""
    found = given(installation.account.number)
    digits = "".join(filter(str.isdigit, found.phone))
    facts = {
        "phone": f"+{digits}",
        "name": found.name,
        "quality": found.quality,
        "throughput": found.throughput,
        "status": found.status,
    }
    message = f"+{digits} ({found.name}): quality {found.quality}, throughput {found.throughput}"
    if found.status not in (None, "CONNECTED"):
        return Finding(Level.FAILED, f"{message}; its status is {found.status}", facts=facts)
    worries = []
    if found.quality in ("RED", "YELLOW"):
        worries.append("customers block or report its messages")
    if installation.rate > THROUGHPUT.get(found.throughput, installation.rate):
        worries.append(f"WA_RATE is {installation.rate:g}/s, and Meta allows {THROUGHPUT[found.throughput]:g}")
    if digits and installation.business_phone.lstrip("+") not in (digits, "business"):
        worries.append(f"WA_BUSINESS_PHONE is {installation.business_phone}, which is another number")
    if worries:
        return Finding(Level.WARNING, f"{message}; {worries[0]}", facts=facts, details=tuple(worries[1:]))
    return Finding(Level.OK, message, facts=facts)
