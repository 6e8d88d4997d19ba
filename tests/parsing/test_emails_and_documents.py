"""E-mail addresses, documents and ids: what is shown, what links, and why not."""

import polars as pl
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.parsing import documents, emails, given_names, ids


def email(text):
    return pl.DataFrame({"given": [text]}, schema={"given": pl.String}).select(read=emails.email(pl.col("given")))[
        "read"
    ][0]


def document(text, kind=None):
    frame = pl.DataFrame({"given": [text], "kind": [kind]}, schema={"given": pl.String, "kind": pl.String})
    return frame.select(read=documents.document(pl.col("given"), pl.col("kind")))["read"][0]


LOCAL_PARTS = st.text("abcXYZ019._+-%!'é,\\", min_size=1, max_size=12)
DOMAINS = st.builds(
    "{}.{}".format,
    st.text("abcXYZ019-.üß_", min_size=1, max_size=12),
    st.sampled_from(("com", "co.uk", "io", "c", "123", "xn--p1ai", "de.")),
)


def is_valid_by_email_validator(address: str) -> bool:
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


@given(LOCAL_PARTS, DOMAINS)
@example("ana", "00--0.com")
@example("ana", "a.xy--z.com")
@example("ana", "x-n--z.com")
@example("ana", "xn--bcher-kva.com")
def test_validity_agrees_with_email_validator(local, domain):
    address = f"{local}@{domain.rstrip('.')}".lower()
    trimmed = address.strip("',.\\")
    if trimmed == address:
        assert email(address)["is_valid"] == is_valid_by_email_validator(address)


ADDRESSES = st.builds(
    "{}@{}.{}".format,
    st.text("abx019._+-", min_size=1, max_size=70),
    st.text("abx019-.", min_size=1, max_size=12) | st.sampled_from(("gmail", "googlemail", "outlook", "protected")),
    st.sampled_from(("com", "co.uk", "c", "123")),
)


@given(st.lists(st.one_of(ADDRESSES, st.text(max_size=8), st.none()), min_size=1, max_size=8))
@example(["xxx@x.com", "email.protected@x.com", "a.b+c@gmail.com", f"{'a' * 64}@x.com", f"{'a' * 65}@x.com"])
def test_an_address_is_read_the_same_in_capitals_and_whatever_stands_beside_it(texts):
    """Addresses written as most are take a shorter way."""
    frame = pl.DataFrame({"given": texts}, schema={"given": pl.String}).with_columns(
        loud=pl.col("given").str.to_uppercase()
    )
    read = frame.select(given=emails.email(pl.col("given")), loud=emails.email(pl.col("loud")))
    assert read["given"].to_list() == [email(text) for text in texts]
    ascii_only = [place for place, text in enumerate(texts) if text is not None and text.isascii()]
    assert read["given"].gather(ascii_only).to_list() == read["loud"].gather(ascii_only).to_list()


@pytest.mark.parametrize(
    ("text", "shown", "linking"),
    [
        (" Sample@Test.com ", "sample@test.com", "sample@test.com"),
        ("J.o.e+news@Gmail.com", "j.o.e+news@gmail.com", "joe@gmail.com"),
        ("joe@googlemail.com", "joe@googlemail.com", "joe@gmail.com"),
        ("j.o.e+news@outlook.com", "j.o.e+news@outlook.com", "j.o.e@outlook.com"),
        ("joe+news@shop.example", "joe+news@shop.example", "joe+news@shop.example"),
        ("j.o.e@shop.example", "j.o.e@shop.example", "j.o.e@shop.example"),
        ("Ana Souza <ana@x.com>", "ana@x.com", "ana@x.com"),
        ("mailto:ana@x.com?subject=hi", "ana@x.com", "ana@x.com"),
        ("ana@x.com.", "ana@x.com", "ana@x.com"),
        ("ＡＮＡ＠ｘ．com", "ana@x.com", "ana@x.com"),
        ("ana@Bücher.example", "ana@bücher.example", "ana@xn--bcher-kva.example"),
    ],
)
def test_what_is_shown_and_what_links(text, shown, linking):
    assert email(text) == {"value": shown, "link_value": linking, "is_valid": True, "invalid_reason": None}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[email protected]", "obfuscated_placeholder"),
        ("[email\u00a0protected]", "obfuscated_placeholder"),
        ("null", "empty_word"),
        ("N/A", "empty_word"),
        ("j***@gmail.com", "masked"),
        ("ana@@x.com", "malformed"),
        ("ana", "malformed"),
        ("ana@localhost", "malformed"),
        ("a b@x.com", "malformed"),
    ],
)
def test_what_is_no_address_is_neither_shown_nor_linked(text, reason):
    assert email(text) == {"value": None, "link_value": None, "is_valid": False, "invalid_reason": reason}


def test_a_local_part_beyond_ascii_is_valid_and_flagged():
    assert email("josé@x.com") == {
        "value": "josé@x.com",
        "link_value": "josé@x.com",
        "is_valid": True,
        "invalid_reason": "non_ascii_local_part",
    }


@pytest.mark.parametrize("text", [None, "", "  "])
def test_nothing_given_is_neither_valid_nor_invalid(text):
    assert set(email(text).values()) == {None}
    assert set(document(text).values()) == {None}


@settings(max_examples=50)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=10))
def test_no_text_raises_and_linking_twice_changes_nothing(texts):
    frame = pl.DataFrame({"given": texts}).select(once=emails.email(pl.col("given")).struct.field("link_value"))
    twice = frame.select(twice=emails.email(pl.col("once")).struct.field("link_value"))
    assert twice["twice"].to_list() == frame["once"].to_list()


def check_digits(digits: str) -> str:
    """The two check digits of a CPF, by its definition."""
    for _ in range(2):
        rest = (
            sum(int(digit) * weight for digit, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True)) % 11
        )
        digits += "0" if rest < 2 else str(11 - rest)
    return digits[-2:]


@given(
    st.lists(
        st.tuples(st.text("0123456789", min_size=9, max_size=9), st.text("0123456789", min_size=2, max_size=2)),
        min_size=1,
        max_size=20,
    )
)
def test_a_cpf_is_valid_exactly_if_its_check_digits_are_right_and_not_all_digits_equal(parts):
    numbers = [digits + last for digits, right in parts for last in (check_digits(digits), right)]
    frame = pl.DataFrame({"given": [f"{cpf[:3]}.{cpf[3:6]}.{cpf[6:9]}-{cpf[9:]}" for cpf in numbers]})
    read = frame.select(read=documents.document(pl.col("given"))).unnest("read")
    assert read["value"].to_list() == [f"cpf:{cpf}" for cpf in numbers]
    assert read["is_valid"].to_list() == [cpf[9:] == check_digits(cpf[:9]) and len(set(cpf)) > 1 for cpf in numbers]


@pytest.mark.parametrize(
    ("text", "kind", "value", "reason"),
    [
        ("529.982.247-25", None, "cpf:52998224725", None),
        ("529.982.247-26", None, "cpf:52998224726", "bad_check_digits"),
        ("111.111.111-11", None, "cpf:11111111111", "repeated_digits"),
        ("1234567890", "CPF", "cpf:01234567890", None),
        ("1234567890", None, "document:1234567890", "malformed"),
        ("11.222.333/0001-81", "CNPJ", "cnpj:11222333000181", "company"),
        ("12.abc.345/01DE-35", None, "cnpj:12ABC34501DE35", "company"),
        ("12.ABC.345/01DE-36", None, "cnpj:12ABC34501DE36", "bad_check_digits"),
        ("***.982.247-**", "CPF", "cpf:***982247**", "masked"),
        ("52998224725", "RG", "rg:52998224725", "unknown_kind"),
    ],
)
def test_documents_say_what_they_are_and_why_they_do_not_link(text, kind, value, reason):
    assert document(text, kind) == {"value": value, "is_valid": reason is None, "invalid_reason": reason}


def test_a_document_of_another_country_is_kept_but_cannot_be_checked():
    frame = pl.DataFrame({"given": ["52998224725"]}).select(read=documents.document(pl.col("given"), country="PT"))
    assert frame["read"][0] == {"value": "document:52998224725", "is_valid": False, "invalid_reason": "unknown_kind"}


def column(expression, *columns):
    frame = pl.DataFrame(
        {str(place): values for place, values in enumerate(columns)},
        schema=dict.fromkeys(map(str, range(len(columns))), pl.String),
    )
    return frame.select(read=expression(*(pl.col(name) for name in frame.columns)))["read"].to_list()


def test_order_numbers_lose_white_space_one_hash_and_their_case_and_nothing_else():
    assert column(ids.order_key, [" #4122111 ", "abc-0015", "# 12", "##1", "#", "", None]) == [
        "4122111",
        "ABC-0015",
        "12",
        "#1",
        None,
        None,
        None,
    ]


def test_ids_keep_their_zeros_and_words_for_none_are_none():
    assert column(lambda value: ids.identifier(value, "customer_id"), [" 00055 ", "0", "null", "N/A", ""]) == [
        "00055",
        None,
        None,
        None,
        None,
    ]
    assert column(lambda value: ids.identifier(value, "push_token"), ["0a", "vuid_2c"]) == ["0a", "vuid_2c"]


def test_the_given_name_is_compared_without_accents_titles_and_initials():
    first = ["José", "J.", None, "Dr. Ana-Maria", None, "", "Ørjan", None]
    full = ["x", "J Smith", "Silva, Ana", "y", "Sr. João da Silva", " ", "z", "李 小龙"]
    assert column(given_names.name_evidence, first, full) == ["jose", None, "ana", "ana", "joao", None, "ørjan", None]
