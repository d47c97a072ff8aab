"""Stands for the package `spaces` on ZeroGPU: one child, forked at the first call, serves them all.

As there: the child runs the generator in a thread, what crosses is pickled, an error crosses as its
name alone, and who closes the generator stops the child's after its next result.
"""

import multiprocessing
import pickle
import threading
from collections.abc import Callable, Iterator
from functools import partial

_FORK = multiprocessing.get_context("fork")
decorated: list[Callable] = []
durations: list[int] = []
pids: list[int] = []


def GPU(duration: Callable) -> Callable:
    return partial(_decorated, duration=duration)


def _decorated(task: Callable, duration: Callable) -> Callable:
    decorated.append(task)
    worker: list = []

    def call(*args: object) -> Iterator[object]:
        durations.append(duration(*args))
        if not worker:
            ours, theirs = _FORK.Pipe()
            stop = _FORK.Event()
            child = _FORK.Process(target=_serve, args=(task, theirs, stop), daemon=True)
            child.start()
            pids.append(child.pid)
            worker.extend((ours, stop))
        pipe, stop = worker
        pipe.send_bytes(_packed(args))
        while True:
            kind, value = pickle.loads(pipe.recv_bytes())
            if kind == "end":
                return
            if kind == "error":
                raise RuntimeError(value)
            try:
                yield value
            except GeneratorExit:
                stop.set()
                while kind != "end":
                    kind, _ = pickle.loads(pipe.recv_bytes())
                raise

    return call


def _serve(task: Callable, pipe, stop) -> None:
    while True:
        args = pickle.loads(pipe.recv_bytes())
        stop.clear()
        thread = threading.Thread(target=_iterate, args=(task, args, pipe, stop))
        thread.start()
        thread.join()
        pipe.send_bytes(pickle.dumps(("end", None)))


def _iterate(task: Callable, args: tuple, pipe, stop) -> None:
    results = task(*args)
    try:
        for value in results:
            if stop.is_set():
                results.close()
                return
            pipe.send_bytes(_packed(("value", value)))
    except Exception as error:
        pipe.send_bytes(pickle.dumps(("error", type(error).__name__)))


def _packed(value: object) -> bytes:
    data = pickle.dumps(value)
    # A tensor would need a handle that dies with the child.
    assert b"_rebuild_tensor" not in data, "a tensor crosses between processes"
    return data
