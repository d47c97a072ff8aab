"""One rule says what a text names: word by word, the longest name first."""

import pytest

from space_core.names import NameBook, book_of, distinct, may_be_one, words
from space_core.types import Concept


@pytest.mark.parametrize(
    "one, other",
    [
        ("Lemons!", "lemon"),
        ("LEMON", "lemon"),
        ("the camels’ café", "the camel cafe"),
        ("Pájaro", "pajaro"),
        ("pa\u0301jaro", "p\u00e1jaro"),
        ("Straße", "STRASSE"),
        ("two-hump camel", "two hump camel"),
        ("ＬＥＭＯＮ", "lemon"),
        ("a lemon,\n\ta lime", "a lemon a lime"),
    ],
)
def test_case_accents_punctuation_and_plurals_make_no_difference(one, other):
    assert words(one) == words(other)


@pytest.mark.parametrize("word", ["glass", "bus", "gas", "s", "is"])
def test_an_s_that_is_no_plural_stays(word):
    assert words(word) == (word,)


@pytest.mark.parametrize("text", ["", "   ", "?!…", "🍋"])
def test_a_text_without_words_has_none_and_names_nothing(text):
    assert words(text) == ()
    assert NameBook({"lemon": ["lemon", text]}).named(text) == frozenset()


def test_words_are_kept_in_order_and_apart():
    assert words("A lime, 2 lemons") == ("a", "lime", "2", "lemon")
    assert words("car bus") != words("bus car") != words("carbus")


@pytest.fixture
def book() -> NameBook:
    return NameBook(
        {
            "camel": ["camel", "dromedary", "Kamel"],
            "two hump camel": ["two hump camel", "Trampeltier"],
            "pen": ["pen"],
            "ice": ["ice"],
            "ice cream": ["ice cream"],
            "mouse": ["mouse", "souris"],
            "computer mouse": ["computer mouse", "souris"],
            "Ada Quill": ["Ada Quill"],
        }
    )


@pytest.mark.parametrize(
    "text, found",
    [
        ("This is a camel.", {"camel"}),
        ("KAMELS in the desert", {"camel"}),
        ("a two hump camel", {"two hump camel"}),
        ("a two hump camel and a camel", {"two hump camel", "camel"}),
        ("camel two hump", {"camel"}),
        ("ice cream on ice", {"ice cream", "ice"}),
        ("an ice cream", {"ice cream"}),
        ("a hump", set()),
        ("a penguin, an open sharpener", set()),
        ("a pen-shaped penguin", {"pen"}),
        ("une souris", {"mouse", "computer mouse"}),
        ("a computer mouse", {"computer mouse"}),
        ("Ada", set()),
        ("drawn by ada quill", {"Ada Quill"}),
        ("Ada Quill's dromedary", {"Ada Quill", "camel"}),
        ("", set()),
    ],
)
def test_the_longest_name_wins_and_no_part_of_a_word_counts(book, text, found):
    assert book.named(text) == found


def test_a_book_without_names_finds_nothing():
    assert NameBook({}).named("a camel") == frozenset()
    assert NameBook({"camel": []}).named("a camel") == frozenset()


def test_a_category_is_no_name():
    coin = Concept("coin", "objects", "form of money", labels={"fr": "pièce"})
    shirt = Concept("shirt", "objects", "piece of clothing")
    book = book_of([coin, shirt], "coin", coin.names)
    assert "coin" not in book.named("This is a piece of clothing.")
    assert "coin" in book.named("L'image montre : pièce.")


def test_what_bears_the_key_as_another_name_is_the_same_concept():
    lemon = Concept("lemon", "food", "fruit", labels={"de": "Zitrone"})
    book = book_of([lemon], "kitten", ("kitten", "lemon"))
    assert book.named("Eine Zitrone.") == {"kitten"}
    assert book_of([lemon], "Zitrone", ("Zitrone",)).named("two lemons") == {"Zitrone"}


@pytest.mark.parametrize("one, several", [
    ("fox", "foxes"), ("berry", "berries"), ("cookie", "cookies"), ("dress", "dresses"),
    ("peach", "peaches"), ("bus", "buses"), ("axe", "axes"), ("pie", "pies"), ("menu", "menus"),
    ("tomato", "tomatoes"), ("shoe", "shoes"), ("wolf", "wolves"), ("leaf", "leaves"),
    ("knife", "knives"), ("olive", "olives"), ("glove", "gloves"), ("cave", "caves"),
    ("octopus", "octopuses"), ("lens", "lenses"), ("horse", "horses"), ("fly", "flies"),
    ("mouse", "mice"), ("goose", "geese"), ("child", "children"), ("fireman", "firemen"),
    ("thief", "thieves"), ("hoof", "hooves"), ("house", "houses"), ("sky", "skies"),
])  # fmt: skip
def test_plurals(one, several):
    assert words(one) == words(several)


@pytest.mark.parametrize("one, other", [
    ("sky", "ski"), ("cave", "café"), ("glove", "golf"), ("bus", "bust"), ("die", "dice"),
])  # fmt: skip
def test_words_that_only_look_like_it_are_no_plurals(one, other):
    assert words(one) != words(other)


@pytest.mark.parametrize("name, text", [
    ("柠檬", "一个黄色的柠檬放在桌子上。"), ("レモン", "これはレモンです。"),
    ("มะนาว", "นี่คือมะนาวสีเหลือง"), ("레몬", "이것은 레몬이다."),
])  # fmt: skip
def test_a_name_is_found_where_no_blanks_part_the_words(name, text):
    assert NameBook({"lemon": ["lemon", name]}).named(text) == {"lemon"}
    assert NameBook({"lime": [name + name]}).named(text) == frozenset()


@pytest.mark.parametrize("one, may", [
    ("Quill", True), ("ada", True), ("A. Quill", True), ("Quill, Ada", True), ("Ada B. Quill", True),
    ("Ada Byron", False), ("A. B.", False), ("Quilla", False), ("A", False),
])  # fmt: skip
def test_another_form_of_a_name_may_be_the_same_person(one, may):
    assert may_be_one(one, "Ada Quill") is may and may_be_one("Ada Quill", one) is may


def test_a_glass_is_no_pair_of_glasses():
    assert words("glass") != words("glasses")


def test_what_another_concept_is_called_first_is_no_name_of_a_concept():
    pencil = Concept("pencil", "objects", "tool", labels={"fr": "crayon", "de": "Bleistift"})
    crayon = Concept("crayon", "objects", "tool", labels={"fr": "crayon pastel", "x": "Crayons"})
    pencil, crayon = distinct([pencil, crayon])
    assert pencil.names == ("pencil", "Bleistift")
    assert crayon.names == ("crayon", "crayon pastel", "Crayons")
    book = book_of([pencil, crayon], "pencil", pencil.names)
    assert book.named("This is a crayon.") == {"crayon"}
    assert book.named("Das ist ein Bleistift.") == {"pencil"}
    assert book_of([pencil, crayon], "crayon", ("crayon",)).named("a pencil") == {"pencil"}
    # Who asks for both gets both.
    both = book_of([pencil, crayon], "pencil", (*pencil.names, "crayon"))
    assert both.named("This is a crayon.") == {"pencil"}
