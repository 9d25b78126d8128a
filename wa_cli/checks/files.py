from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.media.downloads import Files

NAME, TITLE = "files", "Customers' files"


def run(installation: Installation) -> Finding:
    """Count the files of customers that are not saved yet. Meta deletes them after seven days.

    With a media store a file that was tried and is not saved is a warning.
    """
    left = Files(installation.database).left()
    waiting = left.due + left.waiting
    facts = {"waiting": waiting, "lost": left.lost}
    if left.lost:
        message = f"{counted(left.lost, 'file')} of customers lost, {waiting:,} not saved yet"
        return Finding(Level.WARNING, message, "wa media fetch", facts)
    if left.waiting and installation.media_place:
        message = f"{counted(left.waiting, 'file')} of customers could not be saved yet"
        return Finding(Level.WARNING, message, "wa doctor --check media", facts)
    if waiting:
        return Finding(Level.OK, f"{counted(waiting, 'file')} of customers not saved yet", "wa media fetch", facts)
    return Finding(Level.OK, "every file of a customer is saved", facts=facts)
