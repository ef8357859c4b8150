"""Shapes of a diagram and how they become SVG: cards and frames with text in them, and arrows with corners."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
TITLE, TEXT = 13, 11
"""Font sizes in pixels."""
LINE = 15
"""From one baseline to the next."""
PADDING = 12

_STYLE = f"""
text {{ font-family: {FONT}; font-size: {TEXT}px; fill: #475569; }}
.title {{ font-size: {TITLE}px; font-weight: 600; fill: #0f172a; }}
.heading {{ font-size: 22px; font-weight: 700; fill: #0f172a; }}
.arrow {{ fill: none; stroke: #334155; stroke-width: 1.5; stroke-linejoin: round; }}
.dashed {{ stroke-dasharray: 5 4; }}
"""

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle; y grows downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Halfway between left and right."""
        return self.x + self.width / 2

    @property
    def center(self) -> float:
        """Halfway between top and bottom."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Content:
    """What a card says: a title, a note at its right, and lines below."""

    title: str
    lines: Sequence[str] = ()
    note: str = ""
    color: str = "#64748b"

    @property
    def height(self) -> float:
        """What the card needs."""
        return 26 + LINE * len(self.lines) + (4 if self.lines else 0)


def measure(text: str, size: float = TEXT) -> float:
    """Return about how wide `text` is; rather too wide, since nobody knows the reader's font."""
    return 0.6 * size * len(text)


def fit(text: str, width: float, size: float = TEXT) -> str:
    """Return `text`, cut where it is wider than `width`."""
    if measure(text, size) <= width:
        return text
    return text[: max(0, int(width / measure("x", size)) - 1)].rstrip(" ,") + "…"


def wrap(words: Iterable[str], width: float) -> list[str]:
    """Return lines of `words` joined by commas, none wider than `width`."""
    lines: list[str] = []
    for word in words:
        if lines and measure(f"{lines[-1]}, {word},") <= width:
            lines[-1] += f", {word}"
        else:
            lines[-1:] = [*(f"{line}," for line in lines[-1:]), word]
    return [fit(line, width) for line in lines]


@dataclass
class Sketch:
    """What has been drawn so far. Frames lie below arrows, arrows below cards, cards below text."""

    frames: list[str] = field(default_factory=list[str])
    arrows: list[str] = field(default_factory=list[str])
    cards: list[str] = field(default_factory=list[str])
    texts: list[str] = field(default_factory=list[str])

    def text(self, x: float, y: float, text: str, *, style: str = "", anchor: str = "start") -> None:
        """Write `text` with its baseline at `y`."""
        attributes = f' class="{style}"' if style else ""
        attributes += f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.texts.append(f'<text x="{x:g}" y="{y:g}"{attributes}>{escape(text)}</text>')

    def frame(self, box: Box, title: str, *, fill: str, stroke: str, dashed: bool = False, detail: str = "") -> None:
        """Draw a frame around what was drawn before, with its title at the top; it lies below all of that."""
        self.frames.insert(0, _rectangle(box, fill, stroke, dashed=dashed))
        room = box.width - 2 * PADDING
        text = f'<tspan class="title">{escape(fit(title, room, TITLE))}</tspan>'
        if detail:
            # It follows wherever the title ends in the reader's font.
            text += f'<tspan dx="8">{escape(fit(detail, room - measure(title, TITLE) - 8))}</tspan>'
        self.texts.append(f'<text x="{box.x + PADDING:g}" y="{box.y + 19:g}">{text}</text>')

    def card(self, box: Box, content: Content) -> None:
        """Draw one thing: a white card with a stripe in the colour of its kind."""
        self.cards.append(_rectangle(box, "#ffffff", "#cbd5e1", radius=4))
        self.cards.append(
            f'<rect x="{box.x:g}" y="{box.y:g}" width="4" height="{box.height:g}" rx="2" fill="{content.color}"/>'
        )
        left, right = box.x + PADDING + 2, box.right - PADDING
        baseline = box.center - (content.height - 26) / 2 + 5
        room = right - left - (measure(content.note) + 8 if content.note else 0)
        self.text(left, baseline, fit(content.title, room, TITLE), style="title")
        if content.note:
            self.text(right, baseline, content.note, anchor="end")
        for number, line in enumerate(content.lines, start=1):
            self.text(left, baseline + LINE * number + 2, fit(line, right - left))

    def arrow(self, *points: Point, label: str = "", dashed: bool = False) -> None:
        """Draw a line through `points`, with its head at the last and its label above the start."""
        path = " L".join(f"{x:g} {y:g}" for x, y in points)
        style = "arrow dashed" if dashed else "arrow"
        self.arrows.append(f'<path class="{style}" d="M{path}" marker-end="url(#head)"/>')
        if label:
            self.text(points[0][0] + 6, points[0][1] - 5, label)

    def document(self, width: float, height: float, title: str, description: str) -> str:
        """Return the SVG; its background is white, so that it is legible in dark surroundings too."""
        shapes = "\n".join([*self.frames, *self.arrows, *self.cards, *self.texts])
        return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" \
role="img" aria-labelledby="title description">
<title id="title">{escape(title)}</title>
<desc id="description">{escape(description)}</desc>
<style>{_STYLE}</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" \
markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#334155"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>
{shapes}
</svg>
"""


def _rectangle(box: Box, fill: str, stroke: str, *, dashed: bool = False, radius: int = 6) -> str:
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="{radius}" '
        f'fill="{fill}" stroke="{stroke}"{dashes}/>'
    )
