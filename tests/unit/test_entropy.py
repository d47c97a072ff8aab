"""Spectral entropy at its two ends, and what it must not depend on."""

import math

import pytest
import torch

from space_core.entropy import spectral_entropy


def test_isotropic_features_have_entropy_one():
    assert spectral_entropy(torch.eye(5)) == pytest.approx(1.0, abs=1e-12)
    assert spectral_entropy(torch.cat([torch.eye(4), -torch.eye(4)])) == pytest.approx(1.0)
    wide = torch.linalg.qr(torch.randn(30, 6, dtype=torch.float64))[0].T
    assert spectral_entropy(wide) == pytest.approx(1.0, abs=1e-12)


def test_one_direction_has_entropy_zero():
    line = torch.outer(torch.tensor([1.0, -2.0, 3.0]), torch.randn(8))
    assert spectral_entropy(line) == pytest.approx(0.0, abs=1e-6)


def test_two_directions_of_known_weight():
    rows = torch.tensor([[1.0, 0, 0]] * 3 + [[0, 1.0, 0]])
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(3)
    assert spectral_entropy(rows) == pytest.approx(expected, abs=1e-12)


def test_rotation_and_row_scale_do_not_matter():
    torch.manual_seed(0)
    z = torch.randn(12, 7, dtype=torch.float64)
    turned = (torch.rand(12, 1) + 0.5) * z @ torch.linalg.qr(torch.randn_like(z[:7]))[0]
    assert spectral_entropy(turned) == pytest.approx(spectral_entropy(z), abs=1e-12)
    assert 0 < spectral_entropy(z) < 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.ones(1, 4), "two or more rows"),
        (torch.ones(4), "two or more rows"),
        (torch.tensor([[1.0, 2.0], [0.0, 0.0]]), "zero"),
        (torch.tensor([[1.0, 2.0], [float("inf"), 0.0]]), "finite"),
    ],
)
def test_features_without_direction_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        spectral_entropy(rows)


def test_a_single_column_is_refused():
    with pytest.raises(ValueError, match="two dimensions"):
        spectral_entropy(torch.ones(3, 1))
