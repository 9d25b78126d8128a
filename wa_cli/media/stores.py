"""Media stores: a folder or S3. A file has one place by its message, so that saving it again changes nothing."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from wa_cli import aws
from wa_cli.errors import WaError, system_reason

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


ABANDONED_SECONDS = 3600.0


class MediaStoreUnavailable(WaError):
    """The folder or the bucket does not take a file now."""

    exit_code = 4


class MediaStore(Protocol):
    # The folder of unfinished files, or None for the system's own.
    scratch: Path | None

    def tidy(self) -> None:
        """Delete partial files of dead workers. Raises MediaStoreUnavailable if nothing can be saved."""

    def probe(self) -> None:
        """Raise MediaStoreUnavailable if a file cannot be saved now. Nothing stays behind."""

    def save(self, file: Path, message_id: str, mime_type: str | None) -> str:
        """Save the file and return its place. The given file may be moved. Raises MediaStoreUnavailable."""


def open_store(place: str) -> MediaStore:
    """Return the media store at a folder, or at `s3://bucket/prefix`."""
    if not place.startswith("s3://"):
        return FolderStore(Path(place).expanduser().resolve())
    from botocore.config import Config

    address = urlsplit(place)
    client = aws.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    return S3Store(client, address.netloc, address.path.strip("/"))


def _name(message_id: str, mime_type: str | None) -> str:
    """Return a name like `3f/3f6c…a1.jpg`. It has nothing of the customer but the kind of file."""
    digest = hashlib.sha256(message_id.encode()).hexdigest()[:40]
    ending = mimetypes.guess_extension((mime_type or "").partition(";")[0].strip()) or ".bin"
    return f"{digest[:2]}/{digest}{ending}"


class FolderStore:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scratch: Path | None = folder / ".coming"

    def tidy(self) -> None:
        coming = self.folder / ".coming"
        try:
            coming.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise MediaStoreUnavailable(f"Cannot write a file to {self.folder}: {system_reason(error)}.") from error
        abandoned = time.time() - ABANDONED_SECONDS
        for path in coming.glob("*"):
            with suppress(OSError):
                if path.stat().st_mtime < abandoned:
                    path.unlink()

    def probe(self) -> None:
        self.tidy()
        mine = self.folder / ".coming" / f"probe-{uuid4().hex}"
        try:
            mine.write_bytes(b"x" * 4096)
        except OSError as error:
            raise MediaStoreUnavailable(f"Cannot write a file to {self.folder}: {system_reason(error)}.") from error
        finally:
            mine.unlink(missing_ok=True)

    def save(self, file: Path, message_id: str, mime_type: str | None) -> str:
        target = self.folder / _name(message_id, mime_type)
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with file.open("rb") as whole:
                os.fsync(whole.fileno())
            file.replace(target)
        except OSError as error:
            raise MediaStoreUnavailable(f"Cannot write a file to {self.folder}: {system_reason(error)}.") from error
        return str(target)


class S3Store:
    scratch: Path | None = None

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self._client = client

    def tidy(self) -> None:
        pass

    def probe(self) -> None:
        """List nothing. Writing an object and deleting it would need one more permission."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
        except (BotoCoreError, ClientError) as error:
            raise MediaStoreUnavailable(f"Cannot list s3://{self.bucket}: {error}") from error

    def save(self, file: Path, message_id: str, mime_type: str | None) -> str:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        key = "/".join(part for part in (self.prefix, _name(message_id, mime_type)) if part)
        extra = {"ContentType": mime_type} if mime_type else {}
        try:
            self._client.upload_file(str(file), self.bucket, key, ExtraArgs=extra)
        except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
            raise MediaStoreUnavailable(f"Cannot write a file to s3://{self.bucket}: {error}") from error
        return f"s3://{self.bucket}/{key}"
