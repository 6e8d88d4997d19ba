"""What the bridge says of identifiers: whether they link, and why not."""

import pytest

from tests.support.worlds import Scenario, Warehouse, blocked, profile

NOBODYS = [
    *(
        ("email", f"{name}@firm.example", "role_address")
        for name in [
            "postmaster",
            "kundenservice",
            "rechnungen",
            "serviceclients",
            "comptabilite",
            "atencionalcliente",
            "facturacion",
            "atendimento",
            "nao-responder",
            "hello",
            "hallo",
            "bonjour",
        ]
    ),
    *(
        ("email", f"{name}@firm.example", "role_address")
        for name in ["assistenzaclienti", "fatture", "klantenservice", "facturen", "biuroobslugiklienta", "zamowienia"]
    ),
    *(
        ("email", f"{name}@mail.example", "placeholder")
        for name in [
            "keine-angabe",
            "max.mustermann",
            "pasdemail",
            "sincorreo",
            "naopossui",
            "nessuna",
            "geenemail",
            "nieposiada",
            "noemailaddress",
            "qwertz",
        ]
    ),
    *(
        ("email", f"x4k2p@{domain}", "relay_address")
        for domain in [
            "privaterelay.appleid.com",
            "marketplace.amazon.fr",
            "members.ebay.de",
            "relay.walmart.com",
            "verkopen.bol.com",
            "allegromail.pl",
            "proxymail.facebook.com",
        ]
    ),
    # Fiction, by country: Germany, France, the United Kingdom, Australia, Sweden, North America; then fillers of forms.
    *(
        ("phone", number, "placeholder")
        for number in [
            "+493023125471",
            "+4917604069017",
            "+33199001234",
            "+442079460321",
            "+61491570156",
            "+46701740617",
            "+14155550142",
        ]
    ),
    *(
        ("phone", number, "placeholder")
        for number in ["+4915112345678", "+34612345678", "+5511987654321", "+441234567890", "+393339999999"]
    ),
    *(("document", f"cpf:{digits}", "placeholder") for digits in ["12345678909", "98765432100", "11144477735"]),
]
# What a shop writes into its own list, and what was delivered.
WRITTEN = [
    ("email", "exact", " Desk@Listed.Example", "desk@listed.example"),
    ("email", "exact", "Desk.3+till@googlemail.com", "desk3@gmail.com"),
    ("email", "domain", "Partner.Example", "anna@partner.example"),
    ("email", "local_part", "Theke", "theke@listed.example"),
    ("phone", "exact", "+49 151 12341011", "+4915112341011"),
    ("phone", "exact", "0049 (151) 1234-1012", "+4915112341012"),
    ("document", "exact", "867.158.293-04", "cpf:86715829304"),
    ("document", "exact", "CPF: 704.286.913-70", "cpf:70428691370"),
    ("customer_id", "exact", "Walk-In ", "Walk-In"),
]
OWN = [
    ("document", "cpf:31415926590"),
    ("phone", "+493023225471"),
    ("phone", "+14155551142"),
    ("phone", "+46701740604"),
    ("phone", "+4915112345687"),
    ("email", "kundenservice.wolf@firm.example"),
    ("email", "x4k2p@amazon.example"),
]

SCENARIOS = [
    Scenario(
        "identifiers of all standings",
        [
            profile(
                "standing-1",
                email=["old@standing.example", "info@standing.example"],
                vuid="v-standing",
                phone="+5511977770001",
            ),
            profile(
                "standing-1",
                email=["new@standing.example", "info@standing.example"],
                vuid="v-standing",
                phone="+5511977770001",
                day=1,
            ),
            profile("standing-2", source="omnisend", external_id="blocked-id", first_name="Ada"),
        ]
        + [
            profile(f"standing-{name}", source="voucherify", first_name=name, phone="+5511977770001")
            for name in ("Ada", "Bea", "Cleo", "Dora", "Elsa", "Fee")
        ],
        overrides=[blocked("external_id", "blocked-id")],
    ),
    *(
        Scenario(
            f"{value} brings nobody together",
            [
                profile(f"nobodys-{number}-{source}", source=source, **{kind: value})
                for source in ("ometria", "omnisend")
            ],
            [{f"nobodys-{number}-{source}"} for source in ("ometria", "omnisend")],
        )
        for number, (kind, value, _) in enumerate(NOBODYS)
    ),
    *(
        Scenario(
            f"`{written}` of a shop's own list brings nobody together",
            [
                profile(f"listed-{number}-{source}", source=source, **{kind: value})
                for source in ("ometria", "omnisend")
            ],
            [{f"listed-{number}-{source}"} for source in ("ometria", "omnisend")],
            blocklist=[(kind, way, written)],
        )
        for number, (kind, way, written, value) in enumerate(WRITTEN)
    ),
    Scenario(
        "numbers, papers and addresses that only look like nobody's bring people together",
        [
            profile(f"own-{number}-{source}", source=source, **{kind: value})
            for number, (kind, value) in enumerate(OWN)
            for source in ("ometria", "omnisend")
        ],
        [{f"own-{number}-ometria", f"own-{number}-omnisend"} for number in range(len(OWN))],
    ),
]


@pytest.mark.parametrize("scenario", [scenario for scenario in SCENARIOS if scenario.persons], ids=str)
def test_who_is_one_person(warehouse: Warehouse, scenario: Scenario) -> None:
    assert warehouse.persons(scenario.names) == sorted(scenario.persons, key=sorted)


@pytest.mark.parametrize(
    ("number", "value", "reason"), [(number, value, reason) for number, (_, value, reason) in enumerate(NOBODYS)]
)
def test_what_is_nobodys_own_says_so(warehouse: Warehouse, number: int, value: str, reason: str) -> None:
    assert warehouse.reason(f"nobodys-{number}-ometria", value) == reason


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("standing-1", "new@standing.example", None),
        ("standing-1", "old@standing.example", "superseded"),
        ("standing-1", "info@standing.example", "role_address"),
        ("standing-1", "v-standing", "weak"),
        ("standing-1", "+5511977770001", "shared"),
        ("standing-2", "blocked-id", "blocked"),
    ],
)
def test_the_bridge_says_why_an_identifier_links_nobody(
    warehouse: Warehouse, name: str, value: str, reason: str | None
) -> None:
    assert warehouse.reason(name, value) == reason


def test_a_shared_identifier_is_listed_with_what_it_would_have_merged(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows("select * from meta.shared_identifiers where identifier_value = '+5511977770001'")
    assert [row["people_count"], row["would_have_merged_customers"], row["would_have_merged_records"]] == [6, 7, 7]
    assert row["sources"] == ["ometria", "voucherify"]
