from __future__ import annotations

from datetime import timedelta

from wa_cli.checks.account_answers import given
from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.clock import now
from wa_cli.errors import CloudError, Unauthorized

NAME, TITLE = "token", "Token"

NEEDED = ("whatsapp_business_messaging",)
ADVISED = ("whatsapp_business_management",)
SOON = timedelta(days=14)


def run(installation: Installation) -> Finding:
    """Check that Meta accepts the token, until when, and for what."""
    try:
        found = given(installation.account.token)
    except Unauthorized as error:
        return Finding(Level.FAILED, error.message.rstrip("."), hint=error.hint)
    except CloudError as error:
        return Finding(
            Level.SKIPPED, f"Meta does not tell the expiry and the permissions of the token: {error.message}"
        )
    facts = {"valid": found.is_valid, "expires_at": found.expires_at, "permissions": list(found.permissions)}
    if not found.is_valid:
        return Finding(Level.FAILED, "the token is not valid any more", facts=facts, hint="Set a new WA_ACCESS_TOKEN.")
    if missing := [scope for scope in NEEDED if found.permissions and scope not in found.permissions]:
        return Finding(Level.FAILED, f"the token lacks the permission {', '.join(missing)}", facts=facts)
    if found.expires_at:
        left = found.expires_at - now()
        message = f"the token expires on {found.expires_at:%Y-%m-%d %H:%M} UTC, in {left.days} d"
        if left < SOON:
            hint = "Use the token of a system user, which does not expire."
            return Finding(Level.WARNING, message, facts=facts, hint=hint)
        return Finding(Level.OK, message, facts=facts)
    if missing := [scope for scope in ADVISED if found.permissions and scope not in found.permissions]:
        message = f"the token is valid, but cannot read the account: it lacks {', '.join(missing)}"
        return Finding(Level.WARNING, message, facts=facts)
    return Finding(Level.OK, "the token is valid and does not expire", facts=facts)
