"""Names of people: what is a title before a name and what is the name."""

import pytest

from orchestration.parsing import person_names as names


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Frau Ute", "Ute"),
        ("Dr. med. Anna", "Anna"),
        ("Herr Prof. Dr. h.c. Max", "Max"),
        ("Univ.-Prof. Dr. rer. nat. Eva", "Eva"),
        ("Dipl.-Ing. Max", "Max"),
        ("Mag. (FH) Eva", "Eva"),
        ("Dr.Anna", "Anna"),
        ("Mr.Smith", "Smith"),
        ("Mr/Mrs Anna", "Anna"),
        ("Sig.ra Anna", "Anna"),
        ("Dott.ssa Anna", "Anna"),
        ("Exmo. Sr. João", "João"),
        ("Sr.ª Ana", "Ana"),
        ("mgr inż. Jan", "Jan"),
        ("MUDr. Jan", "Jan"),
        ("Ir. Piet", "Piet"),
        ("Lic. Juan", "Juan"),
        ("Herr", None),
        ("Mr & Mrs", None),
        ("Herr/Frau", None),
    ],
)
def test_titles_before_a_name_are_no_part_of_it(given: str, name: str | None) -> None:
    assert names.without_titles(given) == name


@pytest.mark.parametrize(
    "name",
    [
        "Ana",
        "Med Amin",
        "Phil",
        "Nat",
        "Pan Jan",
        "Lic Juan",
        "J.R.",
        "D'Arcy",
        "Maria D. Silva",
        "St. John",
        "Drew",
        "Jean-Luc",
        "Ana/Rui",
        "太郎",
    ],
)
def test_what_is_no_title_stays(name: str) -> None:
    assert names.without_titles(name) == name


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("José", "jose"),
        ("D\N{RIGHT SINGLE QUOTATION MARK}Arcy", "darcy"),
        ('William "Bill"', "william bill"),
        ("Иван", "ivan"),
        ("太郎", "tailang"),
        ("山田 太郎", "shantian tailang"),
        ("Ren\N{REPLACEMENT CHARACTER}", None),
        ("ana@mail.example", None),
    ],
)
def test_a_key_is_the_name_in_plain_letters(given: str, key: str | None) -> None:
    assert names.key(given) == key
