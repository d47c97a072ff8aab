"""The page without a browser: its handlers, and what a visitor would see."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from space_core.kept_runs import new_key
from space_core.settings import DcsiConfig, TpasConfig
from space_core.ui.app_layout import TABS
from space_core.ui.where import Where

from stand_in import StandIn


# Buttons that one sees in a tab alone.
BUTTONS = {("find", "click"): "concept", ("erase", "click"): "erase"}


@dataclass(eq=False)
class Part:
    """A component that only remembers what is tied to its events, and to the `then` of one."""

    name: str
    tied: dict[str, SimpleNamespace] = field(default_factory=dict)

    def __getattr__(self, event: str) -> Callable[..., "Part"]:
        def tie(run: Callable | None, inputs: Any, outputs: Any, **options: Any) -> "Part":
            # Without a handler it is the browser's own; a `then` of a `then` is "then then".
            if run:
                name = event
                while event == "then" and name in self.tied:
                    name += " then"
                self.tied[name] = SimpleNamespace(run=run, inputs=inputs, outputs=outputs)
            return self

        return tie


class Parts(dict):
    """Every part that is asked for."""

    def __missing__(self, name: str) -> Part:
        return self.setdefault(name, Part(name))


class Visit:
    """The page without a browser: `now` holds what its parts show, `changed` what has changed.

    `gr.update(value=…)` sets a part's value; the rest of an update is kept in `looks`.
    """

    def __init__(self, pipeline: StandIn):
        self.parts, self.looks, self.changed = Parts(), {}, set[str]()
        config, default = TpasConfig(), DcsiConfig()
        self.now: dict[str, Any] = {
            "concept": "", "aliases": "", "description": "", "category": "", "selection": None,
            "count": config.anchors, "from_pool": True, "cut": 0.0, "used": [], "protect": [],
            "questions": ["near", "far", "skill"], "instead": "general", "text_too": False,
            "own": None, "own_pictures": None, "own_upload": [], "asked": (),
            "preset": "space", "lam": default.lam, "energy": default.energy,
            "steps": 4, "stop_flag": None, "finished": None, "image": None, "question": "",
            "group": "everything", "outcome": "everything", "kept": None, "live_facts": "",
            "auditor": "",
            "judgement": None, "notes": "", "upload": None, "recorded": None, "replay_flag": None,
            "visitor": new_key(), "link": "", "my_runs": [], "compared": None,
            "only_differing": False, "erased": {},
            "where": Where("concept"), "verify_mark": "", "record_mark": "", "own_mark": "", "waiting": None, "summed": (),
        }  # fmt: skip
        for tab in TABS:
            tab.connect(self.parts, pipeline)

    def watch(self, name: str, event: str = "click", **values: Any) -> Iterator[dict[str, Any]]:
        """Do as a visitor does who enters `values` and then acts; the views, one by one."""
        self.now |= values
        if (name, event) in BUTTONS:
            self.now["where"].tab = BUTTONS[name, event]
        tied = self.parts[name].tied[event]
        for raw in tied.run(*(self.now[part.name] for part in tied.inputs)):
            # gradio refuses a view of a part that is no output of the event.
            assert set(raw) <= set(tied.outputs)
            view = {part.name: value for part, value in raw.items()}
            for part, value in view.items():
                self._show(part, value)
            yield view

    def act(self, name: str, event: str = "click", **values: Any) -> "Visit":
        """`watch` to the end."""
        list(self.watch(name, event, **values))
        return self

    def erase(self, **values: Any) -> "Visit":
        """The events of the button Erase, one after the other."""
        return self.act("erase").act("erase", "then", **values).act("erase", "then then")

    def pick(self, name: str, **event: Any) -> Any:
        """Click an item of a gallery or a row of a table."""
        tied = self.parts[name].tied["select"]
        inputs = tied.inputs if isinstance(tied.inputs, list) else [tied.inputs]
        values = [self.now[part.name] for part in inputs if part is not None]
        self._show(tied.outputs.name, tied.run(SimpleNamespace(**event), *values))

    def sees_result(self) -> bool:
        """Whether step 4 was opened before the visitor's eyes."""
        return self.looks.get("tabs", {}).get("selected") == "verify"

    def _show(self, part: str, value: Any) -> None:
        self.changed.add(part)
        if isinstance(value, Mapping) and value.get("__type__") == "update":
            self.looks.setdefault(part, {}).update(value)
            if part == "tabs":
                self.now["where"].tab = value["selected"]
            if "value" not in value:
                return
            value = value["value"]
        self.now[part] = value

