"""The Hugging Face Hub: lists a repository's files and fetches them, with resume and clear errors.

The HTTP, the tokens and `HF_ENDPOINT` are huggingface_hub's. Its `hf_hub_download` is not used:
from 2.x on it throws an unfinished file away, so a cut-off download would begin anew.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    build_hf_headers,
    disable_progress_bars,
    logging,
    tqdm,
)

from voiceflow_daemon.errors import DownloadError

_AGENT = "voiceflow-daemon"
_TIMEOUT_S = 20.0
_NETWORK_ERRORS: tuple[type[Exception], ...] = tuple(
    base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception)
)
"""The HTTP library's own base class and OSError: releases of the hub differ in the library."""


class RangeRefusedError(DownloadError):
    """The hub's file is shorter than what is here: what is here is not of that file."""


class GrowingFile(Protocol):
    """What the hub's library uses of a file object."""

    def write(self, data: bytes, /) -> int:
        """Append."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position."""

    def tell(self) -> int:
        """The position."""

    def truncate(self, size: int | None = None, /) -> int:
        """Cut what is behind the position or size."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository. `digest` is "sha256:..." or, for a small file, "git:..." (a blob's id)."""

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True)
class Listing:
    """A repository at one revision (a commit's id)."""

    repository: str
    revision: str
    files: tuple[RemoteFile, ...]


def list_files(repository: str, endpoint: str | None = None) -> Listing:
    """The files of a repository's main branch; raises `DownloadError`."""
    with _as_download_errors(repository, endpoint):
        info = HfApi(endpoint=endpoint, library_name=_AGENT).model_info(
            repository, files_metadata=True, timeout=_TIMEOUT_S
        )
    files = tuple(
        RemoteFile(
            sibling.rfilename,
            sibling.size or 0,
            f"sha256:{sibling.lfs.sha256}" if sibling.lfs else f"git:{sibling.blob_id}",
        )
        for sibling in info.siblings or ()
    )
    return Listing(repository, info.sha or "main", files)


def fetch(
    listing: Listing, file: RemoteFile, into: GrowingFile, resume_at: int, endpoint: str | None
) -> None:
    """Write what is missing of `file` from byte `resume_at` on; raises `DownloadError`."""
    disable_progress_bars()
    # Else even a switched-off bar starts a thread that watches it.
    tqdm.monitor_interval = 0
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    url = hf_hub_url(listing.repository, file.name, revision=listing.revision, endpoint=endpoint)
    headers = build_hf_headers(library_name=_AGENT)
    # A compressed answer has neither a length nor byte positions that could be resumed.
    headers["Accept-Encoding"] = "identity"
    with _as_download_errors(listing.repository, endpoint):
        http_get(
            url,
            cast(BinaryIO, into),
            resume_size=resume_at,
            headers=headers,
            expected_size=file.size_bytes,
        )


@contextmanager
def _as_download_errors(repository: str, endpoint: str | None) -> Iterator[None]:
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise DownloadError(
            "Downloads are switched off by HF_HUB_OFFLINE.", "Unset that variable and try again."
        ) from error
    except GatedRepoError as error:
        raise DownloadError(
            f"{repository} asks you to accept its terms first.",
            "Accept them on its page on the hub, run `hf auth login`, and try again.",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise _no_repository(repository) from error
    except HfHubHTTPError as error:
        raise _refused(error, repository) from error
    except _NETWORK_ERRORS as error:
        raise _interrupted(error, endpoint) from error


def _no_repository(repository: str) -> DownloadError:
    return DownloadError(
        f"There is no repository {repository} on the hub, or it is private.",
        "Check the name (ORGANISATION/REPOSITORY), or run `hf auth login` for a private one.",
    )


def _refused(error: HfHubHTTPError, repository: str) -> DownloadError:
    status = error.response.status_code
    match status:
        case 401:
            # The hub's answer to strangers for what does not exist, too.
            return _no_repository(repository)
        case 403:
            return DownloadError(
                f"The hub refuses access to {repository} ({status}).", "Run `hf auth login` and try again."
            )
        case 404:
            return DownloadError(
                f"A file of {repository} is not on the hub (404).",
                "Check the name; `voiceflow models list` shows those that are known to work.",
            )
        case 416:
            return RangeRefusedError(
                f"What was downloaded of {repository} does not fit the file on the hub and was deleted.",
                "Run the same command again.",
            )
        case 429:
            return DownloadError("The hub asks for a break (429).", "Try again in some minutes.")
    return DownloadError(
        f"The hub has a problem of its own ({status}).",
        "Try again later: what has arrived is kept and the download goes on from there.",
    )


def _interrupted(error: Exception, endpoint: str | None) -> DownloadError:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DownloadError("The disk is full.", "Free some space and run the same command again.")
    if isinstance(error, PermissionError):
        return DownloadError(f"The model cannot be written: {error}.", "Check the folder's permissions.")
    host = endpoint or constants.ENDPOINT
    return DownloadError(
        f"No connection to {host}: {error or type(error).__name__}.",
        "Check the network and run the same command again: what has arrived is kept. A model that you"
        " already have needs no network: `voiceflow models use PATH`.",
    )
