"""What an auditor takes away from a run: its files in a folder, and all of them as one zip.

The same run and decisions give the same bytes.
"""

import hashlib
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from space_core.bundle_guide import RankLoss, adapter_readme, readme
from space_core.decisions import Decision, to_line
from space_core.edit import Edit
from space_core.report import write_report
from space_core.runs import DECISIONS, EDIT, RECORD, check_own, outcomes_csv
from space_core.typed_json import to_json
from space_core.types import RunRecord
from space_core.whole import PART, whole_file

QUESTIONS, REPORT, LORA, README = "questions.csv", "report.html", "lora", "README.txt"
# The first moment that a zip can name: when a bundle was packed must not change its bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Takeaway:
    """The files for download: all of it as a zip, its single files, the adapter as a zip."""

    bundle: Path
    record: Path
    questions: Path
    report: Path
    edit: Path
    lora: Path


def take_away(
    folder: Path, record: RunRecord, edit: Edit, decisions: Sequence[Decision] = ()
) -> Takeaway:
    """Write everything that a visitor may download into `folder`, which holds no file of a run."""
    files = Path(folder) / "files"
    lay_out(files, record, edit, decisions)
    bundle = Path(folder) / f"{record.run_id}.zip"
    lora = Path(folder) / f"{record.run_id}-lora.zip"
    write_zip(bundle, files)
    write_zip(lora, files / LORA)
    return Takeaway(
        bundle, files / RECORD, files / QUESTIONS, files / REPORT, files / EDIT, lora
    )


def write_bundle(
    path: Path, record: RunRecord, edit: Edit, decisions: Sequence[Decision] = ()
) -> None:
    """A run as one zip: record, questions, report, decisions if any, edit, adapter, README."""
    with tempfile.TemporaryDirectory(dir=Path(path).parent, prefix=PART) as temporary:
        lay_out(Path(temporary), record, edit, decisions)
        write_zip(path, Path(temporary))


def lay_out(
    folder: Path, record: RunRecord, edit: Edit, decisions: Sequence[Decision] = ()
) -> None:
    """Write the files of a bundle into `folder`, which is empty or new.

    Raises ValueError where the edit is not the one whose hash the record holds.
    """
    check_own(edit, record)
    (folder / LORA).mkdir(parents=True)
    (folder / RECORD).write_text(to_json(record) + "\n", encoding="utf-8")
    (folder / QUESTIONS).write_text(
        outcomes_csv(record.outcomes), encoding="utf-8", newline=""
    )
    write_report(folder / REPORT, record, decisions)
    if decisions:
        (folder / DECISIONS).write_text("".join(map(to_line, decisions)), encoding="utf-8")
    edit.save(folder / EDIT)
    stored = edit.to_peft(folder / LORA, record.hub_name, revision=record.revision)
    losses = [rank_loss(name, edit, stored) for name in sorted(edit.layers)]
    (folder / LORA / README).write_text(adapter_readme(losses), encoding="utf-8")
    text = readme(record, {name: _sha256(path) for name, path in _files(folder).items()})
    (folder / README).write_text(text, encoding="utf-8")


def rank_loss(layer: str, edit: Edit, stored: Edit) -> RankLoss:
    """What `stored`, an edit in fewer directions, loses of `edit` in a layer. float64."""
    delta = edit.delta(layer)
    error, norm = float((delta - stored.delta(layer)).norm()), float(delta.norm())
    rank = stored.layers[layer].a.shape[1]
    return RankLoss(layer, rank, error, error / norm if norm else 0.0)


def write_zip(path: Path, folder: Path) -> None:
    """Pack the files of a folder in the order of their names; the zip appears whole or not."""
    with whole_file(path) as part, zipfile.ZipFile(part, "w") as packed:
        for name, file in _files(folder).items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _PLAIN_FILE
            # Tensors do not shrink: packing them would only take time.
            tensors = file.suffix == ".safetensors"
            entry.compress_type = zipfile.ZIP_STORED if tensors else zipfile.ZIP_DEFLATED
            packed.writestr(entry, file.read_bytes())


def _files(folder: Path) -> Mapping[str, Path]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: path for name, path in sorted(found.items()) if path.is_file()}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
