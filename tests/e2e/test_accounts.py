"""Two shops at every vendor, with exports that are the same to the letter: nothing of one is taken for the other's, and
people are one."""

import shutil

import pytest

from tests.support.installation import EXPORT_DATES, PROJECT, Installation

pytestmark = pytest.mark.long

# Facts that stand once for each account, without the ids that distinguish the accounts.
FACTS = {
    "marts.bridge_customer_records": "stream, case when source_record_id not like 'derived:%' then source_record_id end, is_deleted",
    "marts.bridge_order_sources": "source_record_id, total_amount",
    "marts.fct_events": "customer_id, event_type, event_action, occurred_at",
    "marts.fct_segment_memberships": "customer_id, segment_id, segment_kind, entered_at, exited_at, is_current",
    "marts.fct_reviews": "customer_id, reviewed_at",
    "marts.fct_redemptions": "redemption_id, customer_id",
    "marts.fct_loyalty_balances": "account_id, customer_id, balance_type, balance",
    "meta.loads": "stream, export_date, rows_read, rows_loaded, rows_rejected, rows_duplicate, status",
    "meta.deliveries": "stream, export_date, is_full",
    "meta.rejects": "stream, row_number, reason_code, field, raw",
}


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = Installation(tmp_path_factory.mktemp("twins"))
    for vendor in sorted((PROJECT / "data" / "samples").iterdir()):
        for feed in (vendor.name, f"{vendor.name}@uk"):
            shutil.copytree(vendor, installation.data / "landing" / feed)
    installation.land("omnisend@uk/contacts", EXPORT_DATES[0], "broken.ndjson", "{broken\n")
    outcome = installation.c360("run")
    assert outcome.figures["published"], outcome.said
    assert "omnisend@uk/contacts/2026-03-01: more than 1% of the rows were rejected" in outcome.said
    return installation


@pytest.mark.parametrize("table", FACTS)
def test_every_fact_stands_once_for_each_account(twins: Installation, table: str) -> None:
    is_broken_one = "file_path like '%broken%'" if table in ("meta.loads", "meta.rejects") else "false"
    of = {
        name: twins.rows(
            f"select source, {FACTS[table]} from {table} where source_account = ? and not {is_broken_one} order by all",
            account,
        )
        for name, account in (("plain", "default"), ("named", "uk"))
    }
    assert of["plain"]
    assert of["plain"] == of["named"]


def test_people_are_one_across_accounts(twins: Installation) -> None:
    assert twins.value("select count(*) - count(distinct email) from marts.dim_customers") == twins.value(
        "select count(*) from marts.dim_customers where email is null"
    )
    lonely = """
        select customers.customer_id from marts.dim_customers as customers inner join marts.bridge_customer_records using (customer_id)
        where email is not null group by all having count(distinct source_account) < 2
    """
    assert twins.rows(lonely) == []


def test_commands_distinguish_the_accounts(twins: Installation) -> None:
    assert "omnisend@uk is late: nothing since" in twins.c360("status").out
    assert "in omnisend@uk/contacts" in twins.c360("rejects", "--source", "omnisend@uk").out
    assert "omnisend@uk" not in twins.c360("rejects", "--source", "omnisend@default").out
    assert twins.c360("rejects", "--source", "omnisand@uk").exit_code == 2
