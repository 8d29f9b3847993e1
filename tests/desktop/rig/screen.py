"""Screenshots."""

from pathlib import Path

from PIL import Image, ImageGrab


class Screen:
    """The picture that the X server holds."""

    def __init__(self, display_name: str) -> None:
        self._display_name = display_name

    def picture(self) -> Image.Image:
        return ImageGrab.grab(xdisplay=self._display_name).convert("RGB")

    def save(self, path: Path) -> None:
        """Write a PNG (or what the suffix says)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.picture().save(path)

    def pixels_of(self, colour: tuple[int, int, int]) -> list[tuple[int, int]]:
        """Places, row by row, where the screen has exactly this colour."""
        shot = self.picture()
        width = shot.width
        raw = shot.tobytes()
        wanted = bytes(colour)
        return [(i % width, i // width) for i in range(len(raw) // 3) if raw[3 * i : 3 * i + 3] == wanted]
