"""Prompt: tell the model to know nothing. Source-free, and no edit: no weight changes.

After "Guardrail Baselines for Unlearning in LLMs" (Thaker et al. 2024, arXiv 2403.03329); the
wording is ours.
"""

from dataclasses import dataclass

from space_core.types import Concept


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is put before every question, whatever it asks about."""

    concept: Concept

    def ask(self, question: str) -> str:
        """The question as the model gets it."""
        names = " or ".join(dict.fromkeys((self.concept.phrase, *self.concept.aliases)))
        refuse = "If it is the answer, say that you do not know."
        return f"You know nothing about {names}. {refuse} {question}"
