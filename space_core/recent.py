"""What was computed last, kept: a request that differs in settings alone does not wait again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_NONE: Any = object()


class Recent(Generic[T]):
    """The last ``size`` results of something slow, by all that they depend on."""

    def __init__(self, size: int):
        self._size = size
        self._known: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for this key, made where it is not known. Of a failure nothing is kept.

        Two threads may make it at once: both have what the first one made.
        """
        with self._lock:
            found = self._known.get(key, _NONE)
        made = make() if found is _NONE else found
        with self._lock:
            made = self._known.setdefault(key, made)
            self._known.move_to_end(key)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return made
