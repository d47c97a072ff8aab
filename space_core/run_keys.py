"""Keys to kept runs: who has a run's key may ask its edit; nobody can guess one.

The store keeps hashes of keys, not keys: reading it opens no run.
"""

import hashlib
import secrets
from pathlib import Path

_FOLDER = ".keys"
_BYTES = 24


def give_key(run: Path) -> str:
    """A new key, of letters, digits, '-' and '_', to the run in this folder of a store."""
    key = secrets.token_urlsafe(_BYTES)
    kept = _file(run.parent, key)
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(run.name, encoding="utf-8")
    return key


def run_of(store: Path, key: str) -> Path:
    """The folder of the run that a key belongs to. Raises ValueError where there is none."""
    kept = _file(store, key)
    run = store / kept.read_text(encoding="utf-8") if kept.is_file() else None
    if run is None or not run.is_dir():
        raise ValueError("No run is kept under this key: call /erase first and use its key.")
    return run


def _file(store: Path, key: str) -> Path:
    return store / _FOLDER / hashlib.sha256(key.encode()).hexdigest()
