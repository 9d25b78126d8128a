"""Clients of AWS: boto3's reading of the environment, and AWS_REGION, which boto3 does not read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from wa_cli.errors import ConfigError

if TYPE_CHECKING:
    from boto3.session import Session


def session() -> Session:
    """Return a session of the environment. AWS_REGION overrides AWS_DEFAULT_REGION and the profile, as in the AWS CLI.

    Raises ConfigError for a profile that does not exist.
    """
    import boto3.session
    from botocore.exceptions import ProfileNotFound

    try:
        return boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)
    except ProfileNotFound as error:
        raise ConfigError(f"{error}.", hint="Set AWS_PROFILE to a profile of ~/.aws/config.") from error


def client(service: str, *, config: Any, default_region: str | None = None) -> Any:
    """Return a client of an AWS service. Raises ConfigError without a region."""
    from botocore.exceptions import BotoCoreError

    found = session()
    try:
        return found.client(service, region_name=found.region_name or default_region, config=config)  # type: ignore[call-overload]
    except BotoCoreError as error:
        raise ConfigError(f"AWS {service} cannot be used: {str(error).rstrip('.')}.", hint="Set AWS_REGION.") from error
