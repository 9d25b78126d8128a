"""How AWS is reached: as boto3 reads the environment, and AWS_REGION too, which it does not read by itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boto3.session import Session


def session() -> Session:
    """A session of the environment. AWS_REGION wins over AWS_DEFAULT_REGION and the profile, as in the AWS CLI."""
    import boto3.session

    return boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)
