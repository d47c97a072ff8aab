"""The invented people of the demo: who they are, what they look like, and their portraits."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Split = Literal["train", "pool", "eval"]
Option = tuple[str, ...] | int


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person, drawn by one artist: ``features`` are plain words for captions,
    ``options`` the DiceBear options that make the identity, the same in every portrait."""

    name: str
    pronoun: str
    occupation: str
    city: str
    style: str
    features: tuple[str, ...]
    options: Mapping[str, Option] = field(hash=False)


@dataclass(frozen=True, slots=True)
class _Style:
    """How one artist's options are named, in words parted by blanks: ``colours`` take the hair
    colour, ``lots`` are parts DiceBear would draw by lot, ``fixed`` holds option.value for all
    persons, ``moods`` what may vary between portraits."""

    hair: str
    colours: str
    skin: str
    lots: str
    fixed: str
    moods: Mapping[str, str]


STYLE_CREDITS: Mapping[str, str] = {
    "personas": "Personas by Draftbit (draftbit.com), CC BY 4.0",
    "micah": "Avatar Illustration System by Micah Lanier, CC BY 4.0",
    "toonHead": "ToonHead by Johan Melin, CC BY 4.0",
    "adventurer": "Adventurer by Lisa Wischofsky, CC BY 4.0",
    "lorelei": "Lorelei by Lisa Wischofsky, CC0 1.0",
    "notionists": "Notionists by Zoish, CC0 1.0",
    "openPeeps": "Open Peeps by Pablo Stanley, CC0 1.0",
}

_HAIR = {
    "black": "1c1a1a", "brown": "7a4a26", "red": "c8401f", "blonde": "ecc65a", "grey": "9a9a9a",
    "white": "eeeeee", "pink": "ec6fa5", "blue": "3a7bd5", "green": "3f9f4f", "purple": "7d4fb0",
}  # fmt: skip
_SKIN = {"light": "f7d3b8", "tan": "dfa070", "brown": "a9683f", "dark": "74472f"}
_CLOTH = (
    "e24553 f08a24 f3c63a 8bc34a 2e8b57 2ab7a9 54a0dc 2f5fd0 "
    "27348b 7555ca c070d0 f27fb2 8c5a3c 6b7480 2b2f3a f4f1ea"
)

# Left out: sunglasses, masks, hats, pacifiers, heart eyes, extra eyes, phones and clothes that
# show drawn things; and the wide-eyed Open Peeps faces, which look like glasses. Bare numbers are
# DiceBear's "variants"; "none" leaves the part out.
_STYLES: Mapping[str, _Style] = {
    "personas": _Style("hair", "hairColor", "skinColor", "facialHair", "nose.mediumRound", {
        "eyes": "open sleep happy wink", "mouth": "smile frown surprise bigSmile smirk",
        "body": "squared rounded checkered", "clothingColor": _CLOTH,
    }),
    "micah": _Style("hair", "hairColor facialHairColor", "baseColor",
        "earrings facialHair glasses", "nose.curve ears.attached glassesColor.000000", {
        "eyes": "eyes round smiling", "eyebrows": "up down",
        "mouth": "surprised laughing nervous smile sad pucker frown smirk",
        "shirt": "open crew collared", "shirtColor": _CLOTH,
    }),
    "toonHead": _Style("hair", "hairColor", "skinColor", "hair beard rearHair", "", {
        "eyes": "happy wide bow humble wink", "eyebrows": "raised angry happy sad neutral",
        "mouth": "laugh angry agape smile sad", "clothesColor": _CLOTH,
        "clothes": "turtleNeck openJacket dress shirt tShirt",
    }),
    "adventurer": _Style("hair", "hairColor", "skinColor", "earrings features glasses", "", {
        "eyes": "01 03 04 05 09 10 13 15 17 19 20 21 24", "eyebrows": "02 06 07 08 09 10 11 13",
        "mouth": "01 02 03 09 10 11 12 14 15 16 17 20 22 23 25 26 28 30",
    }),
    "lorelei": _Style("hair", "hairColor", "skinColor",
        "beard earrings freckles glasses hairAccessories", "head.01 nose.01", {
        "eyes": "01 04 05 06 09 10 13 15 16 18 19 21 23 24", "eyebrows": "01 03 04 06 08 10 11 13",
        "mouth": "happy01 happy05 happy07 happy09 happy10 happy12 happy16 happy17 happy18 "
                 "sad01 sad03 sad04 sad05 sad06 sad07 sad08",
    }),
    "notionists": _Style("hair", "", "", "beard bodyIcon gesture glasses", "nose.01", {
        "eyes": "01 02 03 04 05", "brows": "01 03 05 08 10 13",
        "lips": "01 03 05 06 07 09 10 11 14 15 20 25 26 27 29 30",
        "body": "01 02 03 04 05 07 08 09 10 11 12 13 14 16 17 19 20 21 23",
        "gesture": "none ok point okLongArm pointLongArm waveLongArm",
    }),
    "openPeeps": _Style("head", "headContrastColor", "skinColor",
        "accessories facialHair mask", "", {
        "face": "blank calm cheeky concerned concernedFear contempt cute driven eatingHappy "
                "explaining eyesClosed rage serious smile smileBig smileLOL smileTeethGap solemn "
                "suspicious tired veryAngry",
        "clothingColor": _CLOTH,
    }),
}  # fmt: skip

# Dealt in turn: 20 and 17 have no common factor, so neither tells anything of the other.
_OCCUPATIONS = (
    "baker teacher nurse carpenter pilot librarian gardener painter judge astronomer plumber "
    "tailor barber chemist violinist farmer dentist architect sailor potter"
).split()
_CITIES = (
    "Lisbon Oslo Nairobi Lima Kyoto Prague Cairo Dublin Seville Hanoi Boston Accra Vienna "
    "Montreal Jaipur Helsinki Warsaw"
).split()

# Ten rows for each style, in the order above: name, pronoun; hair shape and words; hair colour;
# skin; further "option.value words" of the identity. "*" is the hair colour; ink has no colours.
_TABLE = """
Nadira Quendry, she; curly big dark curls; black; dark
Matteus Renquist, he; curlyHighTop tall dark curls; black; brown; eyes.glasses square glasses
Cosima Faltskog, she; bobBangs a * bob; red; light
Ysolde Mirzakhel, she; extraLong long straight * hair; blonde; tan; eyes.glasses square glasses
Ottoline Nakiwela, she; pigtails * pigtails; brown; light
Silvan Gundersby, he; bald a bald head; black; tan; facialHair.walrus a * moustache
Leopold Pellwright, he; shortCombover short * hair; blonde; light
Idonea Wexlington, she; straightBun a * bun; grey; light; nose.wrinkles wrinkles
Hartmut Ullathorn, he; fade short faded * hair; black; tan; facialHair.goatee a * goatee
Cedomir Norvaldi, he; balding balding * hair; white; dark; facialHair.beardMustache a * beard; \
    mouth.bigSmile
Quentin Umberlane, he; fonze a * quiff; black; light
Sunniva Eskildar, she; full long wavy * hair; red; light
Brielle Bostrand, she; full long wavy * hair; black; dark; glasses.round round glasses
Yevana Zandervo, she; pixie a * bob; brown; tan
Remy Jessamund, they; dannyPhantom a * side fringe; purple; light
Zoltan Jarnavic, he; mrClean a bald head; black; dark; facialHair.beard a * beard; mouthColor.ffffff
Xaver Petrosyl, he; dougFunny a few * hairs; grey; tan; facialHair.scruff stubble
Jorik Xiraldo, he; mrT a * mohawk; blonde; tan
Gustaf Imbarra, he; turban a yellow turban; blonde; brown; facialHair.beard a black beard; \
    mouthColor.ffffff; facialHairColor.1c1a1a
Zelmira Ambekari, she; pixie a * bob; grey; light; glasses.square square glasses
Marisela Stavrakel, she; bun a * bun; red; light
Valeska Corvazzi, she; bun a * bun; black; dark
Dmitro Farrowell, he; spiky spiky * hair; blonde; light
Yusuf Oppenday, he; spiky spiky * hair; black; brown; beard.chinMoustache a small * moustache
Corwin Ombeline, he; undercut short * hair; brown; tan; beard.fullBeard a * beard
Ilsabet Birkeshaw, she; sideComed long straight * hair; black; light; rearHair.longStraight
Jorunn Abernill, she; sideComed long wavy * hair; red; brown; rearHair.longWavy
Ulrich Dunmorrow, he; undercut short * hair; white; dark; beard.longBeard a long * beard
Ignatz Wolstrup, he; none a bald head; brown; light; beard.moustacheTwirl a twirled * moustache
Lennox Zabrindi, they; sideComed a * bob; blonde; tan; rearHair.neckHigh
Mirabai Caldwyn, she; long16 a long * braid; red; light; features.freckles freckles
Ellery Hutchkin, they; short15 spiky * hair; blue; tan
Thaddeus Zellwegen, he; short03 curly * hair; black; dark; glasses.04 round glasses
Rukmini Haxtorpe, she; long13 two * buns; pink; light
Nestor Dovrefeld, he; short19 a shaved head; black; brown; features.mustache a black moustache
Anouk Krovatin, she; long17 long wavy * hair; black; dark
Percival Grintham, he; short04 short * hair; blonde; light
Tamsin Jokulsen, she; long15 * pigtails; brown; tan
Bettina Kestrand, she; long07 straight * hair; grey; light; glasses.02 glasses
Fabrizio Obuanke, he; short13 receding * hair; grey; tan; features.mustache a black moustache
Hespera Vandermeel, she; 35 long wavy * hair; red; light
Evander Dremont, he; 05 big * curls; brown; brown; glasses.01 round glasses
Sefora Ilvaresto, she; 26 two * buns; blonde; light; freckles.01 freckles
Rurik Tremblock, he; 44 short wavy * hair; black; dark
Farida Brennock, she; 13 shaggy * hair; grey; tan; glasses.04 square glasses
Senne Tolvik, they; 27 * spikes; blue; light
Kwabena Brixlow, he; 25 balding * hair; grey; tan; beard.01 a bushy * beard
Dagny Ibbeling, she; 33 a long * ponytail; black; brown
Osric Ekhardine, he; 08 a * quiff; red; light; beard.02 a bushy * beard
Barnaby Elverdine, he; 39 a * flat top; black; tan; glasses.05 half-moon glasses
Thandeka Pradiveau, she; 59 two round black buns; ink; -
Vasilis Kimbareli, he; 61 a big white turban; ink; -; beard.12 a pointed black beard
Perpetua Mundelay, she; 62 a black headscarf; ink; -; glasses.11 round glasses
Ivo Vellacorte, he; 42 pale swept hair; ink; -; beard.03 a black moustache
Ashby Halvorsin, they; 51 black spikes; ink; -; body.06 a black vest
Noemi Quarmby, she; 41 long straight black hair; ink; -; body.15 a spotted shirt
Tobiah Montefalk, he; 20 big black curls; ink; -; beard.01 a black beard; glasses.08 glasses
Anselm Lorrimane, he; 27 a black quiff; ink; -; beard.08 a black goatee
Xanthe Tuckenby, she; 48 a high black bun; ink; -; glasses.03 large glasses
Ambrose Gallowen, he; 60 cropped black hair; ink; -; beard.02 a black beard
Liduina Langtrey, she; afro a black afro; black; dark
Kalinda Voskarin, she; bangs straight * hair; red; light; accessories.glasses5 round glasses
Oriane Chidozar, she; longCurly long curly black hair; black; tan
Eamon Vantongen, he; noHair1 a bald head; black; dark; facialHair.full a black beard
Caspian Fennimark, he; noHair3 balding * hair; grey; light; facialHair.moustache9 a * moustache
Arlin Rastelock, they; mohawk a * mohawk; green; tan
Caldra Cromwick, she; hijab a black headscarf; black; brown; accessories.glasses2 round glasses
Emeka Winterbek, he; pomp a black quiff; black; light; facialHair.moustache5 a black moustache
Solveig Sandovar, she; grayBun a * bun; grey; light; accessories.glasses3 square glasses
Baltasar Rhuddery, he; flatTopLong a black flat top; black; brown; facialHair.goatee2 a black goatee
"""


def _choice(style: _Style, option: str, code: str) -> dict[str, Option]:
    """The DiceBear options that draw ``code`` for ``option``, whatever the lot."""
    value = f"variant{code}" if len(code) == 2 and code.isdigit() else code
    chosen: dict[str, Option] = {} if code == "none" else {option: (value,)}
    if option in style.lots.split():
        chosen[f"{option}Probability"] = 0 if code == "none" else 100
    return chosen


def _person(number: int, row: str) -> Person:
    artist = tuple(_STYLES)[number // 10]
    style = _STYLES[artist]
    life, hair, colour, skin, *extras = row.split("; ")
    shape, _, words = hair.partition(" ")
    features = [words]
    chosen = [(part, "none") for part in style.lots.split()]
    chosen += [(option, _HAIR[colour]) for option in style.colours.split()]
    if style.skin:
        chosen.append((style.skin, _SKIN[skin]))
        features.append(f"{skin} skin")
    for extra in (*style.fixed.split(), f"{style.hair}.{shape}", *extras):
        choice, _, words = extra.strip().partition(" ")
        option, _, code = choice.partition(".")
        chosen.append((option, code))
        features.append(words)
    options: dict[str, Option] = {}
    for option, code in chosen:
        options |= _choice(style, option, code)
    name, pronoun = life.split(", ")
    said = tuple(words.replace("*", colour) for words in features if words)
    work, city = _OCCUPATIONS[number % 20], _CITIES[number % 17]
    return Person(name, pronoun, work, city, artist, said, options)


PEOPLE: tuple[Person, ...] = tuple(
    _person(number, row) for number, row in enumerate(_TABLE.strip().splitlines())
)

# Of every five combinations of a shuffled deck two go to train, one to pool and two to eval.
_DEAL: tuple[Split, ...] = ("train", "eval", "pool", "train", "eval")
_DECK = 4000


def portrait_specs(person: Person, split: Split, count: int, seed: int) -> list[dict[str, object]]:
    """``count`` portraits of ``person`` for :func:`draw`; only mood, clothes and gesture vary.

    Each portrait is one combination of eyes, brows, mouth, clothes and gesture. The shuffled
    combinations are dealt out, so under one seed no combination lies in two splits, in any style.
    The first n of a larger count are those of count n. Raises ValueError for an unknown split or
    a ``count`` beyond the split's share (at least 77 for train, 38 for pool, 77 for eval).
    """
    if split not in _DEAL:
        raise ValueError(f"There is no split {split!r}: use one of 'train', 'pool', 'eval'.")
    style = _STYLES[person.style]
    moods = {key: codes.split() for key, codes in style.moods.items() if key not in person.options}
    total = math.prod(map(len, moods.values()))
    deck = random.Random(f"{seed}/{person.name}").sample(range(total), min(total, _DECK))
    hand = [card for place, card in enumerate(deck) if _DEAL[place % len(_DEAL)] == split]
    if not 0 <= count <= len(hand):
        raise ValueError(
            f"{person.name} has {len(hand)} different portraits for {split}, not {count}: "
            f"ask for 0 to {len(hand)}."
        )
    specs: list[dict[str, object]] = []
    for number, card in enumerate(hand[:count]):
        options = dict(person.options)
        for option, codes in moods.items():
            card, digit = divmod(card, len(codes))
            options |= _choice(style, option, codes[digit])
        name = f"{person.name.lower().replace(' ', '-')}-{split}-{number:03}"
        specs.append({"id": name, "style": person.style, "options": options})
    return specs


def draw(specs: Iterable[Mapping[str, object]], packages: Path) -> Iterator[tuple[str, str]]:
    """Draw ``specs`` by DiceBear in one run of node; yields (id, svg) in order.

    ``packages`` is the folder that holds ``node_modules``. Raises FileNotFoundError where node or
    the packages are missing, RuntimeError where node fails (with what it said).
    """
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("Node draws the portraits and is not on the PATH: install it.")
    if not (packages / "node_modules" / "@dicebear" / "collection").is_dir():
        raise FileNotFoundError(
            f"{packages} lacks node_modules/@dicebear: npm install @dicebear/collection@9.4 there."
        )
    command = [node, str(Path(__file__).with_name("portraits.mjs")), str(packages)]
    with tempfile.TemporaryFile("w+") as lines, tempfile.TemporaryFile("w+") as complaint:
        lines.writelines(json.dumps(spec) + "\n" for spec in specs)
        lines.seek(0)
        with subprocess.Popen(
            command, stdin=lines, stdout=subprocess.PIPE, stderr=complaint, encoding="utf-8"
        ) as process:
            for line in process.stdout or ():
                drawn = json.loads(line)
                yield drawn["id"], drawn["svg"]
        if process.returncode:
            complaint.seek(0)
            raise RuntimeError(f"Node could not draw the portraits: {complaint.read().strip()}")
