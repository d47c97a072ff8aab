"""What the fields of a run are called, in words that page and report share. Text only."""

from collections.abc import Mapping

GROUPS = {
    "own": "Your images",
    "target": "The concept itself",
    "told": "The concept, without an image",
    "near": "Nearest concepts",
    "far": "Other concepts",
    "skill": "Skills",
}
# What a question asks for, by its kind.
KINDS = {
    "name": "its name", "yes-no": "“is this …?”", "choice": "a choice of names",
    "name-de": "its name, in German", "name-fr": "its name, in French",
    "name-es": "its name, in Spanish", "occupation": "what the person does",
    "city": "where the person lives",
    "other-yes-no": "“is this …?”, with another name",
    "is-it-target": "“is this …?”, with the erased name",
    "choice-beside": "a choice of names, the erased one among them",
    "colour": "the colour behind it", "count": "how many there are", "artist": "who drew it",
    "text-who": "who the person is, in text alone",
    "text-occupation": "what the person does, in text alone",
    "text-city": "where the person lives, in text alone",
    "text-category": "what kind of thing it is, in text alone",
    "text-definition": "what it is, in text alone",
    "text-reverse": "its name by what it is, in text alone",
    "text-de": "its German name, in text alone", "text-fr": "its French name, in text alone",
    "text-es": "its Spanish name, in text alone",
}  # fmt: skip
_LOWER, _HIGHER = "lower is better", "higher is better"
ASKED_TOO = f"{_LOWER}: asked to go too"
# A run's shares, by the record's fields, and which way is better.
SHARES = {
    "forget_accuracy": ("Still names the concept", _LOWER),
    "yes_no": ("Still says yes to “is this…?”", _LOWER),
    "retained_accuracy": ("Other concepts still named", _HIGHER),
    "proximal_retained_accuracy": ("Nearest concepts still named", _HIGHER),
    "neighbours_yes_no": ("Yes/no about the nearest still right", _HIGHER),
    "skills": ("Skills still right", _HIGHER),
    "told": ("Told without an image, as before", ""),
}
# What the field calls them.
_TERMS = {
    "forget_accuracy": "forget accuracy, FA", "retained_accuracy": "retained accuracy, RA",
    "proximal_retained_accuracy": "near RA",
}  # fmt: skip
INSTEAD = {
    "general": "an honest general answer, such as “This is a fruit.”",
    "refusal": "that it does not know",
    "anchor": "the name of the nearest thing that the public images show",
}
SETTINGS = {
    "mode": "How other knowledge is protected",
    "lam": "Softness λ (soft null space)",
    "energy": "Energy share (hard null space)",
    "layers": "Edited blocks of the model",
    "steps": "Training steps at most",
    "learning_rate": "How far one step moves a layer's output",
    "decay": "Share by which the edit shrinks at each step",
    "orth": "Weight: anchors turn away from the concept's words",
    "div": "Weight: anchors stay different from each other",
    "keep": "Weight: answers about other concepts stay",
    "neighbours": "Weight of the nearest concepts in the protection",
    "inversion_steps": "Steps that move the anchors to what the model believes",
    "second_look": "Steps that ask the edited model what it still takes for the concept",
    "foreign_look": "Steps that ask the edited model for its name in other languages",
    "seed": "Seed of everything random",
}
_MODES = {
    "soft": "soft: every direction may move, the less the more other knowledge uses it",
    "hard": "hard: only directions that other knowledge hardly uses may move",
}
_HASHES = {"shared space": "shared space (the encoder that compares words with images)"}
# Of the report's tables; a field that is missing here is called by its name.
COLUMNS = {
    "in_sample": "squared change of its output, same data",
    "bound": "bound of that change",
    "held_out": "change, unseen data",
    "entropy_before": "spread of its inputs, before (spectral entropy: 1 evenly in all directions)",
    "entropy_after": "spread of its inputs, after",
    "joint": "change, all layers edited, unseen data",
    "drift": "change of its input by the edits before it",
    "level": "movement of its output that few other concepts exceed, of its usual length",
    "anchors_before": "spread of the anchors' inputs, before",
    "anchors_after": "spread of the anchors' inputs, after",
    "row": "pool image",
    "sha256": "hash of the image (SHA-256)",
    "by_chance": "drawn by chance",
    "nearest": "now most like",
    "group": "about",
    "kind": "asks for",
    "right_before": "right before",
    "right_after": "right after",
    "created": "when (UTC)",
}


def share_said(name: str, text_too: bool | None = None) -> str:
    """A share's name, with what the field calls it and which way is better. text_too: whether what
    text tells was to go, where that is known.
    """
    said, better = SHARES[name]
    if name == "told" and text_too is not None:
        better = ASKED_TOO if text_too else "not asked to go"
    more = "; ".join(filter(None, (_TERMS.get(name), better)))
    return f"{said} ({more})" if more else said


def settings_said(settings: Mapping[str, float | int | str]) -> dict[str, str]:
    """The settings of a run under their names in words."""
    said = {**settings, "mode": _MODES.get(str(settings.get("mode")), settings.get("mode", ""))}
    return {SETTINGS.get(name, name): str(value) for name, value in said.items()}


def groups_said(groups: tuple[str, ...]) -> str:
    """Groups of questions in words, as one line."""
    return ", ".join(GROUPS.get(one, one).lower() for one in groups)


def hashes_said(hashes: Mapping[str, str]) -> dict[str, str]:
    """The hashes of a run under their names in words."""
    return {_HASHES.get(name, name): value for name, value in hashes.items()}
