"""A model whose weights hold an edit, as a folder of its own that `transformers` loads.

Nothing is merged in place: the base model comes back whole, and an old folder is never touched.
"""

from pathlib import Path

from huggingface_hub import HfApi

from space_core.edit import Edit, edited, weights_sha256
from space_core.merged_card import card
from space_core.mllm import Mllm
from space_core.runs import check_own
from space_core.types import RunRecord
from space_core.whole import check_new, whole_folder

README = "README.md"


def merge_and_save(mllm: Mllm, edit: Edit, record: RunRecord, folder: Path) -> None:
    """Write weights with the edit in them, processor and model card into a new folder.

    The folder appears whole or not at all. The weights are stored in the dtype in which `mllm` is
    loaded, as they were measured. Raises ValueError where the folder exists, or where model, edit
    and record are not of one run.
    """
    check_new(folder)
    check_own(edit, record)
    if record.hashes.get("model") != weights_sha256(mllm.model):
        in_dtype = record.dtype and f", and SPACE_DTYPE to {record.dtype}"
        raise ValueError(
            f"The run {record.run_id} was made on other weights than those of {mllm.name!r}: set "
            f"SPACE_MODEL and SPACE_REVISION to the model of the run{in_dtype}."
        )
    with whole_folder(folder) as part:
        with edited(mllm.model, edit):
            mllm.model.save_pretrained(part)
        mllm.processor.save_pretrained(part)
        base = "" if Path(mllm.name).exists() else mllm.name
        (part / README).write_text(card(record, base), encoding="utf-8")


def push(folder: Path, repository: str) -> str:
    """Upload a merged folder into a new, private repository of the hub; its address.

    Raises ValueError where the hub refuses, or where the repository exists.
    """
    hub = HfApi()
    try:
        made = hub.create_repo(repository, private=True)
        hub.upload_folder(repo_id=repository, folder_path=folder)
    # The hub's own, and those of whatever network library it uses.
    except Exception as error:
        raise ValueError(
            f"{folder} was written, but the hub did not take it as {repository!r}: {error}"
        ) from error
    return str(made)
