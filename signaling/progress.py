"""Bars in the terminal while weights are fetched; lines where there is no terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn

__all__ = ["BarProgress"]


class BarProgress:
    """A `signaling.fetching.Progress`; a context manager, for the cursor's sake."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            SpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, what: str, size: int) -> None:
        """See `signaling.fetching.Progress`."""
        if not self._console.is_terminal:
            self._console.print(f"fetching {what} ({size / 1e6:.1f} MB)", soft_wrap=True, markup=False)
        self._bar = self._bars.add_task(what, total=size)

    def at(self, done: int) -> None:
        """See `signaling.fetching.Progress`."""
        if self._bar is not None:
            self._bars.update(self._bar, completed=done)

    def end(self) -> None:
        """See `signaling.fetching.Progress`."""
        if self._bar is not None:
            self._bars.remove_task(self._bar)
            self._bar = None

    def say(self, line: str) -> None:
        """See `signaling.fetching.Progress`."""
        self._console.print(line, soft_wrap=True, markup=False)
