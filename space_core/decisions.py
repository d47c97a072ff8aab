"""What an auditor decided about a run: a value, and its one line of JSON."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from space_core.typed_json import from_json

Judgement = Literal["accept", "reject", "more work"]
JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)
LONGEST_NAME, LONGEST_NOTES = 80, 4000


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: what, by whom, why, and when (UTC, ISO 8601).

    Raises ValueError for another verdict, for a name that is missing or too long, for notes that
    are too long, and for a time without a zone.
    """

    verdict: Judgement
    auditor: str
    notes: str
    created: str

    def __post_init__(self) -> None:
        if self.verdict not in JUDGEMENTS:
            raise ValueError(f"A decision is one of {', '.join(JUDGEMENTS)}: choose one.")
        if not self.auditor.strip():
            raise ValueError("The auditor's name is empty: a decision needs someone who made it.")
        if len(self.auditor) > LONGEST_NAME:
            raise ValueError(
                f"The auditor's name is {len(self.auditor)} characters long: use at most "
                f"{LONGEST_NAME}."
            )
        if len(self.notes) > LONGEST_NOTES:
            raise ValueError(
                f"The notes are {len(self.notes):,} characters long: use at most "
                f"{LONGEST_NOTES:,}."
            )
        if datetime.fromisoformat(self.created).tzinfo is None:
            raise ValueError(f"The time {self.created} has no zone: write it in UTC.")


def decide(verdict: str | None, auditor: str, notes: str = "") -> Decision:
    """A decision made now, from what was typed: the name on one line, no space around the notes."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = notes.replace("\r\n", "\n").strip()
    return Decision(verdict, " ".join(auditor.split()), lines, now)


def to_line(decision: Decision) -> str:
    """One line of JSON, ASCII, with its end."""
    return json.dumps(asdict(decision)) + "\n"


def from_lines(text: str) -> tuple[Decision, ...]:
    """The decisions that `to_line` wrote, the oldest first. Raises ValueError for another text."""
    return tuple(from_json(line, Decision) for line in text.split("\n") if line.strip())
