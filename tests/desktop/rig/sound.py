"""A sound server of one's own, and a microphone that hears what a test plays."""

import subprocess
from pathlib import Path

from tests.desktop.rig.processes import ChildError, Processes

MICROPHONE = "microphone"
MICROPHONE_DESCRIPTION = "Rig Microphone"
FEED = "microphone_feed"
SPEAKERS = "speakers"
BUFFERED = "--latency-msec=500"  # a busy machine may keep the player waiting; it starts at once all the same


def start_sound_server(processes: Processes, socket: Path, folder: Path) -> None:
    """Start PulseAudio with speakers that nobody hears and a microphone fed by a sink."""
    socket.parent.mkdir(parents=True, exist_ok=True)
    script = folder / "pulse.pa"
    script.write_text(PULSE_SCRIPT.format(socket=socket))
    server = processes.spawn(
        "pulseaudio",
        *("pulseaudio", "-n", "-F", script, "--daemonize=no", "--use-pid-file=no", "--disable-shm=yes"),
        *("--exit-idle-time=-1", "--disallow-exit", "--realtime=no", "--high-priority=no"),
        "--log-target=stderr",
    )

    def ready() -> bool:
        asked = processes.run("pactl", "get-default-source", check=False)
        return asked.stdout.decode().strip() == MICROPHONE

    processes.await_ready("pulseaudio", server, ready)


class Playing:
    """A recording on its way into the microphone."""

    def __init__(self, processes: Processes, name: str, wav: Path) -> None:
        self._processes = processes
        self._name = name
        self._player = processes.spawn(name, "paplay", BUFFERED, f"--device={FEED}", wav)

    def until_heard(self, limit_s: float = 60.0) -> None:
        """Wait until the last sample has gone through the microphone."""
        try:
            status = self._player.wait(limit_s)
        except subprocess.TimeoutExpired as late:
            raise TimeoutError(f"waited {limit_s:g} s for {self._name} to be played") from late
        if status != 0:
            raise ChildError(f"paplay ended with status {status}\n{self._processes.log(self._name)}")

    def stop(self) -> None:
        self._processes.stop(self._player)


class Microphone:
    """The virtual microphone's side of the world: what is said into it."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._played = 0
        # While a stream asks for low latency the monitor hands out sound in blocks of some 10 ms, as a
        # microphone does, instead of up to 50 ms: so silence is always playing.
        processes.spawn(
            "silence", "pacat", "--playback", "--latency-msec=20", f"--device={FEED}", "/dev/zero"
        )

    def play(self, wav: Path) -> Playing:
        """Start playing a wav file into the microphone."""
        self._played += 1
        return Playing(self._processes, f"play-{self._played}", wav)

    def say(self, wav: Path) -> None:
        """Play a wav file into the microphone, to its end."""
        self.play(wav).until_heard()


# `norewinds`: an idle null sink renders up to 2 s ahead, and would hold its monitor back as long;
# one that never rewinds stays within 50 ms.
PULSE_SCRIPT = f"""load-module module-native-protocol-unix auth-anonymous=1 socket={{socket}}
load-module module-null-sink sink_name={FEED} rate=48000 channels=1 channel_map=mono norewinds=1
load-module module-null-sink sink_name={SPEAKERS} rate=48000 channels=2
load-module module-remap-source source_name={MICROPHONE} master={FEED}.monitor channels=1 channel_map=mono \
remix=no source_properties=device.description="{MICROPHONE_DESCRIPTION.replace(" ", "_")}"
set-default-sink {SPEAKERS}
set-default-source {MICROPHONE}
"""
