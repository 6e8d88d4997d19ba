"""Who turns out to be one person: scenarios that can be said aloud."""

from datetime import date

import pytest

from tests.support.worlds import Scenario, Warehouse, always, blocked, contact, never, profile

ADA = profile("never-1", email="ada@kept.example", phone="+4915110000001", first_name="Ada")
EVE = profile("never-2", source="omnisend", phone="+4915110000001")
ONE = profile("always-1", email="one@joined.example", document="cpf:00000000001")
TWO = profile("always-2", source="omnisend", email="two@joined.example", document="cpf:00000000002")
BRIDGE_ENDS = [
    profile("kept-1", email="x@bridged.example"),
    profile("kept-2", source="omnisend", phone="+4915110000002"),
]

SCENARIOS = [
    Scenario(
        "five vendors that share identifiers in a chain know one person",
        [
            profile("five-1", source="ometria", email="lia@five.example"),
            profile("five-2", source="omnisend", email="lia@five.example", phone="+5511912340001"),
            profile("five-3", source="open_delivery", phone="+5511912340001", document="cpf:52998224725"),
            profile("five-4", source="voucherify", document="cpf:52998224725", email="lia@work.example"),
            contact("five-5", source="optimizely", stream="events", email="lia@work.example"),
        ],
        [{"five-1", "five-2", "five-3", "five-4", "five-5"}],
    ),
    Scenario(
        "a couple with one phone stays two",
        [
            profile("couple-1", first_name="Ana", phone="+5511912340002", email="ana@couple.example"),
            profile("couple-2", source="omnisend", first_name="Bruno", phone="+5511912340002"),
            profile("couple-3", source="voucherify", first_name="Bruno", phone="+5511912340002"),
        ],
        [{"couple-1"}, {"couple-2", "couple-3"}],
    ),
    Scenario(
        "Paulo and Paula are a couple, not a slip of the pen",
        [
            profile("paulo", first_name="Paulo", phone="+5511912340003"),
            profile("paula", source="omnisend", first_name="Paula", phone="+5511912340003"),
        ],
        [{"paulo"}, {"paula"}],
    ),
    Scenario(
        "a first name with one slip is the same name",
        [
            profile("slip-1", first_name="Fernanda", email="fer@slip.example"),
            profile("slip-2", source="omnisend", first_name="Ferananda", email="fer@slip.example"),
        ],
        [{"slip-1", "slip-2"}],
    ),
    Scenario(
        "accents, case, second names and titles are no contradiction",
        [
            profile("accent-1", first_name="JOSÉ", email="jose@accent.example"),
            profile("accent-2", source="omnisend", first_name="José Carlos", email="jose@accent.example"),
            profile("accent-3", source="voucherify", full_name="Jose Silva", email="jose@accent.example"),
            profile("accent-4", source="optimizely", first_name="J.", email="jose@accent.example"),
        ],
        [{"accent-1", "accent-2", "accent-3", "accent-4"}],
    ),
    Scenario(
        "a person with three addresses and one phone is one",
        [
            profile("three-1", first_name="Rui", email="rui@a.example", phone="+351912345601"),
            profile("three-2", source="omnisend", first_name="Rui", email="rui@b.example", phone="+351912345601"),
            profile("three-3", source="voucherify", email="rui@c.example", phone="+351912345601"),
        ],
        [{"three-1", "three-2", "three-3"}],
    ),
    Scenario(
        "who says nothing of himself joins the holders of a phone only when they are one",
        [
            profile("mute-1", first_name="Ida", phone="+4915110000011"),
            profile("mute-2", source="omnisend", phone="+4915110000011"),
            profile("mute-3", first_name="Ida", phone="+4915110000012"),
            profile("mute-4", source="omnisend", first_name="Max", phone="+4915110000012"),
            profile("mute-5", source="voucherify", phone="+4915110000012"),
        ],
        [{"mute-1", "mute-2"}, {"mute-3"}, {"mute-4"}, {"mute-5"}],
    ),
    Scenario(
        "that who gives no name is not the one does not make him the other, unless his birth date says so",
        [
            profile("nameless-1", first_name="Ana", document="cpf:86288366757", phone="+4915110000013"),
            profile("nameless-2", source="omnisend", first_name="Ana", phone="+4915110000013"),
            profile("nameless-3", source="voucherify", first_name="Bia", phone="+4915110000013"),
            profile("nameless-4", source="optimizely", document="cpf:71460238001", phone="+4915110000013"),
            profile("nameless-5", first_name="Ana", birth_date=date(1980, 5, 6), phone="+4915110000014"),
            profile(
                "nameless-6",
                source="omnisend",
                first_name="Bia",
                birth_date=date(1990, 7, 8),
                phone="+4915110000014",
            ),
            profile("nameless-7", source="voucherify", birth_date=date(1990, 7, 8), phone="+4915110000014"),
        ],
        [{"nameless-1", "nameless-2"}, {"nameless-3"}, {"nameless-4"}, {"nameless-5"}, {"nameless-6", "nameless-7"}],
    ),
    Scenario(
        "one name with two birth dates is two people, and who gives the name alone is neither",
        [
            profile("births-1", first_name="Eva", birth_date=date(1980, 1, 1), email="eva@births.example"),
            profile(
                "births-2",
                source="omnisend",
                first_name="Eva",
                birth_date=date(1994, 6, 20),
                email="eva@births.example",
            ),
            profile("births-3", source="voucherify", first_name="Eva", email="eva@births.example"),
        ],
        [{"births-1"}, {"births-2"}, {"births-3"}],
    ),
    Scenario(
        "one first name in two scripts, spellings or forms is one",
        [
            *(
                profile(f"spelled-a{n}", source=source, first_name=name, email="a@spelt.example")
                for n, (source, name) in enumerate((("ometria", "Иван"), ("omnisend", "Ivan")))
            ),
            *(
                profile(f"spelled-b{n}", source=source, first_name=name, email="b@spelt.example")
                for n, (source, name) in enumerate((("ometria", "Anna-Lena"), ("omnisend", "Annalena")))
            ),
            *(
                profile(f"spelled-c{n}", source=source, first_name=name, email="c@spelt.example")
                for n, (source, name) in enumerate((("ometria", "Bill"), ("omnisend", "William")))
            ),
            *(
                profile(f"spelled-d{n}", source=source, first_name=name, email="d@spelt.example")
                for n, (source, name) in enumerate((("ometria", "Jörg"), ("omnisend", "Joerg")))
            ),
            *(
                profile(f"spelled-e{n}", source=source, first_name=one, last_name=two, email="e@spelt.example")
                for n, (source, one, two) in enumerate((("ometria", "Ana", "Lima"), ("omnisend", "Lima", "Ana")))
            ),
            *(
                profile(f"spelled-f{n}", source=source, first_name=name, email="f@spelt.example")
                for n, (source, name) in enumerate((("ometria", "Frau Ute"), ("omnisend", "Ute")))
            ),
            *(
                profile(f"spelled-g{n}", source=source, first_name=name, email="g@spelt.example")
                for n, (source, name) in enumerate((("ometria", "Ren\ufffde"), ("omnisend", "Renée")))
            ),
            *(
                profile(f"spelled-h{n}", source=source, first_name=name, email="h@spelt.example")
                for n, (source, name) in enumerate((("ometria", "محمد"), ("omnisend", "Mohammed")))
            ),
            profile("spelled-i0", first_name="Annemarie", last_name="Ash", email="i@spelt.example"),
            profile("spelled-i1", source="voucherify", full_name="Anne-Marie Ash", email="i@spelt.example"),
            profile("spelled-j0", first_name="Mary Ann", email="j@spelt.example"),
            profile("spelled-j1", source="voucherify", full_name="Maryann Ash", email="j@spelt.example"),
        ],
        [{f"spelled-{letter}0", f"spelled-{letter}1"} for letter in "abcdefghij"],
    ),
    Scenario(
        "translations of one name, and names that only look like forms of one, are two people's",
        [
            profile(f"translated-{n}{place}", source=source, first_name=name, email=f"t{n}@translated.example")
            for n, names in enumerate(
                (
                    ("John", "Ivan"),
                    ("William", "Guilherme"),
                    ("Gustav", "August"),
                    ("Jonathan", "Nathan"),
                    ("Alice", "Elsie"),
                    ("Luis", "Luiz"),
                )
            )
            for place, (source, name) in enumerate(zip(("ometria", "omnisend"), names, strict=True))
        ],
        [{f"translated-{n}{place}"} for n in range(6) for place in (0, 1)],
    ),
    Scenario(
        "names in signs that may be read in many ways say nothing beside Latin letters and other signs",
        [
            *(
                profile(f"signs-a{n}", source=source, first_name=name, email="a@signs.example")
                for n, (source, name) in enumerate(
                    (("ometria", "太郎"), ("omnisend", "Taro"), ("voucherify", "たろう"))
                )
            ),
            *(
                profile(f"signs-b{n}", source=source, first_name=name, email="b@signs.example")
                for n, (source, name) in enumerate((("ometria", "민준"), ("omnisend", "Minjoon")))
            ),
            *(
                profile(f"signs-c{n}", source=source, email="c@signs.example", **name)
                for n, (source, name) in enumerate(
                    (
                        ("ometria", {"full_name": "山田太郎"}),
                        ("omnisend", {"first_name": "太郎", "last_name": "山田"}),
                        ("voucherify", {"full_name": "山田 太郎"}),
                        ("optimizely", {"first_name": "太郎"}),
                    )
                )
            ),
        ],
        [
            {"signs-a0", "signs-a1", "signs-a2"},
            {"signs-b0", "signs-b1"},
            {"signs-c0", "signs-c1", "signs-c2", "signs-c3"},
        ],
    ),
    Scenario(
        "a name in signs is of neither of two people with Latin names that contradict each other",
        [
            profile("neither-1", first_name="Taro", phone="+4915110000061"),
            profile("neither-2", source="omnisend", first_name="Hanako", phone="+4915110000061"),
            profile("neither-3", source="voucherify", first_name="太郎", phone="+4915110000061"),
        ],
        [{"neither-1"}, {"neither-2"}, {"neither-3"}],
    ),
    Scenario(
        "brothers and sisters with names that begin with one sign, or with the family's, are as many as they are",
        [
            *(
                profile(f"siblings-a{n}", source=source, first_name=name, email="a@siblings.example")
                for n, (source, name) in enumerate((("ometria", "太郎"), ("omnisend", "太一")))
            ),
            *(
                profile(f"siblings-b{n}", source=source, first_name=name, email="b@siblings.example")
                for n, (source, name) in enumerate((("ometria", "민준"), ("omnisend", "민서")))
            ),
            *(
                profile(f"siblings-c{n}", source=source, full_name=name, email="c@siblings.example")
                for n, (source, name) in enumerate(
                    (("ometria", "山田 太郎"), ("omnisend", "山田 花子"), ("voucherify", "山田次郎"))
                )
            ),
        ],
        [{f"siblings-{name}"} for name in ("a0", "a1", "b0", "b1", "c0", "c1", "c2")],
    ),
    Scenario(
        "a birth date mistyped is no other person, and father and son are two",
        [
            profile("typed-1", first_name="Rui", last_name="Paz", birth_date=date(1980, 4, 5), email="r@typed.example"),
            profile(
                "typed-2",
                source="omnisend",
                first_name="Rui",
                last_name="Paz",
                birth_date=date(1980, 5, 4),
                email="r@typed.example",
            ),
            profile(
                "typed-3",
                source="voucherify",
                first_name="Rui",
                last_name="Paz",
                birth_date=date(1983, 7, 9),
                email="r@typed.example",
            ),
            profile(
                "father-1", first_name="Ivo", last_name="Reis", birth_date=date(1950, 4, 5), email="i@typed.example"
            ),
            profile(
                "father-2",
                source="omnisend",
                first_name="Ivo",
                last_name="Reis",
                birth_date=date(1980, 4, 5),
                email="i@typed.example",
            ),
        ],
        [{"typed-1", "typed-2", "typed-3"}, {"father-1"}, {"father-2"}],
    ),
    Scenario(
        "a name that stands for nobody proves nothing",
        [
            profile("noname-1", first_name="Ana", email="n@noname.example"),
            profile("noname-2", source="omnisend", first_name="Kunde", email="n@noname.example"),
            profile("noname-3", source="voucherify", full_name="Gast Gast", email="n@noname.example"),
            profile("noname-4", source="open_delivery", full_name="N/A Unknown", email="n@noname.example"),
            profile("noname-5", source="voucherify", full_name="Valued Customer - -", email="n@noname.example"),
        ],
        [{f"noname-{number}" for number in range(1, 6)}],
    ),
    Scenario(
        "a shared inbox does not merge its readers",
        [
            profile(f"inbox-{name}", source=source, first_name=name, email="us@inbox.example")
            for name, source in (("Ada", "ometria"), ("Ben", "omnisend"), ("Cid", "voucherify"))
        ],
        [{"inbox-Ada"}, {"inbox-Ben"}, {"inbox-Cid"}],
    ),
    Scenario(
        "a phone of six people links nobody, not even namesakes",
        [
            profile(f"shop-{name}-{source}", source=source, first_name=name, phone="+5511912340050")
            for name in ("Ana", "Bia", "Caio", "Davi", "Enzo", "Fabi")
            for source in ("ometria", "omnisend")
        ],
        [
            {f"shop-{name}-{source}"}
            for name in ("Ana", "Bia", "Caio", "Davi", "Enzo", "Fabi")
            for source in ("ometria", "omnisend")
        ],
    ),
    Scenario(
        "a phone of five people still links namesakes",
        [
            profile(f"five-{name}-{source}", source=source, first_name=name, phone="+5511912340051")
            for name in ("Ana", "Bia", "Caio", "Davi", "Enzo")
            for source in ("ometria", "omnisend")
        ],
        [{f"five-{name}-ometria", f"five-{name}-omnisend"} for name in ("Ana", "Bia", "Caio", "Davi", "Enzo")],
    ),
    Scenario("a guest with an address is a person", [contact("guest", email="guest@guest.example")], [{"guest"}]),
    Scenario(
        "a lead alone is nobody",
        [contact("lead-alone", source="open_delivery", stream="leads", email="new@lead.example", is_lead_only=True)],
        [],
    ),
    Scenario(
        "a lead of somebody known is that person, and joins no two",
        [
            profile("lead-1", source="open_delivery", email="one@led.example"),
            profile("lead-2", source="omnisend", phone="+4915110000021"),
            contact("lead-3", source="open_delivery", stream="leads", email="one@led.example", is_lead_only=True),
            contact(
                "lead-4",
                source="voucherify",
                stream="leads",
                email="one@led.example",
                phone="+4915110000021",
                is_lead_only=True,
            ),
            contact("lead-5", source="voucherify", stream="leads", phone="+4915110000021", is_lead_only=True),
        ],
        [{"lead-1", "lead-3", "lead-4"}, {"lead-2", "lead-5"}],
    ),
    Scenario(
        "three events that chain two addresses and two shop ids are one person (ODP's own example)",
        [
            contact("chain-1", source="optimizely", stream="events", email="john@mail.example", custom="ABC"),
            contact("chain-2", source="optimizely", stream="events", email="john@acme.example", custom="XYZ"),
            contact("chain-3", source="optimizely", stream="events", email="john@acme.example", custom="ABC"),
        ],
        [{"chain-1", "chain-2", "chain-3"}],
    ),
    Scenario(
        "an order that names the profile belongs to it, whatever name is on it",
        [
            profile("named-1", first_name="Ana", email="ana@named.example"),
            contact("named-2", first_name="Bia", profile_id="named-1", phone="+5511912340061"),
        ],
        [{"named-1", "named-2"}],
    ),
    Scenario(
        "an order in another name with the same address is another person",
        [
            profile("other-1", first_name="Ana", email="both@other.example"),
            contact("other-2", first_name="Bruno", email="both@other.example"),
        ],
        [{"other-1"}, {"other-2"}],
    ),
    Scenario(
        "what an order of a profile carries links the profile",
        [
            profile("carries-1", email="c@carries.example"),
            contact("carries-2", email="c@carries.example", phone="+5511912340062"),
            profile("carries-3", source="voucherify", phone="+5511912340062"),
        ],
        [{"carries-1", "carries-2", "carries-3"}],
    ),
    Scenario(
        "two vendors that number customers alike do not mean the same ones",
        [profile("bare-1", customer_id="55555"), profile("bare-2", source="optimizely", customer_id="55555")],
        [{"bare-1"}, {"bare-2"}],
    ),
    Scenario(
        "placeholders, role and relay addresses link nobody",
        [
            profile(f"blocked-{source}-{value}", source=source, email=value)
            for value in ("test@test.com", "info@firm.example", "x1y2@privaterelay.appleid.com")
            for source in ("ometria", "omnisend")
        ]
        + [profile(f"digits-{source}", source=source, phone="+5511999999999") for source in ("ometria", "omnisend")],
        [
            {f"blocked-{source}-{value}"}
            for value in ("test@test.com", "info@firm.example", "x1y2@privaterelay.appleid.com")
            for source in ("ometria", "omnisend")
        ]
        + [{"digits-ometria"}, {"digits-omnisend"}],
    ),
    Scenario(
        "a visitor known by a cookie alone is the person who carries the cookie",
        [
            profile("cookie-1", email="c@cookie.example", vuid="v-cookie-1"),
            contact("cookie-2", source="ometria", stream="events", vuid="v-cookie-1"),
        ],
        [{"cookie-1", "cookie-2"}],
    ),
    Scenario(
        "a cookie that two people carry does not merge them, and goes to the newer",
        [
            profile("kiosk-1", email="old@kiosk.example", vuid="v-kiosk"),
            profile("kiosk-2", email="new@kiosk.example", vuid="v-kiosk", day=1),
            contact("kiosk-3", stream="events", vuid="v-kiosk", day=1),
        ],
        [{"kiosk-1"}, {"kiosk-2", "kiosk-3"}],
    ),
    Scenario(
        "a visitor with the cookies of two people joins one and not both",
        [
            profile("cookies-1", email="a@cookies.example", vuid="v-cookies-a"),
            profile("cookies-2", email="b@cookies.example", vuid="v-cookies-b", day=1),
            contact("cookies-3", stream="events", vuid=["v-cookies-a", "v-cookies-b"], day=1),
        ],
        [{"cookies-1"}, {"cookies-2", "cookies-3"}],
    ),
    Scenario(
        "visitors who share cookies are one, and follow the one who is known",
        [
            contact("trail-1", stream="events", vuid="v-trail-1", push_token="p-trail-1"),
            contact("trail-2", stream="events", push_token=["p-trail-1", "p-trail-2"]),
            contact("trail-3", stream="events", push_token="p-trail-2"),
            profile("trail-4", email="t@trail.example", vuid="v-trail-1"),
            contact("trail-5", stream="events", vuid="v-trail-5", push_token="p-trail-5"),
            contact("trail-6", stream="events", push_token="p-trail-5"),
        ],
        [{"trail-1", "trail-2", "trail-3", "trail-4"}, {"trail-5", "trail-6"}],
    ),
    Scenario(
        "nobody has two documents: who would join two people goes with the address, not the phone",
        [
            profile("papers-1", document="cpf:93541134780", email="a@papers.example"),
            profile("papers-2", source="omnisend", email="a@papers.example", phone="+5511912340071"),
            profile("papers-3", source="voucherify", document="cpf:39053344705", phone="+5511912340071"),
        ],
        [{"papers-1", "papers-2"}, {"papers-3"}],
    ),
    Scenario(
        "one document is one person, however many customer ids there are",
        [
            profile(
                f"cpf-{number}", source="open_delivery", document="cpf:15350946056", customer_id=f"per-order-{number}"
            )
            for number in range(4)
        ],
        [{f"cpf-{number}" for number in range(4)}],
    ),
    Scenario(
        "several documents of a record all speak, whichever is the smaller",
        [
            profile("papers-of-1", source="open_delivery", document=["cpf:15350946056", "cpf:74697131401"]),
            profile("papers-of-2", source="omnisend", document="cpf:74697131401", email="p@papers-of.example"),
            profile("papers-of-3", source="voucherify", document="cpf:27284583204", email="p@papers-of.example"),
        ],
        [{"papers-of-1", "papers-of-2"}, {"papers-of-3"}],
    ),
    Scenario("an override keeps two records apart", [ADA, EVE], [{"never-1"}, {"never-2"}], [never(ADA, EVE)]),
    Scenario(
        "two records kept apart stay apart along a chain",
        [*BRIDGE_ENDS, profile("kept-3", source="voucherify", email="x@bridged.example", phone="+4915110000002")],
        [{"kept-1", "kept-3"}, {"kept-2"}],
        [never(*BRIDGE_ENDS)],
    ),
    Scenario(
        "an override joins two records, even with two documents",
        [ONE, TWO],
        [{"always-1", "always-2"}],
        [always(ONE, TWO)],
    ),
    Scenario(
        "a blocked identifier links nobody",
        [
            profile("barred-1", email="desk@barred.example"),
            profile("barred-2", source="omnisend", email="desk@barred.example"),
        ],
        [{"barred-1"}, {"barred-2"}],
        [blocked("email", "desk@barred.example")],
    ),
    Scenario(
        "an address given up links nobody",
        [
            profile("former-1", email="old@former.example"),
            profile("former-1", email="now@former.example", day=1),
            profile("former-2", source="omnisend", email="old@former.example"),
        ],
        [{"former-1"}, {"former-2"}],
    ),
    Scenario(
        "an address given up still links where name and birth date agree",
        [
            profile(
                "proof-1", email="old@proof.example", first_name="Lea", last_name="Roth", birth_date=date(1979, 5, 4)
            ),
            profile(
                "proof-1",
                email="now@proof.example",
                first_name="Lea",
                last_name="Roth",
                birth_date=date(1979, 5, 4),
                day=1,
            ),
            profile(
                "proof-2",
                source="omnisend",
                email="old@proof.example",
                first_name="Lea",
                last_name="Roth",
                birth_date=date(1979, 5, 4),
            ),
            profile("proof-3", source="voucherify", email="old@proof.example", birth_date=date(1990, 1, 2)),
        ],
        [{"proof-1", "proof-2"}, {"proof-3"}],
    ),
    Scenario(
        "a recycled phone belongs to its new owner",
        [
            profile("recycled-1", first_name="Tom", phone="+4915110000031"),
            profile("recycled-1", first_name="Tom", phone="+4915110000032", day=1),
            profile("recycled-2", source="omnisend", phone="+4915110000031", day=1),
        ],
        [{"recycled-1"}, {"recycled-2"}],
    ),
    Scenario(
        "whole name, birth date and postal code together are one person; names alone never",
        [
            profile(
                "whole-1",
                first_name="Nina",
                last_name="Berg",
                birth_date=date(1991, 2, 3),
                postal_code="10115",
                email="n1@whole.example",
            ),
            profile(
                "whole-2",
                source="omnisend",
                full_name="Nina Berg",
                birth_date=date(1991, 2, 3),
                postal_code="10115",
                email="n2@whole.example",
            ),
            profile(
                "whole-3",
                source="voucherify",
                first_name="Nina",
                last_name="Berg",
                postal_code="10115",
                email="n3@whole.example",
            ),
        ],
        [{"whole-1", "whole-2"}, {"whole-3"}],
    ),
    Scenario(
        "a version that leaves out the birth date, the name or the document makes nobody one with somebody else",
        [
            profile("reserved-1", first_name="Eva", birth_date=date(1980, 1, 1), email="a@reserved.example"),
            profile("reserved-1", first_name="Eva", email="a@reserved.example", day=1),
            profile(
                "reserved-2",
                source="omnisend",
                first_name="Eva",
                birth_date=date(1994, 6, 20),
                email="a@reserved.example",
            ),
            profile("reserved-3", first_name="Tom", email="b@reserved.example"),
            profile("reserved-3", email="b@reserved.example", day=1),
            profile("reserved-4", source="omnisend", first_name="Max", email="b@reserved.example"),
            profile("reserved-5", document="cpf:69421083083", email="c@reserved.example"),
            profile("reserved-5", email="c@reserved.example", day=1),
            profile("reserved-6", source="omnisend", document="cpf:31827465026", email="c@reserved.example"),
            profile("reserved-7", first_name="Tom", last_name="Roth", email="d@reserved.example"),
            profile("reserved-7", first_name="Guest", email="d@reserved.example", day=1),
            profile("reserved-8", source="omnisend", first_name="Max", email="d@reserved.example"),
        ],
        [{f"reserved-{number}"} for number in range(1, 9)],
    ),
    Scenario(
        "a version that leaves out part of the name or the place makes nobody two",
        [
            profile(
                "unsaid-1",
                first_name="Vera",
                last_name="Kolb",
                birth_date=date(1991, 2, 3),
                postal_code="10117",
                email="u1@unsaid.example",
            ),
            profile("unsaid-1", first_name="Vera", birth_date=date(1991, 2, 3), email="u1@unsaid.example", day=1),
            profile(
                "unsaid-2",
                source="omnisend",
                full_name="Vera Kolb",
                birth_date=date(1991, 2, 3),
                postal_code="10117",
                email="u2@unsaid.example",
            ),
        ],
        [{"unsaid-1", "unsaid-2"}],
    ),
    Scenario(
        "who has another name or moved is known by what was said last",
        [
            profile(
                "renamed-1",
                first_name="Jo",
                last_name="Alt",
                birth_date=date(1983, 2, 3),
                postal_code="10119",
                email="r1@renamed.example",
            ),
            profile(
                "renamed-1",
                first_name="Jo",
                last_name="Neu",
                birth_date=date(1983, 2, 3),
                city="Ulm",
                email="r1@renamed.example",
                day=1,
            ),
            profile(
                "renamed-2",
                source="omnisend",
                full_name="Jo Alt",
                birth_date=date(1983, 2, 3),
                postal_code="10119",
                email="r2@renamed.example",
            ),
        ],
        [{"renamed-1"}, {"renamed-2"}],
    ),
    Scenario(
        "a deleted record joins nobody, but stays with whom it belongs to",
        [
            profile("gone-1", email="a@gone.example"),
            profile("gone-2", source="omnisend", phone="+4915110000041"),
            profile("gone-3", source="voucherify", email="a@gone.example", phone="+4915110000041", is_deleted=True),
            profile("gone-4", source="optimizely", email="b@gone.example"),
            profile("gone-5", source="voucherify", email="b@gone.example", is_deleted=True),
        ],
        [{"gone-1", "gone-3"}, {"gone-2"}, {"gone-4", "gone-5"}],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_is_one_person(warehouse: Warehouse, scenario: Scenario) -> None:
    assert warehouse.persons(scenario.names) == sorted(scenario.persons, key=sorted)


def test_no_two_scenarios_share_a_record(scenarios: list[Scenario]) -> None:
    names = [name for scenario in scenarios for name in scenario.names]
    assert sorted(names) == sorted(set(names))


def test_nobody_in_the_world_has_two_documents_unless_somebody_said_so_or_one_record_does(warehouse: Warehouse) -> None:
    query = "select customer_id from marts.bridge_customer_identifiers where identifier_type = 'document' and is_linking group by all having count(*) > 1"
    reported = {warehouse.customer(name) for name in ("always-1", "two-papers-1", "papers-of-1")}
    assert {row["customer_id"] for row in warehouse.rows(query)} == reported
