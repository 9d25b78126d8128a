from __future__ import annotations

from wa_cli.media.downloads import Files
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """Files that customers sent: Meta deletes them after seven days."""
    left = Files(scene.database).left()
    waiting = left.due + left.waiting
    facts = {"waiting": waiting, "lost": left.lost}
    if left.lost:
        said = f"{left.lost:,} files of customers cannot be had any more, {waiting:,} are not saved yet"
        return Finding(Level.WARNING, said, "wa media fetch", facts)
    if waiting:
        return Finding(Level.OK, f"{waiting:,} files of customers are not saved: wa media fetch", facts=facts)
    return Finding(Level.OK, "no file of a customer waits to be saved", facts=facts)
