"""Several erasures together: the sum of what is switched on is asked, and offered as a file."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from space_core.alarms import model_broke
from space_core.downloads import download_folder
from space_core.joint import JOINT, Joint, JointConcept, check_number, forgotten, save_joint
from space_core.runs import EDIT
from space_core.labels import SHARES
from space_core.types import Progress, RunRecord, Share
from space_core.ui import compare_tab, erased_list, markup, my_runs, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.wiring import HEAVY, Parts, View, listen, say_at_once
from space_core.ways import Way, ways

if TYPE_CHECKING:
    from space_core.together import Together

_FILES = dict(zip(erased_list.SUM_FILES, (
    (EDIT, "Summed edit (safetensors)"), (JOINT, "Record (JSON)"),
)))  # fmt: skip
_SHOWN = ("ask_together", *erased_list.SUM)
# Shares of what must stay.
_KEPT = ("proximal_retained_accuracy", "neighbours_yes_no", "retained_accuracy", "skills")


def build() -> dict[str, Any]:
    """The components, by name."""
    gr.HTML(markup.note(
        "Two or more erasures at once: their edits are added and nothing is trained again, so that "
        "it does not matter which came first. Whether they disturb each other is asked: press “Ask "
        "them together” under “Erased so far” in the sidebar (the arrow at the left edge opens it)."
    ))
    parts: dict[str, Any] = {"together_status": gr.HTML(), "together": gr.HTML()}
    with gr.Row():
        for name, (_, said) in _FILES.items():
            parts[name] = gr.DownloadButton(said, interactive=False, min_width=170)
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie the events of the measurement to their handlers."""
    ready = {"ask_together": gr.update(interactive=True)}
    say_at_once(parts["ask_together"].click, parts, "together_status", markup.waiting())
    armed = listen(
        parts["ask_together"].click, arm, parts, queue=False, show_progress="hidden",
        outputs=("tabs", *_SHOWN),
    )
    my_runs.make_room(parts["ask_together"].click, parts)

    def run(*values: Any) -> Iterator[View]:
        yield from ask(pipeline, *values)

    listen(
        armed.then, run, parts, inputs=("visitor", "erased"), outputs=_SHOWN,
        failed=lambda sentence: {**ready, "together_status": markup.status(sentence, "warning")},
        # Where others were switched on or off meanwhile, those are asked next.
        trigger_mode="always_last", show_progress="hidden", **HEAVY,
    )


def arm() -> Iterator[View]:
    """Show where the result will stand, while the measurement waits its turn."""
    yield {
        "tabs": gr.update(selected="together"), "ask_together": gr.update(interactive=False),
        **erased_list.without_sum(markup.waiting()),
    }


def ask(
    pipeline: Pipeline, visitor: str, listed: Mapping[str, bool]
) -> Iterator[View]:
    """Ask all that is switched on together, show what that says, and offer the sum."""
    on = [key for key, is_on in listed.items() if is_on]
    check_number(len(on))
    kept = pipeline.runs.result()
    bench = pipeline.bench.result()
    runs = [pipeline.load(kept.place(kept.find_own(visitor, key))) for key in on]
    for event in pipeline.together(bench, runs):
        if isinstance(event, Progress):
            yield {"together_status": markup.progress(event.message, event.done)}
        else:
            yield {**_result(event, [run.record for run in runs]), "summed": tuple(on)}


def _result(found: "Together", runs: Sequence[RunRecord]) -> dict[str, Any]:
    folder = download_folder(*(run.run_id for run in runs)) / "sum"
    save_joint(folder, found.joint, found.edit)
    return {
        "ask_together": gr.update(interactive=True), "together_status": _verdict(found.joint, runs),
        "together": _shown(found.joint, runs),
        **{
            name: gr.update(value=str(folder / file), interactive=True)
            for name, (file, _) in _FILES.items()
        },
    }


def _verdict(joint: Joint, runs: Sequence[RunRecord]) -> str:
    """What the sum does to what is forgotten, and to what is kept: a sentence each."""
    found = {one.concept: forgotten(one, run) for one, run in zip(joint.concepts, runs)}
    back = [name for name, (alone, said) in found.items() if alone == wording.YES != said]
    shown = [
        name for name, (alone, said) in found.items()
        if alone in (wording.OPEN, wording.UNASKED) and said == wording.NO
    ]
    good = all(said == wording.YES for both in found.values() for said in both)
    naming = {one.concept: one.pair("forget_accuracy") for one in joint.concepts}
    more = [
        name for name, pair in naming.items() if pair.together.successes > pair.alone.successes
    ]
    texts = []
    if back:
        texts.append(f"Together, no longer shown to be forgotten: {_named(back)}.")
    if shown:
        texts.append(f"Together, shown not to be forgotten: {_named(shown)}.")
    if texts:
        said = markup.status(" ".join(texts), "bad")
    elif good:
        said = markup.status("Each is forgotten, alone and together.", "good")
    else:
        text = "Together no verdict is another than alone; not each is shown to be forgotten."
        said = markup.status(text, "warning")
    if more and not good:
        text = f"Together, more answers still name {_named(more)} than alone: see below."
        said += markup.status(text, "warning")
    worse = [one.concept for one in joint.concepts if _keeps_less(one)]
    if worse:
        said += markup.status(
            f"Together, less is kept than alone of what lies around {_named(worse)}: see the "
            "numbers below.", "warning",
        )  # fmt: skip
    return said


def _keeps_less(one: JointConcept) -> bool:
    """Whether a kind of question was kept in 90 %, as far as alone shows, and together is not."""
    pairs = [one.pair(name) for name in _KEPT]
    return any(
        wording.are_kept(pair.alone) == wording.YES != wording.are_kept(pair.together)
        or wording.are_kept(pair.alone) != wording.NO == wording.are_kept(pair.together)
        for pair in pairs if pair.alone.questions
    )  # fmt: skip


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _shown(joint: Joint, runs: Sequence[RunRecord]) -> str:
    broke = [said for one in joint.concepts if (said := model_broke(one.outcomes))]
    return (
        "".join(
            markup.status(one, "bad" if any(said in one for said in broke) else "warning")
            for one in joint.warnings
        )
        + "".join(_of_concept(one, run) for one, run in zip(joint.concepts, runs))
        + markup.note(_changed(joint)) + markup.note(
            "Alone: as its own run measured it. The same questions are asked together; those about "
            "a concept that another of the erasures is to forget are left out of what is kept."
        )
        + markup.note(_perturbation(joint)) + markup.restored(joint.base_restored)
    )


def _of_concept(one: JointConcept, run: RunRecord) -> str:
    """A table of one of the erasures: a row a measure, alone and together."""
    alone, together = (
        {way.kind: way for way in ways(outcomes)} for outcomes in (run.outcomes, one.outcomes)
    )
    rows = [("Forgotten?", forgotten(one, run))]
    for name, (said, _) in SHARES.items():
        pair = one.pair(name)
        if pair.alone.questions:
            rows.append((said, [*map(_share, (pair.alone, pair.together))]))
    rows += [
        (f"Asked for {way.said}", [_left(found.get(kind)) for found in (alone, together)])
        for kind, way in {**together, **alone}.items() if kind not in ("name", "yes-no")
    ]  # fmt: skip
    title = f'<h2 class="section">“{escape(one.concept)}”</h2>'
    return title + compare_tab.table(one.concept, ("Alone", "Together"), rows)


def _share(share: Share) -> str:
    if not share.questions:
        return "not measured"
    return (
        f"{wording.percent(share.value)} ({wording.percent(share.low)} to "
        f"{wording.percent(share.high)})\n{share.successes} of {share.questions} questions"
    )


def _left(way: Way | None) -> str:
    return f"{way.left.successes} of {way.left.questions} bring it up" if way else "not measured"


def _changed(joint: Joint) -> str:
    pairs = [one.pair(name) for one in joint.concepts for name in _KEPT]
    asked = sum(pair.alone.questions for pair in pairs)
    lost, found = (sum(getattr(p, way) for p in pairs) for way in ("only_alone", "only_together"))
    return (
        f"Of {asked:,} questions about other things, {lost:,} are answered rightly with the one "
        f"edit alone and no longer together, {found:,} only together. In brackets: 95 % intervals."
    )


def _perturbation(joint: Joint) -> str:
    if not joint.layers:
        return ""
    most = max(joint.layers, key=lambda one: one.together)
    return (
        "The layer that changes most on other knowledge changes by "
        f"{wording.percent(most.together)} of its own size (squared); the bounds of the "
        f"edits together allow {wording.percent(most.bound)}."
    )
