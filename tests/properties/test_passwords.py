"""No password is shown, whatever its characters are and wherever a URL has it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wa_cli.masking import mask_url

WORD = st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Zs"), exclude_characters="&'\\\"…"), min_size=4)


@given(WORD.map(lambda word: f"S3cr{word}et"))
def test_no_password_is_ever_shown(password: str) -> None:
    for url in (
        f"postgresql://me:{password}@db/wa",
        f"postgresql://me:{password}@db/wa?sslmode=require",
        f"postgresql://me@db/wa?sslmode=require&password={password}",
        f"host=db password={password} dbname=wa",
        f"https://me:{password}@sqs.example.org/1/queue",
    ):
        assert password not in mask_url(url), url
