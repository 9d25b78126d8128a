"""wa media: files that customers sent."""

from __future__ import annotations

import typer

from wa_cli.cli.context import AppContext, print_note
from wa_cli.cli.worker import Media
from wa_cli.errors import ConfigError, PartlyDone

app = typer.Typer(no_args_is_help=True, help="The files that customers sent: at Meta for seven days, then nowhere.")


@app.command()
def fetch(ctx: typer.Context, media: Media = None) -> None:
    """Download files that are not saved yet and that Meta still has, also of older rows.

    Exit 6 if some are lost or cannot be downloaded now.

    Example: wa media fetch --media /srv/files
    """
    import asyncio

    context = AppContext.of(ctx, media=media)
    if context.settings.media is None:
        raise ConfigError(
            "Nobody says where files are saved.", hint="Give --media DIR or s3://bucket/prefix, or set WA_MEDIA."
        )
    from wa_cli.telemetry import logs

    logs.start(context.settings.log_format)
    missed = context.downloads.missed()
    print_note(f"Missed until now: {missed}." if missed else "No file was missed.")
    tried = asyncio.run(_fetch(context))
    left = context.downloads.left()
    if left.waiting or left.lost:
        raise PartlyDone(
            f"Not all files are saved: {left.waiting} cannot be had now, {left.lost} not any more.",
            hint="The lines above say why; wa media fetch tries again.",
        )
    if tried:
        print_note(f"Saved in {context.settings.media}: {tried}.")


async def _fetch(context: AppContext) -> int:
    async with context.downloader() as downloader:
        assert downloader is not None
        return await downloader.fetch_due()
