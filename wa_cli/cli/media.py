"""wa media: files that customers sent."""

from __future__ import annotations

import asyncio

import typer

from wa_cli.cli.context import AppContext
from wa_cli.cli.worker import Media
from wa_cli.counted import counted
from wa_cli.errors import ConfigError, PartlyDone
from wa_cli.telemetry import logs
from wa_cli.telemetry.logs import print_note

app = typer.Typer(no_args_is_help=True)


@app.command()
def fetch(ctx: typer.Context, media: Media = None) -> None:
    """Download files that are not saved yet and that Meta still has.

    Exit 6 if some are lost or cannot be downloaded now.

    Example: wa media fetch --media /srv/files
    """

    context = AppContext.of(ctx, media=media)
    if context.settings.media is None:
        raise ConfigError(
            "No media destination is configured.",
            hint="Set WA_MEDIA, or use --media DIR or --media s3://bucket/prefix.",
        )

    if store := context.media_store():
        store.probe()
    logs.start(context.settings.log_format)
    missed = context.downloads.missed()
    print_note(f"Downloading {counted(missed, 'missing file')}." if missed else "No file is missing.")
    tried = asyncio.run(_fetch(context))
    left = context.downloads.left()
    if left.waiting or left.lost:
        raise PartlyDone(
            f"Not all files are saved: {left.waiting} not downloadable now, {left.lost} lost.",
            hint="Read the reasons above, then run wa media fetch again.",
        )
    if tried:
        print_note(f"Saved {counted(tried, 'file')} in {context.settings.media}.")


async def _fetch(context: AppContext) -> int:
    async with context.downloader() as downloader:
        assert downloader is not None
        return await downloader.fetch_due()
