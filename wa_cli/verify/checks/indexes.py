from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.migrations import catalogue
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """Every index that the migrations build: one that is half built is written and never read."""
    names = catalogue.indexes()
    with scene.reading() as connection:
        found = {row.name: row for row in run(connection, "verify/indexes", names=names)}
    missing = [name for name, index in found.items() if index.is_valid is None]
    half_built = [name for name, index in found.items() if index.is_valid is False]
    others = [
        f"{name} is another index under our name: {index.definition}"
        for name, index in found.items()
        if index.definition and catalogue.comparable(index.definition) not in catalogue.built_definitions(name)
    ]
    facts = {"missing": missing, "half_built": half_built, "others": others}
    if half_built:
        said = f"half built, written and never read: {', '.join(half_built)}"
        return Finding(Level.FAILED, said, "wa migrate", facts)
    if missing:
        return Finding(Level.FAILED, f"missing: {', '.join(missing)}", "wa migrate", facts)
    if others:
        return Finding(Level.WARNING, "; ".join(others), None, facts)
    return Finding(Level.OK, f"all {len(names)} are there and valid", facts=facts)
