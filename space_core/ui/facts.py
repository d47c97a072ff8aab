"""What a run was made with, and what was decided of it, as HTML. Every string is escaped."""

from collections.abc import Iterable, Mapping
from html import escape

from space_core.backend import zero_gpu
from space_core.decisions import Decision
from space_core.labels import groups_said, hashes_said, settings_said
from space_core.types import RunRecord
from space_core.ui import markup, wording

BADGES = {"live": "live run", "recorded": "recorded run"}
JUDGEMENTS = {"accept": "Accept", "reject": "Reject", "more work": "More work needed"}
NOTHING_SHOWN = '<p class="on-show">Step 4 shows no run yet.</p>'


def of_run(record: RunRecord, kind: str) -> str:
    """The facts of a run under its badge. kind: "live" or "recorded"."""
    name = record.selection.request.name
    return (
        f'<p>{_badge(kind)}</p><h2 class="section">What was run: “{escape(name)}”</h2>'
        + markup.note("Which request, on which model, when and where.")
        + listed(_run(record))
        + _restored(record)
        + '<h2 class="section">Settings</h2>'
        + markup.note("With the same settings and seed, the run can be repeated.")
        + listed(settings_said(record.settings))
        + '<h2 class="section">Versions</h2>'
        + markup.note(
            "Other versions of these libraries, and another number of threads, may change the last "
            "digits."
        )
        + listed(record.versions)
        + '<h2 class="section">Hashes</h2>'
        + markup.note(
            "SHA-256 of what went in and came out: the same hash means the same bytes. One click "
            "marks a whole hash."
        )
        + listed(hashes_said(record.hashes), exact=True)
    )


def source(kind: str, key: str, name: str) -> dict[str, str]:
    """The badge of the run of a concept, for step 4 and for the sidebar; in step 4 with its link,
    by its key: "" where it was not kept."""
    link = ""
    if key:
        link = (
            f' <a href="?run={escape(key)}" target="_blank" rel="noopener noreferrer">Link to this '
            "run</a> (whoever has the link can see the run)"
        )
    return {
        "source": f"<p>{_badge(kind)}{link}</p>",
        "on_show": f'<p class="on-show">Step 4 shows: {_badge(kind)} “{escape(name)}”</p>',
    }


def listed(facts: Mapping[str, str], exact: bool = False) -> str:
    """Names and values; `exact`: such that one click marks a whole value."""
    tag = "code" if exact else "span"
    rows = (
        f"<dt>{escape(name)}</dt><dd><{tag}>{escape(value)}</{tag}></dd>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">{"".join(rows)}</dl>'


def of_decisions(decisions: Iterable[Decision]) -> str:
    """The decisions so far, the oldest first."""
    lines = [_decision(one) for one in decisions]
    if not lines:
        return markup.note("No decision yet.")
    return f'<ol class="decisions">{"".join(lines)}</ol>'


def _badge(kind: str) -> str:
    return f'<span class="badge {kind}">{BADGES[kind]}</span>'


def _run(record: RunRecord) -> dict[str, str]:
    request = record.selection.request
    groups = ("target", *request.questions)
    said = {
        "Run": record.run_id, "When": wording.when(record.created), "Concept": request.name,
        "Other names": ", ".join(request.aliases), "Description": request.description,
        "Asked about": groups_said(groups),
        "Concepts to protect": ", ".join(request.protect),
        "General word asked for": request.category,
        "In the name's place": wording.said_instead(record),
        "What text tells": "was to go too" if request.text_too else "was to stay",
        "Proxy anchors": f"{len(record.selection.anchors)}: {len(record.selection.chosen)} chosen "
        f"by words (cut at similarity {record.selection.threshold:.3f}), "
        f"{len(record.selection.drawn)} drawn by chance",
        "Images left out by hand": str(len(record.selection.left_out) or ""),
        "Model": record.model, "Its commit on the hub": record.revision,
        "Its weights as": record.dtype,
        "Encoder that chose the anchors": record.encoder, "Device": record.device,
        "Steps made": f"{len(record.steps)}{', stopped early' if record.stopped else ''}",
        "Took": f"{record.seconds:.0f} s",
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _restored(record: RunRecord) -> str:
    if record.base_restored:
        return markup.status(
            "Base model restored: after the run, its weights had the hash that they had before.",
            "good",
        )
    return markup.status(
        "Base model NOT restored: after the run, its weights had another hash. Do not rely on "
        "this run, and restart the app.", "bad",
    )  # fmt: skip


def _decision(one: Decision) -> str:
    notes = f'<p class="typed">{escape(one.notes)}</p>' if one.notes else ""
    return (
        f"<li><p><b>{JUDGEMENTS[one.verdict]}</b>, {escape(one.auditor)}, "
        f"{escape(wording.when(one.created))}</p>{notes}</li>"
    )


def device_said(device: str) -> str:
    """Where the page computes, as one says it: on ZeroGPU not where the model waits."""
    return "a GPU that is lent for each call" if zero_gpu() else device
