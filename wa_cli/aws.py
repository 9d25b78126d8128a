"""The AWS session: boto3's reading of the environment, and AWS_REGION, which boto3 does not read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boto3.session import Session


def session() -> Session:
    """Return a session of the environment. AWS_REGION overrides AWS_DEFAULT_REGION and the profile, as in the AWS CLI."""
    import boto3.session

    return boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)
