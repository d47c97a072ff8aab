"""What was computed last, kept: a request that differs in settings alone does not wait again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The last ``size`` results of something slow, by all that they depend on."""

    def __init__(self, size: int):
        self._size = size
        self._known: OrderedDict[Hashable, T] = OrderedDict()

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for this key, made where it is not known. Of a failure nothing is kept."""
        if key not in self._known:
            self._known[key] = make()
        self._known.move_to_end(key)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return self._known[key]
