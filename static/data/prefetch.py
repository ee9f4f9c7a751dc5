"""``prefetch``: a thread that fetches rows before they are asked for."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator

import numpy

from static.data.stages import Row, Stage


class _Channel:
    """What the thread and its consumer share. The thread knows nothing else, so that it does not keep the consumer alive."""

    def __init__(self, source: Iterator[Row], size: int) -> None:
        self.source = source
        self.size = size
        self.rows: deque[tuple[Row | None, BaseException | None]] = deque()
        self.changed = threading.Condition()
        self.stopped = False
        self.ended = False

    def fill(self) -> None:
        """Fetch rows until there are no more, or nobody wants them."""
        with numpy.errstate(all="ignore"):  # as in a session's run
            while True:
                with self.changed:
                    while len(self.rows) >= self.size and not self.stopped:
                        self.changed.wait()
                    if self.stopped:
                        return
                found: tuple[Row | None, BaseException | None]
                try:
                    found = next(self.source), None
                except StopIteration:
                    with self.changed:
                        self.ended = True
                        self.changed.notify_all()
                    return
                except BaseException as error:  # it is raised where the row is asked for
                    found = None, error
                with self.changed:
                    self.rows.append(found)
                    self.changed.notify_all()

    def take(self) -> Row:
        """The next row. Raises what the thread met in its place."""
        with self.changed:
            while not self.rows and not self.ended:
                self.changed.wait()
            if not self.rows:
                raise StopIteration
            row, error = self.rows.popleft()
            self.changed.notify_all()
        if error is not None:
            raise error
        assert row is not None
        return row

    def stop(self) -> None:
        """Let the thread end."""
        with self.changed:
            self.stopped = True
            self.changed.notify_all()


class Prefetched(Stage):
    """The rows of ``source``, up to ``size`` of which a thread has ready.

    The thread starts with the first call and ends when the rows do, or nobody has this iterator any more (its session is
    closed, or initialises it anew), or Python exits; one that is inside the user's code then ends with that.
    """

    def __init__(self, source: Iterator[Row], size: int) -> None:
        self._channel = _Channel(source, size)
        self._thread: threading.Thread | None = None

    def __next__(self) -> Row:
        if self._thread is None:
            self._thread = threading.Thread(target=self._channel.fill, name="tf.data prefetch", daemon=True)
            weakref.finalize(self, self._channel.stop)
            self._thread.start()
        return self._channel.take()
