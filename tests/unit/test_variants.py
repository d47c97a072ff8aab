"""Variants: each is SPACE with the one setting exchanged that its name says."""

from dataclasses import asdict
from types import SimpleNamespace

import pytest

from space_core.bench import controls
from space_core.bench.variants import VARIANTS
from space_core.settings import DcsiConfig, TpasConfig
from space_core.types import ConceptRequest

CHANGED = {
    "first blocks": {"layers": (0, 1)},
    "last blocks": {"layers": (4, 5)},
    "every block": {"layers": (0, 1, 2, 3, 4, 5)},
    "12 anchors": {"anchors": 12},
    "48 anchors": {"anchors": 48},
    "cut 90": {"percentile": 90.0},
    "softness 0.01": {"lam": 0.01},
    "softness 1": {"lam": 1.0},
    "hard 0.2": {"mode": "hard", "energy": 0.2},
    "20 steps": {"steps": 20},
    "80 steps": {"steps": 80},
    "another seed": {"seed": 1},
    "refusal": {"instead": "refusal"},
    "anchor's name": {"instead": "anchor"},
}


@pytest.fixture
def run(monkeypatch):
    """What a variant is given, of all that it may change, on a decoder of so many blocks."""

    def select(_bench, request, choice):
        return SimpleNamespace(request=request, choice=choice)

    def erased(_bench, selection, config):
        return asdict(selection.request) | asdict(selection.choice) | asdict(config)

    monkeypatch.setattr(controls, "select_anchors", select)
    monkeypatch.setattr(controls, "erased", erased)

    def run(name: str, depth: int = 6) -> dict:
        mllm = SimpleNamespace(decoder_layers=lambda: depth)
        bench = SimpleNamespace(sources=SimpleNamespace(mllm=mllm))
        return VARIANTS[name].run(bench, ConceptRequest("lemon"))

    return run


def test_every_variant_is_named_here():
    assert set(CHANGED) == set(VARIANTS)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_changes_one_setting(run, name):
    default = asdict(ConceptRequest("lemon")) | asdict(TpasConfig()) | asdict(DcsiConfig())
    assert run(name) == default | CHANGED[name] != default


@pytest.mark.parametrize("depth", [1, 2, 3, 32])
def test_blocks_are_there_whatever_the_depth(run, depth):
    first, last, every = (run(f"{one} block{s}", depth)["layers"] for one, s in (
        ("first", "s"), ("last", "s"), ("every", ""),
    ))
    assert every == tuple(range(depth))
    assert first and last and {*first, *last} <= set(every)
