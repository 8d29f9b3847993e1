"""The table of `voiceflow models list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from voiceflow_daemon.config.schema import Settings


def table(settings: Settings, models_dir: Path) -> Table:
    """All models that are known, here or in use: one row each."""
    from rich.table import Table

    from voiceflow_daemon.storage.catalogue import CATALOGUE, DEMO, find
    from voiceflow_daemon.storage.models import ModelKind, installed

    rows = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "name", "kind"):
        rows.add_column(title, no_wrap=True)
    for title in ("download", "memory"):
        rows.add_column(title, justify="right", no_wrap=True)
    for title in ("licence", "good for"):
        rows.add_column(title)
    here = {model.name: model for model in installed(models_dir)}
    chosen = {ModelKind.SPEECH: settings.speech.model, ModelKind.LANGUAGE: settings.llm.model}
    for entry in CATALOGUE:
        state = _state(entry.name, entry.name in here, chosen[entry.kind])
        sizes = (size_text(entry.download_bytes), size_text(entry.memory_bytes))
        rows.add_row(state, entry.name, entry.kind, *sizes, entry.licence, entry.good_for)
    for model in here.values():
        if find(model.name) is None:
            state = _state(model.name, True, chosen[model.kind])
            rows.add_row(
                state, model.name, model.kind, size_text(model.size_bytes), "", "", "your own choice"
            )
    for kind in ModelKind:
        state = _state(DEMO, True, chosen[kind])
        rows.add_row(state, DEMO, kind, "", "50 MB", "MIT", "trying the program out; the sample voice only")
        if "/" in chosen[kind] and chosen[kind] not in here:
            rows.add_row("in use", chosen[kind], kind, "", "", "", "your own")
    return rows


def _state(name: str, here: bool, chosen: str) -> str:
    in_use = chosen.lower() == name.lower()
    if in_use:
        return "in use" if here else "in use, MISSING"
    return "here" if here else ""


def size_text(size_bytes: int) -> str:
    """In decimal units, as the hub shows sizes."""
    megabytes = size_bytes / 1e6
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
