"""A visitor of the served page, who presses what a browser would press."""

from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file


def connect(page: Any, **options: Any) -> Client:
    """A client in a session of its own; the page's fixture closes it."""
    quiet = {"verbose": False, "analytics_enabled": False, "download_files": False}
    page.clients.append(Client(page.url, **quiet, **options))
    return page.clients[-1]


class Visitor:
    """One session: its events by the label or the text of what is pressed."""

    def __init__(self, page: Any):
        self.client, self.config = connect(page, _skip_components=False), page.config
        # What the page holds unseen, and a browser sends back.
        self.held = {
            one["id"]: "" for one in self.config["components"]
            if str(one["props"].get("elem_id")).endswith("_mark")
        }  # fmt: skip
        for endpoint in self.client.endpoints.values():
            # Private endpoints are the browser's: this is one.
            endpoint.is_valid = True

    def part(self, ident: int) -> dict:
        return next(one for one in self.config["components"] if one["id"] == ident)

    def event(self, name: str, event: str) -> dict:
        """The dependency that `event` of the part with that label or text triggers."""
        for one in self.config["dependencies"]:
            for ident, kind in one["targets"]:
                heard = kind == event and one["backend_fn"]
                own = self.part(ident)["props"] if heard else {}
                if name in (own.get("label"), own.get("value")):
                    return one
        raise LookupError(name)

    def after(self, first: dict) -> dict:
        return next(
            d for d in self.config["dependencies"]
            if d["trigger_after"] == first["id"] and not d["trigger_only_on_failure"]
        )

    def data(self, what: dict, **values: Any) -> list:
        """The inputs of an event; what is not given is as the page was when it came."""
        data = []
        for part in (self.part(ident) for ident in what["inputs"]):
            untouched = "" if part["type"] == "textbox" else part["props"].get("value")
            untouched = self.held.get(part["id"], untouched)
            data.append(values.get(part["props"].get("label"), untouched))
        return data

    def send(self, what: dict, **values: Any) -> list:
        """All views of an event."""
        job = self.client.submit(*self.data(what, **values), fn_index=what["id"])
        job.result(timeout=60)
        for view in job.outputs():
            shown = view if isinstance(view, (list, tuple)) else (view,)
            self.held |= {
                ident: value for ident, value in zip(what["outputs"], shown)
                if ident in self.held and isinstance(value, str)
            }  # fmt: skip
        return job.outputs()

    def press(self, name: str, event: str = "click", **values: Any) -> str:
        """The last view of an event, as text."""
        return str(self.send(self.event(name, event), **values)[-1])

    def find(self, concept: str) -> str:
        return self.press("Find proxy anchors", **{"Concept to forget": concept})

    def upload(self, path: Path) -> str:
        """Hand in an old record."""
        button = "Open an old record"
        return self.press(button, "upload", **{button: handle_file(path)})

    def erase(self, **values: Any) -> list:
        """The views of Erase and of the run that follows."""
        armed = self.event("Erase", "click")
        return self.send(armed) + self.send(self.after(armed), Steps=4, **values)
