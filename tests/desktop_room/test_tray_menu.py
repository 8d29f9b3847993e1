"""What stands in the menu, and when it is made anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.desktop.tray import Activity, TrayActions, TrayView
from voiceflow_daemon.desktop.tray_menu import (
    STATUS_LENGTH,
    TEXT_LENGTH,
    Entry,
    Kind,
    menu_changed,
    menu_due,
    menu_entries,
    one_line,
    status_label,
    title,
)

names = st.text(min_size=1, max_size=8)
views = st.builds(
    TrayView,
    activity=st.sampled_from(Activity),
    status=st.text(max_size=20),
    contexts=st.lists(names, unique=True, max_size=4).map(tuple),
    context=names,
    microphones=st.lists(names, unique=True, max_size=3).map(tuple),
    microphone=st.text(max_size=8),
    last_texts=st.lists(st.text(max_size=80), max_size=5).map(tuple),
    paused=st.booleans(),
    offers_download=st.booleans(),
    demo=st.booleans(),
)


class Chosen(list[list[Any]]):
    """Actions that only take note."""

    def actions(self) -> TrayActions:
        def taking(name: str) -> Callable[..., None]:
            return lambda *values: self.append([name, *values])

        return TrayActions(**{field.name: taking(field.name) for field in fields(TrayActions)})


def menu(view: TrayView) -> tuple[Entry, ...]:
    return menu_entries(view, Chosen().actions())


def labels(view: TrayView) -> list[str]:
    return [entry.label for entry in menu(view)]


def all_entries(entries: tuple[Entry, ...]) -> list[Entry]:
    return [inner for entry in entries for inner in (entry, *all_entries(entry.children))]


def outline(entries: tuple[Entry, ...]) -> list[object]:
    """All that is seen of them."""
    return [(e.label, e.kind, e.checked, e.enabled, outline(e.children)) for e in entries]


@given(views)
def test_every_view_has_a_menu(view: TrayView) -> None:
    entries = menu(view)
    assert entries[0].kind is Kind.STATUS
    assert entries[0].label
    assert not entries[0].enabled
    assert entries[-1].label == "Quit"
    for entry in all_entries(entries):
        assert not (entry.action and entry.children)


@given(views)
def test_each_group_has_at_most_one_choice_and_it_is_the_views(view: TrayView) -> None:
    entries = menu(view)
    contexts = [e.label for e in entries if e.kind is Kind.RADIO and e.checked]
    assert contexts == [name for name in view.contexts if name == view.context]
    microphones = next(e for e in entries if e.label == "Microphone").children
    assert sum(e.checked for e in microphones) >= 1


@given(views)
def test_acting_on_an_entry_does_one_thing(view: TrayView) -> None:
    chosen = Chosen()
    acting = [entry for entry in all_entries(menu_entries(view, chosen.actions())) if entry.action]
    for entry in acting:
        assert entry.action is not None
        entry.action()
    assert len(chosen) == len(acting)


def test_a_microphone_that_is_not_there_is_shown_as_the_choice() -> None:
    entries = menu(TrayView(microphones=("Desk",), microphone="Headset"))
    found = next(e for e in entries if e.label == "Microphone").children
    assert [(e.label, e.checked, e.enabled) for e in found] == [
        ("Default microphone", False, True),
        ("Desk", False, True),
        ("Headset (not found)", True, False),
    ]


def test_the_download_is_offered_only_where_it_helps() -> None:
    assert "Download models…" not in labels(TrayView())
    assert labels(TrayView(offers_download=True))[1] == "Download models…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Short.", "Short."),
        ("  two\n\nlines\tand  gaps ", "two lines and gaps"),
        ("x" * TEXT_LENGTH, "x" * TEXT_LENGTH),
        ("x" * (TEXT_LENGTH + 1), "x" * (TEXT_LENGTH - 1) + "…"),
        ("a" * (TEXT_LENGTH - 2) + " bcd", "a" * (TEXT_LENGTH - 2) + "…"),
        ("\n", ""),
    ],
)
def test_texts_fit_in_a_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text())
def test_a_shown_text_is_one_short_line(text: str) -> None:
    shown = one_line(text)
    assert len(shown) <= TEXT_LENGTH
    assert len(shown.splitlines()) <= 1


def test_a_status_of_many_lines_becomes_one() -> None:
    status = status_label(TrayView(status="config.toml has 2 problems:\n" + "line 7: unknown key\n" * 20))
    assert status.startswith("config.toml has 2 problems: line 7")
    assert len(status) == STATUS_LENGTH


def test_demo_is_said_once() -> None:
    assert status_label(TrayView(status="Ready", demo=True)) == "DEMO · Ready"
    assert status_label(TrayView(status="DEMO models · Ready", demo=True)) == "DEMO models · Ready"
    assert title(TrayView(status="Ready", demo=True)) == "voiceflow: DEMO · Ready"
    assert title(TrayView()) == "voiceflow: Idle"


# ----------------------------------------------------------------------------------- when to change it


@given(views, st.sampled_from(Activity), st.text(max_size=5), st.booleans())
def test_activity_status_and_demo_never_change_the_menu(
    view: TrayView, activity: Activity, status: str, demo: bool
) -> None:
    other = replace(view, activity=activity, status=status, demo=demo)
    assert not menu_changed(view, other)
    assert not menu_due(view, other)


@given(views, views)
def test_an_unchanged_menu_really_looks_the_same(old: TrayView, new: TrayView) -> None:
    if not menu_changed(old, new):
        assert outline(menu(old))[1:] == outline(menu(new))[1:]


@given(views, views)
def test_once_idle_nothing_stale_is_left(old: TrayView, new: TrayView) -> None:
    assert menu_due(old, replace(new, activity=Activity.IDLE)) == menu_changed(old, new)


@pytest.mark.parametrize("activity", [Activity.RECORDING, Activity.WORKING])
def test_while_busy_only_the_users_own_choice_changes_the_menu(activity: Activity) -> None:
    shown = TrayView(contexts=("default", "email"), context="default")
    busy = replace(shown, activity=activity)
    assert not menu_due(shown, replace(busy, last_texts=("New.",)))
    assert not menu_due(shown, replace(busy, microphones=("Headset",)))
    assert menu_due(shown, replace(busy, context="email"))
    assert menu_due(shown, replace(busy, microphone="Headset"))
    assert menu_due(shown, replace(busy, paused=True))
