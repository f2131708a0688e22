"""Versions of a model in a directory: :class:`ModelRepository`."""

from __future__ import annotations

import atexit
import numbers
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from tftrt import _native
from tftrt._native import RepositoryEvent, VersionStatus
from tftrt.errors import InvalidArgumentError
from tftrt.model import Model, _model_fields, _native_path, _set_options

__all__ = ["ModelRepository", "RepositoryEvent", "VersionStatus", "VersionedModel"]

_lock = threading.Lock()
_open: weakref.WeakSet[ModelRepository] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Watching threads call Python, which they could not while the interpreter ends."""
    with _lock:
        repositories = list(_open)
    for repository in repositories:
        repository.close()


class VersionedModel(NamedTuple):
    """A model and the number of its version."""

    version: int
    model: Model


def _milliseconds(poll_interval: Any) -> int:
    is_number = isinstance(poll_interval, numbers.Real) and not isinstance(poll_interval, bool)
    seconds = float(poll_interval) if is_number else 0.0
    if not 0.001 <= seconds <= 86400:
        raise InvalidArgumentError(f"poll_interval is {poll_interval!r}; expected seconds, 0.001 to 86400")
    return round(seconds * 1000)


def _callback(name: str, function: Any) -> Any:
    if function is not None and not callable(function):
        raise InvalidArgumentError(f"{name} is {function!r}; expected a function")
    return function


class ModelRepository:
    """A directory of numbered versions of a model, as TensorFlow Serving lays them out; thread-safe.

    ``resnet/1/saved_model.pb``, ``resnet/2/saved_model.pb``, ...: the newest that can be loaded serves, and newer ones
    take its place as they appear::

        repository = tftrt.ModelRepository("models/resnet")
        probabilities = repository(images)["probabilities"]

    A new version is loaded and warmed while the old one serves, so there has to be memory for both. Requests under way
    keep what they have, and the old version is freed with the last of them. A version that cannot be loaded, because it
    is broken or still being copied, is tried again when its files change; copy new versions beside the directory and
    rename them into it. If the folder of the version that serves is removed, the newest of the others takes its place.
    What has been loaded is not loaded again if its files change.

    It closes with the last reference to it, at the end of a ``with`` block, or when Python ends. It does not survive a
    fork.

    Args:
        path: The directory. Folders in it whose names are numbers are versions; everything else is ignored.
        poll_interval: Seconds between two looks at it, 0.001 to 86400.
        warm_up: Called with each version, a :class:`tftrt.Model`, before it serves: to make the first calls with real
            input, or to check the answers. If it raises, the version is broken.
        on_event: Called with a :class:`tftrt.RepositoryEvent` (``kind``, ``version`` and ``message``) after something
            happened. What it raises goes to ``sys.unraisablehook``. Both are called in the thread that looks at the
            directory: the repository's own, or that of the constructor or of :meth:`refresh`.
            :class:`tftrt.CancelledError` says nothing about a version: it ends the look, and the next one tries again.
            So do ``KeyboardInterrupt`` and ``SystemExit``, but not in the repository's own thread. The constructor and
            :meth:`refresh` raise them.
        watch: Whether a thread looks for new versions; if not, only :meth:`refresh` does.
        signature: As for :class:`tftrt.Model`.
        **options: Likewise.

    Raises:
        ModelError: The directory cannot be read, or no version in it can be loaded; with the reason for each.
        InvalidArgumentError: An option is unknown or out of range.
        CancelledError: A callback raised it.

    Source: python/tftrt/repository.py, cpp/include/tftrt/model_repository.h
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        poll_interval: float = 1.0,
        warm_up: Callable[[Model], Any] | None = None,
        on_event: Callable[[RepositoryEvent], Any] | None = None,
        watch: bool = True,
        signature: str | None = None,
        **options: Any,
    ) -> None:
        """Load the newest version that can be loaded, and start to watch; see the class."""
        self._options = _model_fields(signature, options)
        self._path = os.fsdecode(path)
        self._warm_up = _callback("warm_up", warm_up)
        self._on_event = _callback("on_event", on_event)
        # What serves, made once for all calls, and how often it changed.
        self._served: VersionedModel | None = None
        self._switches = 0
        native_options = _set_options(_native.ModelOptions(), self._options)
        # Not bound methods: the garbage collector cannot see through C++ that they belong to what they keep.
        this = weakref.ref(self)

        def warm(native: _native.Model) -> None:
            repository = this()
            if repository is not None:
                repository._warm(native)

        def tell(event: RepositoryEvent) -> None:
            repository = this()
            if repository is not None:
                repository._tell(event)

        self._native = _native.ModelRepository.open(
            _native_path(path), native_options, _milliseconds(poll_interval), bool(watch), warm, tell
        )
        with _lock:
            _open.add(self)

    def _warm(self, native: _native.Model) -> None:
        if self._warm_up is not None:
            self._warm_up(self._model(native))

    def _tell(self, event: RepositoryEvent) -> None:
        if event.kind == "serving":
            self._forget()
        if self._on_event is not None:
            self._on_event(event)

    def _forget(self) -> None:
        """Let go of what served, so that it is freed with the last request."""
        self._switches += 1
        self._served = None

    def _model(self, native: _native.Model) -> Model:
        return Model._of(native, native.path, self._options)

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Call the version that serves now, as :class:`tftrt.Model` is called."""
        return self.model(*args, **kwargs)

    def current(self) -> VersionedModel:
        """Return the model that serves now and its version: ``version, model = repository.current()``.

        Keep it for one request, and ask again for the next: it keeps its version loaded. Do not close it: it would be
        closed for everybody.

        Raises:
            InvalidArgumentError: The repository is closed.
        """
        served = self._served
        if served is not None and served.version == self._native.version:
            return served
        switches = self._switches
        version, native = self._native.current()
        served = self._served = VersionedModel(version, self._model(native))
        if self._switches != switches:
            # _forget was too early for it.
            self._served = None
        return served

    @property
    def model(self) -> Model:
        """The model that serves now; see :meth:`current`."""
        return self.current().model

    @property
    def version(self) -> int:
        """The number of the version that serves now; of the last one, if the repository is closed."""
        return self._native.version

    def versions(self) -> list[VersionStatus]:
        """Return what is known of each version, newest first.

        Returns:
            For each version in the directory at the last look, and the one that serves: ``version``, ``path``,
            ``state`` ("available": not loaded, "loading", "serving", "retired" or "broken"), ``error``, ``present``
            (False if it serves although its folder is gone), ``since`` (when it came into its state, as ``time.time()``
            counts) and ``load_seconds``.
        """
        return self._native.versions()

    @property
    def problem(self) -> str:
        """Why the directory could not be read at the last look; empty if it could."""
        return self._native.problem

    @property
    def path(self) -> str:
        """The directory."""
        return self._path

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._native.closed

    def refresh(self) -> None:
        """Look at the directory now, and return when the newest version serves or was found to be broken.

        A version for which there was no memory, or whose loading failed inside TensorFlow or tftrt, is tried again at
        once; other broken ones only if their files changed.

        What is wrong with versions or the directory is told as ever, not raised. Ctrl-C waits for the version that is
        being loaded, which then does not serve and is loaded again by the next look.

        Raises:
            InvalidArgumentError: The repository is closed, or it is called by ``warm_up`` or ``on_event``.
            CancelledError: A callback raised it.
        """
        self._native.refresh()

    def close(self) -> None:
        """Stop watching and let go of the model, which stays usable where it is held.

        Waits for a version that is being loaded and for callbacks under way, unless it is called by one.
        """
        self._native.close()
        self._forget()

    def __enter__(self) -> ModelRepository:
        """Return the repository itself; it is closed when the block ends."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the repository."""
        self.close()

    def __repr__(self) -> str:
        """Show the directory and the version that serves."""
        state = "closed" if self.closed else f"version {self.version}"
        return f"<tftrt.ModelRepository {self._path!r}: {state}>"
