from __future__ import annotations

from wa_cli.checks.account_answers import given
from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "subscription", "Webhook subscription"


def run(installation: Installation) -> Finding:
    """Check that an app is subscribed to the account. Without one the callback is verified and gets no webhook."""
    apps = given(installation.account.subscribers)
    if apps is None:
        return Finding(Level.SKIPPED, "WA_BUSINESS_ACCOUNT_ID is not set, so the subscribed apps are not known")
    facts = {"apps": apps}
    if not apps:
        message = "no app is subscribed to the account, so Meta sends no webhooks"
        hint = "Subscribe the app: POST /<account id>/subscribed_apps with the token."
        return Finding(Level.FAILED, message, facts=facts, hint=hint)
    if len(apps) > 1:
        message = f"{len(apps)} apps are subscribed: {', '.join(apps)}; if one fails, Meta repeats webhooks to all"
        return Finding(Level.OK, message, facts=facts)
    return Finding(Level.OK, f"{apps[0]} is subscribed to the account", facts=facts)
