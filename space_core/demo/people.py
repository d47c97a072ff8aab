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
    """One invented person, drawn by one artist.

    ``features`` are plain words for captions; ``options`` the DiceBear options that make the
    identity, the same in every portrait.
    """

    name: str
    pronoun: str
    occupation: str
    city: str
    style: str
    features: tuple[str, ...]
    options: Mapping[str, Option] = field(hash=False)


@dataclass(frozen=True, slots=True)
class _Style:
    """How one artist's options are named, in words parted by blanks.

    ``colours`` take the hair colour; ``lots`` are parts DiceBear would draw by lot; ``fixed`` holds
    option.value for all persons; ``moods`` is what may vary between portraits.
    """

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
    "yellow": "f2c230",
}  # fmt: skip
_SKIN = {"light": "f7d3b8", "tan": "dfa070", "brown": "a9683f", "dark": "67402b"}
_CLOTH = (
    "e24553 f08a24 f3c63a 8bc34a 2e8b57 2ab7a9 54a0dc 2f5fd0 "
    "27348b 7555ca c070d0 f27fb2 8c5a3c 6b7480 2b2f3a f4f1ea"
)

# Left out: sunglasses, masks, hats, pacifiers, heart eyes, extra eyes, phones and clothes that
# show drawn things; and the wide-eyed Open Peeps faces, which look like glasses. Bare numbers are
# DiceBear's "variants"; "none" leaves the part out.
_STYLES: Mapping[str, _Style] = {
    "personas": _Style("hair", "hairColor", "skinColor", "facialHair", "nose.mediumRound", {
        "eyes": "open sleep happy wink",
        "mouth": "smile frown surprise bigSmile smirk",
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
        "mouth": "laugh angry agape smile sad",
        "clothes": "turtleNeck openJacket dress shirt tShirt", "clothesColor": _CLOTH,
    }),
    "adventurer": _Style("hair", "hairColor", "skinColor", "earrings features glasses", "", {
        "eyes": "01 03 04 05 09 10 13 15 17 19 20 21 24", "eyebrows": "01 02 04 06 09 10 13 14",
        "mouth": "01 02 03 05 07 09 10 11 15 16 17 20 22 25 26 28 30",
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
    "openPeeps": _Style("head", "headContrastColor", "skinColor", "accessories facialHair mask", "", {
        "face": "blank calm cheeky concerned concernedFear contempt cute driven eatingHappy "
                "explaining eyesClosed rage serious smile smileBig smileLOL smileTeethGap solemn "
                "suspicious tired veryAngry",
        "clothingColor": _CLOTH,
    }),
}  # fmt: skip

# A row: name, pronoun, occupation, city; hair shape and words; hair colour; skin; further
# "option.value words" that belong to the identity. "*" stands for the hair colour; a style in
# ink has neither hair colour nor skin colour.
_TABLE: Mapping[str, str] = {
    "personas": """
Nadira Quendry, she, painter, Nairobi; curly big curly * hair; black; dark
Matteus Renquist, he, nurse, Montreal; curlyHighTop a high top of * curls; black; brown; \
    eyes.glasses square glasses
Cosima Faltskog, she, farmer, Prague; bobBangs a * bob; red; light
Ysolde Mirzakhel, she, architect, Hanoi; extraLong long straight * hair; blonde; tan; \
    eyes.glasses square glasses
Ottoline Nakiwela, she, gardener, Prague; pigtails * pigtails; brown; light
Silvan Gundersby, he, sailor, Kyoto; bald a bald head; black; tan; facialHair.walrus a * moustache
Leopold Pellwright, he, farmer, Boston; shortCombover short * hair; blonde; light
Idonea Wexlington, she, potter, Kyoto; straightBun a * bun; grey; light; nose.wrinkles wrinkles
Hartmut Ullathorn, he, judge, Lima; fade a faded * cut; black; tan; facialHair.goatee a * goatee
Cedomir Norvaldi, he, librarian, Dublin; balding balding * hair; white; dark; \
    facialHair.beardMustache a full * beard; mouth.bigSmile
""",
    "micah": """
Quentin Umberlane, he, barber, Lima; fonze a * quiff; black; light
Sunniva Eskildar, she, teacher, Nairobi; full long wavy * hair; red; light
Brielle Bostrand, she, carpenter, Jaipur; full long wavy * hair; black; dark; \
    glasses.round round glasses
Yevana Zandervo, she, teacher, Dublin; pixie a * bob; brown; tan
Remy Jessamund, they, librarian, Accra; dannyPhantom a * side fringe; purple; light
Zoltan Jarnavic, he, nurse, Seville; mrClean a bald head; black; dark; \
    facialHair.beard a full * beard; mouthColor.ffffff
Xaver Petrosyl, he, painter, Kyoto; dougFunny a few strands of * hair; grey; light; \
    facialHair.scruff stubble; glasses.square square glasses
Jorik Xiraldo, he, farmer, Oslo; mrT a * mohawk; blonde; tan
Gustaf Imbarra, he, dentist, Vienna; turban a yellow turban; yellow; brown; \
    facialHair.beard a full black beard; mouthColor.ffffff; facialHairColor.1c1a1a
Zelmira Ambekari, she, chemist, Jaipur; pixie a * bob; grey; light; glasses.square square glasses
""",
    "toonHead": """
Marisela Stavrakel, she, tailor, Accra; bun a * bun; red; light
Valeska Corvazzi, she, baker, Oslo; bun a * bun; black; dark
Dmitro Farrowell, he, librarian, Kyoto; spiky spiky * hair; blonde; light
Yusuf Oppenday, he, potter, Jaipur; spiky spiky * hair; black; brown; \
    beard.chinMoustache a small * moustache
Corwin Ombeline, he, tailor, Helsinki; undercut short * hair; brown; tan; beard.fullBeard a * beard
Ilsabet Birkeshaw, she, architect, Jaipur; sideComed long straight * hair; black; light; \
    rearHair.longStraight
Jorunn Abernill, she, teacher, Lisbon; sideComed long wavy * hair; red; brown; rearHair.longWavy
Ulrich Dunmorrow, he, violinist, Montreal; undercut short * hair; white; dark; \
    beard.longBeard a long * beard
Ignatz Wolstrup, he, astronomer, Vienna; none a bald head; brown; light; \
    beard.moustacheTwirl a twirled * moustache
Lennox Zabrindi, they, pilot, Dublin; sideComed a * bob; blonde; tan; rearHair.neckHigh
""",
    "adventurer": """
Mirabai Caldwyn, she, sailor, Cairo; long16 a long * braid; red; light; features.freckles freckles
Ellery Hutchkin, they, carpenter, Boston; short15 spiky * hair; blue; tan
Thaddeus Zellwegen, he, plumber, Hanoi; short03 curly * hair; black; dark; glasses.04 round glasses
Rukmini Haxtorpe, she, chemist, Dublin; long13 two * buns; pink; light
Nestor Dovrefeld, he, astronomer, Lisbon; short19 a shaved head; black; brown; \
    features.mustache a black moustache
Anouk Krovatin, she, pilot, Lima; long17 long wavy * hair; black; dark
Percival Grintham, he, dentist, Helsinki; short04 short * hair; blonde; light
Tamsin Jokulsen, she, sailor, Nairobi; long15 * pigtails; brown; tan
Bettina Kestrand, she, baker, Boston; long07 straight * hair with a fringe; grey; light; \
    glasses.02 glasses
Fabrizio Obuanke, he, teacher, Cairo; short13 receding * hair; grey; tan; \
    features.mustache a black moustache
""",
    "lorelei": """
Hespera Vandermeel, she, astronomer, Prague; 35 long wavy * hair; red; light
Evander Dremont, he, barber, Lisbon; 05 big * curls; brown; brown; glasses.01 round glasses
Sefora Ilvaresto, she, nurse, Cairo; 26 two * buns; blonde; light; freckles.01 freckles
Rurik Tremblock, he, judge, Montreal; 44 short wavy * hair; black; dark
Farida Brennock, she, plumber, Kyoto; 13 shaggy * hair; grey; tan; glasses.04 square glasses
Senne Tolvik, they, violinist, Oslo; 27 * spikes; blue; light
Kwabena Brixlow, he, painter, Accra; 25 balding * hair; grey; tan; beard.01 a bushy * beard
Dagny Ibbeling, she, astronomer, Seville; 33 a long * ponytail; black; brown
Osric Ekhardine, he, gardener, Lisbon; 08 a * quiff; red; light; beard.02 a bushy * beard
Barnaby Elverdine, he, baker, Helsinki; 39 a * flat top; black; dark; glasses.05 half-moon glasses
""",
    "notionists": """
Thandeka Pradiveau, she, carpenter, Hanoi; 59 two round black buns; ink; -
Vasilis Kimbareli, he, gardener, Seville; 61 a big white turban; ink; -; \
    beard.12 a pointed black beard
Perpetua Mundelay, she, tailor, Vienna; 62 a black headscarf; ink; -; glasses.11 round glasses
Ivo Vellacorte, he, gardener, Helsinki; 42 pale swept hair; ink; -; beard.03 a black moustache
Ashby Halvorsin, they, pilot, Seville; 51 black spikes; ink; -; body.06 a black vest
Noemi Quarmby, she, violinist, Hanoi; 41 long straight black hair; ink; -; body.15 a spotted shirt
Tobiah Montefalk, he, dentist, Nairobi; 20 big black curls; ink; -; \
    beard.01 a round black beard; glasses.08 square glasses
Anselm Lorrimane, he, judge, Oslo; 27 a black quiff; ink; -; beard.08 a black goatee
Xanthe Tuckenby, she, plumber, Cairo; 48 a high black bun; ink; -; glasses.03 large glasses
Ambrose Gallowen, he, librarian, Lisbon; 60 cropped black hair; ink; -; beard.02 a full black beard
""",
    "openPeeps": """
Liduina Langtrey, she, nurse, Lima; afro a black afro; black; dark
Kalinda Voskarin, she, architect, Vienna; bangs straight * hair with a fringe; red; light; \
    accessories.glasses5 round glasses
Oriane Chidozar, she, potter, Prague; longCurly long curly black hair; black; tan
Eamon Vantongen, he, chemist, Prague; noHair1 a bald head; black; dark; \
    facialHair.full3 a long black beard
Caspian Fennimark, he, baker, Montreal; noHair3 balding * hair; grey; light; \
    facialHair.moustache9 a * moustache
Arlin Rastelock, they, barber, Oslo; mohawk a * mohawk; green; tan
Caldra Cromwick, she, painter, Lima; hijab a black headscarf; black; brown; \
    accessories.glasses2 round glasses
Emeka Winterbek, he, carpenter, Nairobi; pomp a black quiff; black; light; \
    facialHair.moustache5 a black moustache
Solveig Sandovar, she, judge, Boston; grayBun a * bun; grey; light; \
    accessories.glasses3 square glasses
Baltasar Rhuddery, he, pilot, Accra; flatTopLong a tall black flat top; black; brown; \
    facialHair.goatee2 a black goatee
""",
}


def _choice(style: _Style, option: str, code: str) -> dict[str, Option]:
    """The DiceBear options that draw ``code`` for ``option`` for certain."""
    on = {f"{option}Probability": 0 if code == "none" else 100} if option in style.lots.split() else {}
    if code == "none":
        return {**on}
    return {option: (f"variant{code}" if len(code) == 2 and code.isdigit() else code,), **on}


def _person(style_name: str, row: str) -> Person:
    style = _STYLES[style_name]
    life, hair, colour, skin, *extras = (part.strip() for part in row.split(";"))
    name, pronoun, occupation, city = life.split(", ")
    shape, _, words = hair.partition(" ")
    features = [words, f"{skin} skin" if style.skin else ""]
    chosen = [(part, "none") for part in style.lots.split()]
    chosen += [tuple(fixed.split(".")) for fixed in style.fixed.split()]
    chosen += [(style.hair, shape)]
    chosen += [(option, _HAIR[colour]) for option in style.colours.split()]
    chosen += [(style.skin, _SKIN[skin])] if style.skin else []
    for extra in extras:
        choice, _, words = extra.partition(" ")
        chosen.append(tuple(choice.split(".")))
        features.append(words)
    options: dict[str, Option] = {}
    for option, code in chosen:
        options |= _choice(style, option, code)
    said = tuple(words.replace("*", colour) for words in features if words)
    return Person(name, pronoun, occupation, city, style_name, said, options)


PEOPLE: tuple[Person, ...] = tuple(
    _person(style, row) for style, rows in _TABLE.items() for row in rows.strip().splitlines()
)

# Of every five combinations of a shuffled deck two go to train, one to pool and two to eval.
_DEAL: tuple[Split, ...] = ("train", "eval", "pool", "train", "eval")
_DECK = 4000


def portrait_specs(person: Person, split: Split, count: int, seed: int) -> list[dict[str, object]]:
    """``count`` portraits of ``person`` for :func:`draw`; only mood, clothes and gesture vary.

    Every portrait is one combination of eyes, brows, mouth, clothes and gesture. The shuffled
    combinations are dealt out, so no combination lies in two splits under one seed; every style
    has enough for that (the fewest, 144 CAPACITY).
    Raises ValueError for an unknown split or a ``count`` beyond the split's share.
    """
    if split not in _DEAL:
        raise ValueError(f"There is no split {split!r}: use one of 'train', 'pool', 'eval'.")
    style = _STYLES[person.style]
    moods = {
        option: codes.split() for option, codes in style.moods.items() if option not in person.options
    }
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
        slug = person.name.lower().replace(" ", "-")
        spec = {"id": f"{slug}-{split}-{number:03}", "style": person.style, "options": options}
        specs.append(spec)
    return specs


def draw(specs: Iterable[Mapping[str, object]], packages: Path) -> Iterator[tuple[str, str]]:
    """Draw ``specs`` by DiceBear in one run of node; yields (id, svg) in order.

    ``packages`` is the folder that holds ``node_modules``. Raises FileNotFoundError where node or
    the packages are missing, RuntimeError where node fails (with what it said).
    """
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("Portraits are drawn by node, which is not on the PATH.")
    if not (packages / "node_modules" / "@dicebear" / "collection").is_dir():
        raise FileNotFoundError(
            f"{packages} holds no node_modules/@dicebear/collection: run "
            "'npm install @dicebear/core@9.4 @dicebear/collection@9.4' there."
        )
    script = Path(__file__).with_name("portraits.mjs")
    with tempfile.TemporaryFile("w+") as lines, tempfile.TemporaryFile("w+") as complaint:
        lines.writelines(json.dumps(spec) + "\n" for spec in specs)
        lines.seek(0)
        with subprocess.Popen(
            [node, str(script), str(packages)],
            stdin=lines, stdout=subprocess.PIPE, stderr=complaint, encoding="utf-8",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                drawn = json.loads(line)
                yield drawn["id"], drawn["svg"]
        if process.returncode:
            complaint.seek(0)
            raise RuntimeError(f"node could not draw the portraits: {complaint.read().strip()}")
