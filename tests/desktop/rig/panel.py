"""xfce4-panel with a tray, along the top of the screen."""

from pathlib import Path

from tests.desktop.rig.processes import Processes
from tests.desktop.rig.session_bus import SessionBus

ACTIVATED_SERVICE = "org.xfce.Xfconf"
WATCHER = "org.kde.StatusNotifierWatcher"


def start_panel(processes: Processes, bus: SessionBus, config_dir: Path) -> None:
    """Start the panel and wait until it takes tray items."""
    channel = config_dir / "xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"
    channel.parent.mkdir(parents=True)
    channel.write_text(PANEL_CONFIG)
    panel = processes.spawn("panel", "xfce4-panel", "--disable-wm-check")
    processes.await_ready("panel", panel, lambda: bus.is_owned(WATCHER))


PANEL_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="30"/>
      <property name="icon-size" type="uint" value="22"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray"/>
  </property>
</channel>
"""
