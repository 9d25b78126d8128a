"""wa send: queue a message to a customer. Each type of message is a function that returns its content."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import TemplateLanguage, TemplateName, TemplateParameters
from wa_cli.cli.sending import command_of
from wa_cli.errors import BadInput, system_reason
from wa_cli.messages import content, json_text
from wa_cli.messages.phone import parse_phone

app = typer.Typer(no_args_is_help=True)

Link = Annotated[str, typer.Argument(help="URL of the file.", metavar="URL")]
Caption = Annotated[str | None, typer.Option(help="Caption.")]
Body = Annotated[str, typer.Argument(help="Text of the message.", metavar="TEXT")]
HeaderText = Annotated[str | None, typer.Option("--header", help="Header, at most 60 characters.")]
FooterText = Annotated[str | None, typer.Option("--footer", help="Footer, at most 60 characters.")]


def sends(build: Callable[..., Mapping[str, Any]]) -> Callable[..., Mapping[str, Any]]:
    """Add the command of this type of message."""
    # -52.5 is a number and not an option.
    settings = {"ignore_unknown_options": build.__name__ == "location"}
    name = build.__name__.strip("_").replace("_", "-")
    app.command(name, context_settings=settings)(command_of(build))
    return build


@sends
def text(
    body: Annotated[str, typer.Argument(help="Text, at most 4,096 characters.", metavar="TEXT")],
    preview_url: Annotated[bool, typer.Option("--preview-url", help="Preview of the first link.")] = False,
) -> Mapping[str, Any]:
    """Queue a text message.

    Example: wa send text +15551234567 "Your order is on its way."
    """
    return content.text.text(body, preview_url=preview_url)


@sends
def image(link: Link, caption: Caption = None) -> Mapping[str, Any]:
    """Queue an image by link.

    Example: wa send image +15551234567 https://example.org/red.jpg --caption "The red one"
    """
    return content.media.image(link, caption)


@sends
def video(link: Link, caption: Caption = None) -> Mapping[str, Any]:
    """Queue a video by link: MP4 or 3GPP.

    Example: wa send video +15551234567 https://example.org/tour.mp4 --caption "The tour"
    """
    return content.media.video(link, caption)


@sends
def audio(
    link: Link,
    voice: Annotated[bool, typer.Option("--voice", help="Show it as a voice message: OGG with Opus, mono.")] = False,
) -> Mapping[str, Any]:
    """Queue an audio file by link.

    Example: wa send audio +15551234567 https://example.org/hello.ogg --voice
    """
    return content.media.audio(link, voice=voice)


@sends
def sticker(link: Link) -> Mapping[str, Any]:
    """Queue a sticker by link: WebP.

    Example: wa send sticker +15551234567 https://example.org/thanks.webp
    """
    return content.media.sticker(link)


@sends
def document(
    link: Link,
    filename: Annotated[str | None, typer.Option(help="File name that the customer sees.")] = None,
    caption: Caption = None,
) -> Mapping[str, Any]:
    """Queue a document by link.

    Example: wa send document +15551234567 https://example.org/42.pdf --filename invoice-42.pdf
    """
    return content.media.document(link, filename, caption)


@sends
def location(
    latitude: Annotated[float, typer.Argument(help="Latitude in degrees.", metavar="LATITUDE")],
    longitude: Annotated[float, typer.Argument(help="Longitude in degrees.", metavar="LONGITUDE")],
    name: Annotated[str | None, typer.Option(help="Name of the place.")] = None,
    address: Annotated[str | None, typer.Option(help="Address of the place.")] = None,
) -> Mapping[str, Any]:
    """Queue a location.

    Example: wa send location +15551234567 52.5200 13.4050 --name "Our shop" --address "Main St 1"
    """
    return content.location.location(latitude, longitude, name, address)


@sends
def contacts(
    name: Annotated[str, typer.Argument(help="Name of the person.", metavar="NAME")],
    phones: Annotated[
        list[str] | None, typer.Option("--phone", help="Phone number. May be repeated.", metavar="PHONE")
    ] = None,
    emails: Annotated[
        list[str] | None, typer.Option("--email", help="E-mail address. May be repeated.", metavar="ADDRESS")
    ] = None,
    company: Annotated[str | None, typer.Option(help="Company of the person.")] = None,
) -> Mapping[str, Any]:
    """Queue a contact card.

    Example: wa send contacts +15551234567 "Ana Diaz" --phone +15557654321 --email ana@example.org
    """
    numbers = [parse_phone(phone) for phone in phones or ()]
    return cast(Mapping[str, Any], content.contacts.contact(name, numbers, emails or (), company))


@sends
def reaction(
    wamid: Annotated[str, typer.Argument(help="Id of the customer's message.", metavar="WAMID")],
    emoji: Annotated[str, typer.Argument(help='Emoji. "" removes the reaction.', metavar="EMOJI")],
) -> Mapping[str, Any]:
    """Queue a reaction to a message of the customer.

    Example: wa send reaction +15551234567 wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQz 👍
    """
    return content.reaction.reaction(wamid, emoji)


@sends
def buttons(
    body: Body,
    titles: Annotated[
        list[str], typer.Argument(help="1 to 3 buttons: TITLE or ID=TITLE, of 20 characters.", metavar="BUTTON...")
    ],
    header: HeaderText = None,
    footer: FooterText = None,
) -> Mapping[str, Any]:
    """Queue a text with reply buttons.

    Example: wa send buttons +15551234567 "Does Monday suit you?" yes=Yes no=No
    """
    action = content.interactive.buttons(titles)
    return content.interactive.interactive("button", body, action, header=header, footer=footer)


@sends
def list_(
    body: Body,
    button: Annotated[str, typer.Argument(help="Title of the button that opens the list.", metavar="BUTTON")],
    rows: Annotated[
        list[str],
        typer.Argument(help='1 to 10 rows: TITLE, ID=TITLE or "ID=TITLE | DESCRIPTION".', metavar="ROW..."),
    ],
    header: HeaderText = None,
    footer: FooterText = None,
) -> Mapping[str, Any]:
    """Queue a text with a list to choose from.

    Example: wa send list +15551234567 "Which size?" Sizes s=Small "l=Large | XL"
    """
    action = content.interactive.rows(button, rows)
    return content.interactive.interactive("list", body, action, header=header, footer=footer)


@sends
def cta_url(
    body: Body,
    title: Annotated[str, typer.Argument(help="Title of the button.", metavar="BUTTON")],
    link: Annotated[str, typer.Argument(help="URL that the button opens.", metavar="URL")],
    header: HeaderText = None,
    footer: FooterText = None,
) -> Mapping[str, Any]:
    """Queue a text with a button that opens a link.

    Example: wa send cta-url +15551234567 "Your invoice is ready." "Open it" https://example.org/42
    """
    action = content.interactive.cta_url(title, link)
    return content.interactive.interactive("cta_url", body, action, header=header, footer=footer)


@sends
def flow(
    body: Body,
    title: Annotated[str, typer.Argument(help="Title of the button.", metavar="BUTTON")],
    flow_id: Annotated[str | None, typer.Option("--id", help="Id of the flow at Meta.", metavar="ID")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the flow at Meta.")] = None,
    token: Annotated[str | None, typer.Option(help="Token that comes back with the answers.")] = None,
    screen: Annotated[str | None, typer.Option(help="First screen. Default: that of the flow.")] = None,
    data: Annotated[str | None, typer.Option(help="Data for that screen, as a JSON object.", metavar="JSON")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Use the draft of the flow.")] = False,
    header: HeaderText = None,
    footer: FooterText = None,
) -> Mapping[str, Any]:
    """Queue a text with a button that opens a flow.

    Example: wa send flow +15551234567 "Book your visit." "Book" --id 1234567890
    """
    if data and not screen:
        raise BadInput("--data needs --screen.")
    action = content.interactive.flow(
        title,
        flow_id=flow_id,
        flow_name=name,
        token=token,
        screen=screen,
        data=json_text.parse_object(data, "--data") if data else None,
        draft=draft,
    )
    return content.interactive.interactive("flow", body, action, header=header, footer=footer)


@sends
def raw(
    path: Annotated[Path, typer.Argument(help="File with the message as JSON, or - for standard input.")],
) -> Mapping[str, Any]:
    """Queue a message that is JSON as the Cloud API takes it.

    Example: echo '{"type": "text", "text": {"body": "hi"}}' | wa send raw +15551234567 -
    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {system_reason(error)}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text.") from None
    return json_text.parse_object(text, "The message")


@sends
def template(
    ctx: typer.Context,
    name: TemplateName,
    parameters: TemplateParameters = None,
    language: TemplateLanguage = None,
) -> Mapping[str, Any]:
    """Queue an approved template, also outside the 24-hour window.

    Example: wa send template +15551234567 hello_world
    """
    return content.template.template(name, language or AppContext.of(ctx).settings.template_language, parameters or ())
