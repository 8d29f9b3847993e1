"""`voiceflow models list|download|use`: see, fetch and choose models."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from voiceflow_daemon.cli.model_table import size_text, table
from voiceflow_daemon.errors import ConfigError, ModelMissingError

if TYPE_CHECKING:
    from rich.console import Console

    from voiceflow_daemon.storage.catalogue import ModelKind, Recommendation
    from voiceflow_daemon.storage.download import DownloadProgress
    from voiceflow_daemon.storage.models import InstalledModel

INTERRUPTED = 130
"""The exit code after Ctrl-C."""
_PLAIN_WIDTH = 150
"""Columns of a table that goes into a file or a pipe."""

_DESCRIPTION = "See, fetch and choose the models that hear and that write. Without a command: list."
_EXAMPLES = """\
examples:
  voiceflow models list                          what there is, what is here, what is in use
  voiceflow models download                      the pair that fits this machine
  voiceflow models download small.en             one of the list
  voiceflow models download org/repo:file.gguf   any repository of the Hugging Face Hub
  voiceflow models use small.en                  write it into the config; a running daemon follows
  voiceflow models use ~/models/mine.gguf        any model of your own

A cut-off download goes on when the same command is run again. HF_ENDPOINT names another hub.
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    models = commands.add_parser(
        "models",
        help="list, download and choose models",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    models.set_defaults(func=_list)
    actions = models.add_subparsers(title="commands", metavar="COMMAND")
    shown = actions.add_parser(
        "list",
        help="what there is, what is here, what is in use",
        description="What there is, what is here, what is in use.",
        epilog="example: voiceflow models list",
    )
    shown.set_defaults(func=_list)
    download = actions.add_parser(
        "download",
        help="fetch models; without a name, the pair that fits this machine",
        description="Fetch models. Without a name: the pair that fits this machine's memory.",
        epilog="example: voiceflow models download small.en",
    )
    download.add_argument(
        "names", nargs="*", metavar="NAME", help="a name of the list, org/repo or org/repo:file.gguf"
    )
    download.set_defaults(func=_download)
    use = actions.add_parser(
        "use",
        help="write a model into the config",
        description="Write a model into the config.",
        epilog="example: voiceflow models use small.en",
    )
    use.add_argument("name", metavar="NAME", help="an installed model, a path, or demo")
    use.set_defaults(func=_use)


def _list(_options: argparse.Namespace) -> int:
    from voiceflow_daemon.config.load import load_settings
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.storage.paths import user_paths

    paths = user_paths()
    try:
        settings = load_settings(paths.config_file)
    except ConfigError as error:
        print(f"voiceflow: what is in use is unknown: {error.message}", file=sys.stderr)
        settings = Settings()
    console = _console()
    console.print(table(settings, paths.models_dir))
    console.print(f"Models are kept in {paths.models_dir}", soft_wrap=True, highlight=False)
    return 0


def _download(options: argparse.Namespace) -> int:
    from voiceflow_daemon.storage.catalogue import DEMO
    from voiceflow_daemon.storage.paths import user_paths

    models_dir = user_paths().models_dir
    pair = None if options.names else _recommend()
    if pair is not None and not _agreed():
        return 0
    names = (
        [pair.speech.name, pair.language.name] if pair else [name for name in options.names if name != DEMO]
    )
    if DEMO in options.names:
        print("The demo models come with the program.")
    fetched = []
    for name in names:
        try:
            fetched.append(_fetch(name, models_dir))
        except KeyboardInterrupt:
            again = " ".join(["voiceflow models download", *options.names])
            print(f"\nStopped. What has arrived is kept: `{again}` goes on from there.", file=sys.stderr)
            return INTERRUPTED
    if pair is None:
        for model in fetched:
            print(f"Choose it with: voiceflow models use {model.name}")
    else:
        _choose_where_none_is(fetched)
    return 0


def _recommend() -> Recommendation:
    """Say what fits this machine, and why."""
    from voiceflow_daemon.config.load import load_settings
    from voiceflow_daemon.storage.catalogue import recommended
    from voiceflow_daemon.storage.paths import user_paths

    languages = load_settings(user_paths().config_file).speech.languages
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    pair = recommended(memory_bytes, languages)
    print(f"{pair.reason} What fits:")
    for model in (pair.speech, pair.language):
        size, memory = size_text(model.download_bytes), size_text(model.memory_bytes)
        print(f"  {model.name}: {size} to download, {memory} of memory, {model.licence}; {model.good_for}")
    return pair


def _agreed() -> bool:
    """Ask before fetching gigabytes, where somebody can answer."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    try:
        return input("Download both? [Y/n] ").strip().lower() in {"", "y", "yes"}
    except EOFError:
        return False


def _fetch(name: str, models_dir: Path) -> InstalledModel:
    from voiceflow_daemon.storage.catalogue import find
    from voiceflow_daemon.storage.models import find_installed

    present = find_installed(name, models_dir)
    if present is not None:
        print(f"{name} is here already.")
        return present
    known = find(name)
    if known is not None and "no commercial" in known.licence:
        print(f"Mind the licence of {name}: {known.licence}.")
    from voiceflow_daemon.storage.download import download

    with _bar(name) as show:
        model = download(name, models_dir, show)
    print(f"{name} is complete ({size_text(model.size_bytes)}).")
    return model


@contextmanager
def _bar(name: str) -> Iterator[Callable[[DownloadProgress], None]]:
    """A progress bar on stderr, and what moves it."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None)

        def show(step: DownloadProgress) -> None:
            progress.update(task, completed=step.done_bytes, total=step.total_bytes)

        yield show


def _choose_where_none_is(models: list[InstalledModel]) -> None:
    """Write fetched models into a config that names none yet."""
    from voiceflow_daemon.config.load import load_settings
    from voiceflow_daemon.storage.models import ModelKind
    from voiceflow_daemon.storage.paths import user_paths

    settings = load_settings(user_paths().config_file)
    chosen = {ModelKind.SPEECH: settings.speech.model, ModelKind.LANGUAGE: settings.llm.model}
    for model in models:
        if not chosen[model.kind]:
            _write(model.kind, model.name)
        elif chosen[model.kind] != model.name:
            print(f"The config keeps {chosen[model.kind]}; to change: voiceflow models use {model.name}")


def _use(options: argparse.Namespace) -> int:
    from voiceflow_daemon.storage.catalogue import DEMO
    from voiceflow_daemon.storage.models import ModelKind, find_installed, is_path
    from voiceflow_daemon.storage.paths import user_paths

    name: str = options.name
    if name == DEMO:
        for kind in ModelKind:
            _write(kind, DEMO)
        print("The demo models know the sample voice only.")
        return 0
    model = find_installed(name, user_paths().models_dir)
    if model is not None:
        _write(model.kind, model.name)
    elif is_path(name) and (path := Path(name).expanduser()).exists():
        _write(_kind_of_path(path), str(path.absolute()))
    else:
        _refuse(name)
    return 0


def _kind_of_path(path: Path) -> ModelKind:
    """What a model of the user's own is for; raises `ModelMissingError` when it is none."""
    from voiceflow_daemon.storage.models import ModelKind

    if path.is_dir() and (path / "model.bin").is_file():
        return ModelKind.SPEECH
    if path.is_file():
        with path.open("rb") as file:
            if file.read(4) == b"GGUF":
                return ModelKind.LANGUAGE
    raise ModelMissingError(
        f"{path} is no model.",
        "A speech model is a folder with model.bin (CTranslate2), a language model is a GGUF file.",
    )


def _refuse(name: str) -> None:
    """Raise the error that says how to get the model."""
    from voiceflow_daemon.storage.catalogue import find
    from voiceflow_daemon.storage.models import ModelKind, resolve
    from voiceflow_daemon.storage.paths import assets_dir, user_paths

    known = find(name)
    language = name.endswith(".gguf") if known is None else known.kind is ModelKind.LANGUAGE
    resolve(ModelKind.LANGUAGE if language else ModelKind.SPEECH, name, user_paths().models_dir, assets_dir())


def _write(kind: ModelKind, name: str) -> None:
    from voiceflow_daemon.config.edit import set_value
    from voiceflow_daemon.storage.models import ModelKind
    from voiceflow_daemon.storage.paths import user_paths

    key = "speech.model" if kind is ModelKind.SPEECH else "llm.model"
    config_file = user_paths().config_file
    set_value(config_file, key, name)
    print(f'{key} = "{name}" in {config_file}')


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _PLAIN_WIDTH)
