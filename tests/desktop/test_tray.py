"""The tray on a real desktop: what is seen in the panel, and what happens where there is none."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from Xlib import X, display, error

from tests.desktop.rig import MenuEntry, VirtualDesktop
from tests.desktop.rig.display_server import start_x_server
from tests.desktop.rig.tray_menu import MENU, TrayItem
from tests.desktop.tray_bench import tray_program
from voiceflow_daemon.desktop.icons import COLOURS, DEMO_COLOUR
from voiceflow_daemon.desktop.tray import Activity, TrayView
from voiceflow_daemon.desktop.tray_choice import NO_HOST, NO_MENU

VIEW = TrayView(status="Ready", contexts=("default", "email"), context="default", last_texts=("Hello.",))
PANEL_HEIGHT_PX = 40

PIXELS_OF_AN_ICON = 15
"""A disc of 22 pixels has some 380; most of them carry its colour unmixed, unless it was scaled."""


@pytest.fixture
def panel_desktop() -> Iterator[VirtualDesktop]:
    with VirtualDesktop(sound=False, notifications=False) as desktop:
        yield desktop


def is_seen(desktop: VirtualDesktop, colour: tuple[int, ...], least: int = PIXELS_OF_AN_ICON) -> bool:
    """Whether the panel has at least so many pixels of this colour."""
    picture = desktop.screen.picture()
    panel = picture.crop((0, 0, picture.width, PANEL_HEIGHT_PX))
    counts = {seen: count for count, seen in panel.getcolors(panel.width * panel.height) or ()}
    return counts.get(colour[:3], 0) >= least


def await_icon(desktop: VirtualDesktop, activity: Activity) -> None:
    desktop.until(f"the icon {activity}", lambda: is_seen(desktop, COLOURS[activity]))


def leftovers(desktop: VirtualDesktop) -> list[str]:
    """Files of the tray in the folders for temporary things."""
    places = (Path(desktop.env["TMPDIR"]), desktop.runtime_dir)
    return [path.name for place in places for path in place.iterdir() if path.name not in ("pulse", "dconf")]


# ------------------------------------------------------------------------------------------- icon


def test_each_activity_has_its_own_icon_in_the_panel(panel_desktop: VirtualDesktop) -> None:
    with tray_program(panel_desktop) as tray:
        for activity in Activity:
            tray.show(replace(VIEW, activity=activity))
            await_icon(panel_desktop, activity)
            others = [COLOURS[other] for other in Activity if other is not activity]
            assert not any(is_seen(panel_desktop, colour) for colour in others)
        assert tray.item().icon_name == "voiceflow-error"


def test_the_demo_icon_has_a_yellow_corner(panel_desktop: VirtualDesktop) -> None:
    with tray_program(panel_desktop) as tray:
        tray.show(replace(VIEW, activity=Activity.RECORDING, demo=True))
        panel_desktop.until("the corner", lambda: is_seen(panel_desktop, DEMO_COLOUR, least=5))
        assert is_seen(panel_desktop, COLOURS[Activity.RECORDING])


# ------------------------------------------------------------------------------------------- menu


def click_icon(desktop: VirtualDesktop, button: int = 1) -> None:
    """Open the menu as a user does."""
    places = desktop.until("the icon", lambda: desktop.screen.pixels_of(COLOURS[Activity.IDLE][:3]))
    desktop.mouse.click(*places[len(places) // 2], button)


def open_menus(desktop: VirtualDesktop) -> int:
    """Windows that no window manager places and that are larger than a tool tip."""
    connection = display.Display(desktop.env["DISPLAY"])
    try:
        count = 0
        for window in connection.screen().root.query_tree().children:
            # A window may close between the list and the question: then it is no open menu.
            with suppress(error.BadWindow, error.BadDrawable):
                seen = window.get_attributes()
                tall = window.get_geometry().height > 100
                count += bool(seen.override_redirect and seen.map_state == X.IsViewable and tall)
        return count
    finally:
        connection.close()


def test_an_open_menu_stays_open_while_only_the_activity_changes(panel_desktop: VirtualDesktop) -> None:
    with tray_program(panel_desktop) as tray:
        tray.show(VIEW)
        item = tray.item()
        panel_desktop.until("the menu", lambda: "email" in item.labels())
        assert open_menus(panel_desktop) == 0
        click_icon(panel_desktop)
        panel_desktop.until("the menu to open", lambda: open_menus(panel_desktop) == 1)

        for number, activity in enumerate((Activity.RECORDING, Activity.WORKING, Activity.IDLE)):
            tray.show(replace(VIEW, activity=activity, status=f"Status {number}"))
            await_icon(panel_desktop, activity)
            panel_desktop.until("the status", lambda n=number: item.labels()[0] == f"Status {n}")  # type: ignore[misc]
            assert open_menus(panel_desktop) == 1

        # What closes it: something to choose has come.
        tray.show(replace(VIEW, last_texts=("New.", "Hello.")))
        panel_desktop.until("the menu to close", lambda: open_menus(panel_desktop) == 0)


def test_disabled_entries_do_nothing_even_when_clicked_over_the_bus(panel_desktop: VirtualDesktop) -> None:
    with tray_program(panel_desktop) as tray:
        tray.show(replace(VIEW, last_texts=()))
        item = tray.item()
        panel_desktop.until("the menu", lambda: "email" in item.labels())
        disabled = [entry for entry in item.menu().children if not entry.enabled]
        assert [entry.label for entry in disabled] == ["Ready", "Copy last text", "Last texts"]
        for label in ("Ready", "Copy last text", "Last texts"):
            click_disabled(panel_desktop, item, item.menu().find(label))
        item.click("email")
        tray.await_said("choose_context", "email")
        assert len(tray.chosen()) == 1


def click_disabled(desktop: VirtualDesktop, item: TrayItem, entry: MenuEntry) -> None:
    service = item._service
    path = str(item.properties()["Menu"])
    desktop.bus.call(service, path, MENU, "Event", "isvu", (entry.id, "clicked", ("s", ""), 0))


# -------------------------------------------------------------------------------------------- end


def test_after_stop_the_icon_is_gone_and_nothing_is_left(panel_desktop: VirtualDesktop) -> None:
    before = leftovers(panel_desktop)
    with tray_program(panel_desktop) as tray:
        tray.show(VIEW)
        tray.item()
        tray.stop()
        tray.await_said("ended")
        assert tray.ended() == 0
    panel_desktop.until("the icon to go", lambda: not is_seen(panel_desktop, COLOURS[Activity.IDLE]))
    assert leftovers(panel_desktop) == before
    assert "Traceback" not in panel_desktop.log("tray")


def test_stop_before_the_icon_is_up_ends_it(panel_desktop: VirtualDesktop) -> None:
    with tray_program(panel_desktop, ready=False) as tray:
        tray.stop()
        tray.await_said("ended")
        assert tray.ended() == 0


def test_the_tray_leaves_signals_alone(panel_desktop: VirtualDesktop) -> None:
    """pystray would give SIGINT back to the system, which kills at once."""
    with tray_program(panel_desktop) as tray:
        tray.item()
        tray.process.send_signal(signal.SIGINT)
        panel_desktop.until("the end", lambda: tray.process.poll() is not None)
        assert "KeyboardInterrupt" in panel_desktop.log("tray")  # Python's own handler was reached


def test_when_the_display_ends_run_raises_and_nothing_is_left(panel_desktop: VirtualDesktop) -> None:
    """GDK alone would end the process on the spot, with recordings open."""
    processes = panel_desktop.processes
    others = processes.living()
    display_name = start_x_server(processes)
    (server,) = processes.living().keys() - others.keys()
    before = leftovers(panel_desktop)
    with tray_program(panel_desktop, {"DISPLAY": display_name}) as tray:
        tray.show(VIEW)
        tray.item()
        os.kill(server, signal.SIGTERM)
        tray.await_said("gone")
        assert tray.ended() == 0
    assert leftovers(panel_desktop) == before


# --------------------------------------------------------------------------- desktops that lack something


def test_without_gtk_the_icon_has_no_menu_and_says_how_to_mend_it(panel_desktop: VirtualDesktop) -> None:
    stub = panel_desktop.folder / "stub"
    stub.mkdir()
    (stub / "gi.py").write_text("raise ImportError('no gi here')\n")
    with tray_program(panel_desktop, {"PYTHONPATH": str(stub)}) as tray:
        assert tray.await_said("choice")[1:] == ["PystrayTray", NO_MENU]
        await_icon(panel_desktop, Activity.IDLE)
        tray.show(replace(VIEW, activity=Activity.RECORDING, status="Recording"))
        await_icon(panel_desktop, Activity.RECORDING)
        tray.stop()
        tray.await_said("ended")
        assert tray.ended() == 0


def test_without_appindicator_gtk_itself_shows_icon_and_menu(panel_desktop: VirtualDesktop) -> None:
    stub = panel_desktop.folder / "stub"
    stub.mkdir()
    # Found before the real ones: a typelib that is none.
    for name in ("AppIndicator3-0.1", "AyatanaAppIndicator3-0.1"):
        (stub / f"{name}.typelib").write_bytes(b"none")
    with tray_program(panel_desktop, {"GI_TYPELIB_PATH": str(stub)}) as tray:
        assert tray.await_said("choice")[1:] == ["PystrayTray", ""]
        await_icon(panel_desktop, Activity.IDLE)
        click_icon(panel_desktop, button=3)  # such an icon has its menu on the right button
        panel_desktop.until("the menu to open", lambda: open_menus(panel_desktop) == 1)
        tray.stop()
        tray.await_said("ended")
        assert tray.ended() == 0
    assert leftovers(panel_desktop) == []


def test_without_a_session_bus_the_icon_is_embedded(panel_desktop: VirtualDesktop) -> None:
    nowhere = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={panel_desktop.folder}/nowhere"}
    with tray_program(panel_desktop, nowhere) as tray:
        assert tray.await_said("choice")[2] == ""
        await_icon(panel_desktop, Activity.IDLE)
        tray.stop()
        tray.await_said("ended")
        assert tray.ended() == 0


def test_without_a_panel_it_says_so_and_runs(bare_desktop: VirtualDesktop) -> None:
    with tray_program(bare_desktop) as tray:
        assert tray.await_said("choice")[1:] == ["PystrayTray", NO_HOST]
        tray.show(VIEW)
        tray.stop()
        tray.await_said("ended")
        assert tray.ended() == 0


def test_a_display_that_does_not_answer_is_told(bare_desktop: VirtualDesktop) -> None:
    with tray_program(bare_desktop, {"DISPLAY": ":4711"}, ready=False) as tray:
        _, kind, reason = tray.await_said("choice")
        assert kind == "NoneType"
        assert "no tray icon" in reason
        assert tray.ended() == 0
