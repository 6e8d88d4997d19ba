"""What the bridge says of identifiers: whether they link, and why not."""

import pytest

from tests.identity.worlds import Scenario, Warehouse, blocked, profile

SCENARIOS = [
    Scenario(
        "identifiers of all standings",
        [
            profile("standing-1", email=["old@standing.example", "info@standing.example"], vuid="v-standing", phone="+5511977770001"),
            profile("standing-1", email=["new@standing.example", "info@standing.example"], vuid="v-standing", phone="+5511977770001", night=1),
            profile("standing-2", source="omnisend", external_id="blocked-id", first_name="Ada"),
        ]
        + [profile(f"standing-{name}", source="voucherify", first_name=name, phone="+5511977770001") for name in ("Ada", "Bea", "Cleo", "Dora", "Elsa", "Fee")],
        overrides=[blocked("external_id", "blocked-id")],
    ),
]


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
def test_the_bridge_says_why_an_identifier_links_nobody(warehouse: Warehouse, name: str, value: str, reason: str | None) -> None:
    assert warehouse.reason(name, value) == reason


def test_a_shared_identifier_is_listed_with_what_it_would_have_merged(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows("select * from meta.shared_identifiers where identifier_value = '+5511977770001'")
    assert [row["people_count"], row["would_have_merged_customers"], row["would_have_merged_records"]] == [6, 7, 7]
    assert row["sources"] == ["ometria", "voucherify"]
