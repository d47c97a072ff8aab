"""The benchmark's results as they are read: one file of rows, means with intervals, tables.

Written by `bench`, read by it and by the page. Knows neither models nor methods.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from space_core.intervals import bootstrap_mean, sign_flip
from space_core.whole import whole_file

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
FILE = "leaderboard.parquet"
SPACE, RANDOM, CHOSEN = "space", "random anchors", "chosen anchors"
# SPACE where it ran on more targets than the rest.
ALL = "space, all concepts"
BAND = 0.1
_FEW = 6  # targets: over fewer a bootstrap tells next to nothing of the spread
SOURCE_FREE = "Source-free: no image of the concept is used"
DATA_DEPENDENT = "Data-dependent: trained on images of the concept itself"
# Group of a method → what it needs, and what it is.
GROUPS = {
    "ours": (SOURCE_FREE, "this project's method"),
    "source-free": (SOURCE_FREE, "another method"),
    "ablation": (SOURCE_FREE, "this project's method, changed"),
    "control": (SOURCE_FREE, "control: a part exchanged for one that should not do"),
    "data-dependent": (DATA_DEPENDENT, "published method"),
    "ceiling": (DATA_DEPENDENT, "this project's loss and null space on true images"),
}
# Groups of what is SPACE but for one part.
PARTS = ("ablation", "control", "ceiling")
OURS = ("ours", *PARTS)
# Column → its head with the direction that is better, and its meaning.
MEASURES = {
    "fa": (
        "FA ↓",
        "forget accuracy: of the naming questions about unseen images of the concept that were "
        "answered rightly before, the share whose answer still names it",
    ),
    "generality": (
        "left ↓",
        "what is left over every way of asking: wordings that no method saw, artists that training "
        "never saw, other languages, a person's occupation and city, yes/no above chance, and "
        "multiple choice; mean over these kinds",
    ),
    "forgotten": (
        "called forgotten ↑",
        "share of concepts that this page would call forgotten: the name in at most 10 % of the "
        "questions, by the upper limit, no other way of asking that brings it up in more than "
        "10 %, by the lower limit, and a model that still speaks",
    ),
    "ra": (
        "RA ↑",
        "retained accuracy: naming other concepts rightly before and after, of rightly before",
    ),
    "ra_of_before": (
        "RA ÷ before",
        "naming other concepts: rightly after, over rightly before. Answers that became right make "
        "up for lost ones here, and do not in RA",
    ),
    "proximal_ra": ("near RA ↑", "RA for the concepts nearest to the erased one"),
    "proximal_all": (
        "near RA, all kinds ↑",
        "the same with yes/no questions about them, and with multiple choice beside the erased one",
    ),
    "grf_f1": ("GRF-F1 ↑", "harmonic mean of 1 − FA and near RA: forgetting and sparing at once"),
    "text_ra": ("text RA ↑", "text-only questions about other concepts, kept"),
    "broken": (
        "broken ↓",
        "answers about the concept that are none: empty, a stammer, or words that the model before "
        "would never have put together",
    ),
    "broken_others": (
        "broken, others ↓", "answers about all else that are none, and were answers before"
    ),
    "told": (
        "told",
        "text-only questions about the concept itself, still answered as before: only what it "
        "looks like is meant to go, unless an erasure is asked to take text too",
    ),
    "gap": (
        "gap → 1",
        "0: answers about the concept as before the edit; 1: as a model that never knew it",
    ),
}

_NO_SHARES = ("gap", "ra_of_before")


@dataclass(frozen=True, slots=True)
class Row:
    """One method on one target. Shares as fractions, NaN where nothing was asked.

    ``n``: the questions behind ``fa``; measures as in `MEASURES`. skills: colour, count, artist
    and text, kept. broken: share of answers about the target that are none; broken_others: of those
    about all else, which were answers before. parameters: trained numbers. peak_mb: memory of the
    process at its highest. group: a key of `GROUPS`. setting: what the method was run with, where
    that was chosen. curve: (lower edge of a band of similarity to the concept, naming questions
    kept, of so many right before), bands `BAND` wide. inputs: hash of the model, the data and the
    methods that it was measured with. reading_seconds,
    inversion_seconds, training_seconds: of ``seconds``, those spent on reading what must stay, on
    moving the anchors and on the edit, where a method has these stages. entropy_before,
    entropy_after: spectral entropy of the anchors' features without and with the edit.
    """

    method: str
    target: str
    domain: str
    n: int
    fa: float
    generality: float
    ra: float
    proximal_ra: float
    proximal_all: float
    grf_f1: float
    text_ra: float
    skills: float
    broken: float
    ra_of_before: float = math.nan
    gap: float = math.nan
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    parameters: int = 0
    group: str = "ours"
    setting: str = ""
    told: float = math.nan
    curve: tuple[tuple[float, int, int], ...] = ()
    inputs: str = ""
    reading_seconds: float = math.nan
    inversion_seconds: float = math.nan
    training_seconds: float = math.nan
    entropy_before: float = math.nan
    entropy_after: float = math.nan
    broken_others: float = math.nan
    forgotten: float = math.nan

    def __post_init__(self) -> None:
        # Files hold lists.
        object.__setattr__(self, "curve", tuple(map(tuple, self.curve)))


@dataclass(frozen=True, slots=True)
class About:
    """Where a leaderboard comes from. tuning, gap: how these came to be, or why they did not."""

    command: str
    created: str
    model: str
    tuning: str
    gap: str
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Every row that was measured, and where they come from."""

    rows: tuple[Row, ...]
    about: About

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that the targets are of."""
        return tuple(sorted({row.domain for row in self.rows}))


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over targets with its 95 % bootstrap interval; NaN over none.

    Without limits where they would say nothing: over fewer than six targets, and where all came
    out alike.
    """

    value: float
    low: float
    high: float

    def text(self, share: Callable[[float], str]) -> str:
        """"2.0% (0.0% – 5.0%)"; without limits the value alone."""
        if math.isnan(self.value):
            return "—"
        if not math.isfinite(self.high - self.low):
            return share(self.value)
        return f"{share(self.value)} ({share(self.low)} – {share(self.high)})"


@dataclass(frozen=True, slots=True)
class Line:
    """One method with one setting, over its targets.

    means: by measure. less: its GRF-F1 less that of SPACE, over the targets that both ran on; p:
    how probable that is by chance (`intervals.sign_flip`).
    times: its seconds over SPACE's, on the same targets. curve: as of a `Row`, over all of its
    targets.
    """

    method: str
    group: str
    setting: str
    targets: int
    means: Mapping[str, Mean]
    less: Mean
    p: float
    seconds: float
    times: float
    curve: tuple[tuple[float, int, int], ...]

    @property
    def needs(self) -> str:
        """SOURCE_FREE or DATA_DEPENDENT."""
        return GROUPS[self.group][0]

    @property
    def short(self) -> str:
        """The same in one word."""
        return self.needs.split(":")[0].lower()

    @property
    def what(self) -> str:
        """What the method is."""
        return GROUPS[self.group][1]


def read(folder: Path) -> Leaderboard | None:
    """The leaderboard in a folder, if there is one. Raises ValueError for a foreign file."""
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        found = pq.read_table(path)
        about = About(**json.loads(found.schema.metadata[b"about"]))
        rows = tuple(
            Row(**{one.name: line[one.name] for one in fields(Row)}) for line in found.to_pylist()
        )
        if unknown := {row.group for row in rows} - set(GROUPS):
            raise KeyError(unknown.pop())
    except (KeyError, TypeError, ValueError, pa.ArrowException) as fault:
        raise ValueError(
            f"{path.name} is no leaderboard of this version: run the benchmark again."
        ) from fault
    return Leaderboard(rows, about)


def save(folder: Path, board: Leaderboard) -> None:
    """Write what `read` reads."""
    write_rows(folder / FILE, map(asdict, board.rows), "about", asdict(board.about))


def write_rows(path: Path, rows: Iterable[Mapping], name: str, said: Mapping) -> None:
    """Rows as parquet with something said of them, by name; the file appears whole or not."""
    table = pa.Table.from_pylist(list(rows)).replace_schema_metadata({name: json.dumps(said)})
    with whole_file(path) as part:
        pq.write_table(table, part, compression="zstd")


def lines(rows: Iterable[Row], domain: str = "") -> tuple[Line, ...]:
    """Every method over its targets, of one domain where one is named; SPACE first.

    SPACE stands beside the others over the targets that others ran on; where it ran on more, over
    all of them in a line of its own.
    """
    rows = [row for row in rows if domain in ("", row.domain)]
    others = {row.target for row in rows if row.method != SPACE}
    shared = [row for row in rows if not others or row.target in others]
    order = list(GROUPS)
    keys = dict.fromkeys(
        (order.index(row.group), row.method != SPACE, row.method, row.setting) for row in shared
    )
    found = tuple(_line(shared, method, setting) for _, _, method, setting in sorted(keys))
    if len(shared) == len(rows):
        return found
    ours = [replace(row, method=ALL) for row in rows if row.method == SPACE]
    return (*found[:1], _line(ours, ALL, ""), *found[1:])


def mean(values: Sequence[float], limits: tuple[float, float] = (0.0, 1.0)) -> Mean:
    """The mean of what is known; limits: the range that a value can take."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Mean(math.nan, math.nan, math.nan)
    value = sum(known) / len(known)
    if len(known) < _FEW or min(known) == max(known):
        return Mean(value, math.nan, math.nan)
    return Mean(value, *bootstrap_mean(known, 0, limits=limits))


def _line(rows: Sequence[Row], method: str, setting: str) -> Line:
    own = [row for row in rows if (row.method, row.setting) == (method, setting)]
    means = {
        name: mean(
            [getattr(row, name) for row in own],
            (-math.inf, math.inf) if name in _NO_SHARES else (0.0, 1.0),
        )
        for name in MEASURES
    }
    beside = [] if method in (SPACE, ALL) else rows
    ours = {row.target: row for row in beside if row.method == SPACE}
    pairs = [(row, ours[row.target]) for row in own if row.target in ours]
    differences = [row.grf_f1 - one.grf_f1 for row, one in pairs]
    measured = [one for one in differences if not math.isnan(one)]
    less, p = mean(measured, (-1.0, 1.0)), sign_flip(measured)
    seconds = sum(row.seconds for row in own) / len(own)
    usual = sum(one.seconds for _, one in pairs)
    times = sum(row.seconds for row, _ in pairs) / usual if usual else math.nan
    bands: dict[float, tuple[int, int]] = {}
    for edge, kept, asked in (band for row in own for band in row.curve):
        so_far = bands.get(edge, (0, 0))
        bands[edge] = so_far[0] + kept, so_far[1] + asked
    curve = tuple((edge, *bands[edge]) for edge in sorted(bands))
    return Line(method, own[0].group, setting, len(own), means, less, p, seconds, times, curve)
