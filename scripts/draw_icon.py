"""Draw the dashboard's icon: one node of a hierarchy, found. Writes assets/icon.png."""

from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 256
NAVY, PALE, FOUND = "#1D4E89", "#9DB8D6", "#E69F00"
TOP, LEFT, RIGHT = (128, 72), (76, 180), (180, 180)


def draw() -> Image.Image:
    """A root with two children, one of them found."""
    image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((8, 8, SIDE - 8, SIDE - 8), radius=52, fill=NAVY)
    for child in (LEFT, RIGHT):
        pen.line((*TOP, *child), fill=PALE, width=12)
    for (x, y), colour, radius in ((TOP, PALE, 26), (LEFT, PALE, 26), (RIGHT, FOUND, 34)):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image.resize((64, 64), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    draw().save(Path(__file__).resolve().parents[1] / "assets" / "icon.png", optimize=True)
