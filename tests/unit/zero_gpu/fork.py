"""FAISS and torch in a parent, in two threads, and in a forked child: prints what all found.

Both keep to one thread.
"""

import os
import sys
import threading

from space_core import backend  # noqa: I001  (before torch)

import faiss
import numpy as np
import torch


def work() -> float:
    vectors = np.random.default_rng(0).standard_normal((4000, 64), dtype=np.float32)
    index = faiss.IndexFlatIP(64)
    index.add(vectors)
    found, _ = index.search(vectors[:400], 5)
    square = torch.from_numpy(vectors[:512, :]) @ torch.from_numpy(vectors[:512, :]).T
    return round(float(found.sum()) + float((square @ square).sum()), -4)


def main() -> None:
    results = [work()]
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, f"{work()} {torch.get_num_threads()}".encode())
        os._exit(0)
    os.close(writing)
    print(*results, os.read(reading, 100).decode(), torch.get_num_threads(), flush=True)
    os.waitpid(child, 0)


if __name__ == "__main__":
    assert backend.zero_gpu(), sys.argv
    main()
