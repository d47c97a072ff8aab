"""Imports point downwards, in no circle; gradio stays in the page, torchvision and timm out."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# From the bottom up: a module may import its own line and those above it in this text.
LEVELS = """
damage plot_notes plot_style labels method_words
types settings wordings answers typed_json names lessons compose decisions ranks alarms recent whole
downloads upright
intervals entropy moments nullspace bound certificate near_copies index
shares
ways outcome_words
verdict
backend demo main_memory versions
edit edit_sum hub families key_values moved repeatable
mllm shared_space pool_files pool_sources
pool
neighbourhood guard pool_build curriculum features
retained inversion anchor_checks beliefs fluency
tpas material reuse
dcsi sources
memory_plan
surroundings
erasure
evaluation_split probes
evaluate state_map aftermath asking protection
audit
origin
leaderboard
runs plots board_plots board_tables report
joint
interview preview together
worker
run_index
bundle bundle_guide recorded replay kept_runs compare
merged merged_card
baselines attacks
bench
cli_data cli_bench cli_together
cli ui
"""
RANK = {name: rank for rank, line in enumerate(LEVELS.split("\n")) for name in line.split()}
# The demo is a guest: its builders use the whole method, and only these know that it exists.
DEMO_USERS = {"demo", "cli", "bench", "hub"}
MODULES = sorted((ROOT / "space_core").rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path) for path in MODULES}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that the code imports anywhere, lazily too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in line {node.lineno}: write it in full"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in NAMES else node.module


def imported(path: Path) -> set[str]:
    return set(imports(ast.parse(path.read_text(encoding="utf-8"))))


def own(path: Path) -> set[str]:
    return {name for name in imported(path) if name.startswith("space_core.")}


def part(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_imports_point_downwards(path):
    if dotted(path) in ("space_core", "space_core.__main__"):
        return
    me = part(dotted(path))
    assert me in RANK, f"give {me} a place in LEVELS"
    for other in map(part, own(path)):
        assert other in RANK, f"{me} imports {other}, which has no place in LEVELS"
        if other == "demo" or me == "demo":
            assert me in DEMO_USERS, f"{me} must not know that the demo exists"
            assert other not in ("ui", "cli"), f"the demo imports {other}"
        else:
            assert RANK[other] <= RANK[me], f"{me} imports {other}, which stands above it"


def test_nothing_of_the_erasure_can_reach_an_image_of_the_target():
    # Nor an image that the auditor brings to verify: `interview` takes those.
    paths = {dotted(path): path for path in MODULES}
    reached, todo = set(), ["space_core.tpas", "space_core.erasure", "space_core.sources"]
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo += own(paths[module])
    seen = {"evaluation_split", "probes", "evaluate", "state_map", "audit", "interview", "preview"}
    assert not seen & set(map(part, reached - {"space_core"})) and len(reached) > 10


def test_no_circles():
    TopologicalSorter({dotted(path): own(path) for path in MODULES}).prepare()


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_each_library_keeps_to_its_place(path):
    libraries = {name.split(".")[0] for name in imported(path)}
    me = dotted(path)
    assert "gradio" not in libraries or me.startswith("space_core.ui"), "gradio outside the page"
    assert "spaces" not in libraries or me == "space_core.backend", "spaces outside the backend"


def test_no_torchvision_and_no_timm():
    # No build of either matches every torch that a Space may bring along.
    for path in chain(MODULES, ROOT.glob("*.py"), (ROOT / "tests").rglob("*.py")):
        stray = {name.split(".")[0] for name in imported(path)} & {"torchvision", "timm"}
        assert not stray, f"{path.relative_to(ROOT)} imports {stray}"


@pytest.mark.parametrize(
    "code, found",
    [
        ("def f():\n    import timm.models", {"timm.models"}),
        ("from space_core import edit", {"space_core.edit"}),
        ("from space_core.edit import Edit", {"space_core.edit"}),
        ("if x:\n    from gradio import Blocks as b", {"gradio"}),
    ],
)
def test_the_walk_sees_every_form(code, found):
    assert set(imports(ast.parse(code))) == found
