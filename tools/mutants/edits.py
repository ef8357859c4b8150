"""What a wrong edit is: one place in one file, and what would stand there instead."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, order=True)
class Edit:
    """One wrong edit. Offsets are bytes of the file in UTF-8."""

    file: str
    """Relative to the repository, with slashes."""
    line: int
    start: int
    end: int
    text: str
    """What replaces the bytes from `start` to `end`."""
    what: str
    """For people: what was done, on one line."""
    whole: tuple[tuple[str, str], ...] = ()
    """Instead of one place: files and the text of each."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"

    def applied(self, content: bytes) -> bytes:
        """Return the file's content with the edit."""
        return content[: self.start] + self.text.encode() + content[self.end :]


def contents(root: Path, edit: Edit) -> dict[str, bytes]:
    """Return what the edit leaves in each file that it changes or adds."""
    if edit.whole:
        return {file: text.encode() for file, text in edit.whole}
    return {edit.file: in_file(root, edit)}


def in_file(root: Path, edit: Edit) -> bytes:
    """Return the edited content of the file below `root`."""
    return edit.applied((root / edit.file).read_bytes())
