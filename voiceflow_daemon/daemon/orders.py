"""What the worker is told to do, and what it tells about it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.gaps import Gaps
from voiceflow_daemon.errors import VoiceflowError


# ------------------------------------------------------------------------------------------ orders
@dataclass(frozen=True)
class Load:
    """Load the models that `settings` name; the present ones are freed first."""

    settings: Settings


@dataclass(frozen=True)
class Unload:
    """Free the models when nothing else is to be done; a `Load` that comes before that takes its place."""


@dataclass(frozen=True, eq=False)
class Prepare:
    """Prepare the contexts' prompts when nothing else is to be done; the first is hot in the end.

    Replaces what was still to be prepared.
    """

    contexts: tuple[str, ...]
    settings: Settings


@dataclass(frozen=True, eq=False)
class MakeHot:
    """Make this context's prompt the one at hand, before others are prepared: it is wanted next.

    `job_id` is the recording that has begun, if one has.
    """

    context: str
    settings: Settings
    job_id: int | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """One recording (mono int16 at 16 kHz) to be worked on with the settings it began with."""

    job_id: int
    samples: NDArray[np.int16]
    context: str
    settings: Settings
    spoken_until: int | None = None
    """Behind the last sample with speech in it, where somebody has listened."""
    gaps: Gaps = field(default_factory=Gaps)
    ordered_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False)
class Hear:
    """A closed segment of a recording that goes on, which will come as a `Job` of this id."""

    job_id: int
    segment: SegmentClosed
    context: str
    settings: Settings


@dataclass(frozen=True, eq=False)
class Guess:
    """What there is of a recording whose key was released: most likely, nothing more is said in it."""

    job_id: int
    samples: NDArray[np.int16]
    context: str
    settings: Settings
    gaps: Gaps = field(default_factory=Gaps)


@dataclass(frozen=True, eq=False)
class Forget:
    """The recording was dropped: whatever is known of it goes."""

    job_id: int


Order = Load | Unload | Prepare | MakeHot | Job | Hear | Guess | Forget


# ------------------------------------------------------------------------------------------ events
@dataclass(frozen=True)
class Loaded:
    """The models that `settings` name are loaded and warm; `warnings` are for the user."""

    settings: Settings
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Unloaded:
    """The models are freed, and their memory is the system's again."""


@dataclass(frozen=True)
class LoadFailed:
    """The models could not be loaded; jobs come back with an error until the next `Load`."""

    settings: Settings
    error: VoiceflowError


@dataclass(frozen=True)
class Fixed:
    """How the text of a recording begins, whatever else is said in it; empty when that is open again."""

    job_id: int
    text: str


@dataclass(frozen=True)
class Done:
    """A job's end; `dictated` is None when it failed with `error`."""

    job: Job
    dictated: Dictated | None
    error: VoiceflowError | None = None


@dataclass(frozen=True)
class Preparing:
    """The worker is at prompt `number` of the order's `total`."""

    order: Prepare
    number: int
    total: int


@dataclass(frozen=True)
class Prepared:
    """The order's prompts are ready, but for the contexts in `failures`, whose texts rules write."""

    order: Prepare | MakeHot
    failures: tuple[tuple[str, VoiceflowError], ...] = ()


WorkerEvent = Loaded | Unloaded | LoadFailed | Fixed | Done | Preparing | Prepared
