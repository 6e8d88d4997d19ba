"""Tables, columns and types that the contracts fix, read from the file that analysts open."""

import re

import pytest
import yaml

from tests.support.installation import PROJECT, Installation, Outcome

ATTRIBUTES = "first_name, last_name, full_name, email, phone, birth_date, gender, city, state, country, postal_code, language, first_seen_at, last_seen_at, sources, record_count"
MARTS = {
    "dim_customers": f"customer_id, {ATTRIBUTES}",
    "dim_customers_history": f"customer_id, {ATTRIBUTES}, valid_from, valid_to, is_current",
    "bridge_customer_records": "source, source_account, stream, source_record_id, customer_id",
    "bridge_customer_identifiers": "customer_id, identifier_type, identifier_namespace, identifier_value, sources, is_linking, not_linking_reason, first_seen_at, last_seen_at",
    "customer_id_aliases": "alias_id, customer_id",
    "fct_orders": (
        "order_id, customer_id, order_number, source, sources, ordered_at, order_date, status, is_valid, is_guest, currency, subtotal_amount, discount_amount, shipping_amount, "
        "fees_amount, tax_amount, total_amount, refunded_amount, net_amount, reporting_currency, net_amount_reporting, line_count, item_quantity"
    ),
    "bridge_order_sources": "order_id, source, source_record_id, is_primary, total_amount",
    "fct_order_lines": "order_id, line_number, product_id, sku, title, quantity, unit_price, discount_amount, total_amount",
    "fct_order_adjustments": "order_id, adjustment_type, amount, occurred_at",
    "fct_events": "event_id, customer_id, source, event_type, event_action, occurred_at, is_active, order_id",
    "fct_segment_memberships": "customer_id, source, segment_id, segment_name, segment_kind, entered_at, exited_at, is_current, claimed_by",
    "fct_consents": "customer_id, source, channel, purpose, status, effective_at, is_current",
    "fct_reviews": "customer_id, review_id, review_type, source_order_id, merchant_id, source_profile_id, id_type, id_value, reviewed_at, answered_at, title, comment, source_name, channel, score_0_1",
    "fct_leads": "customer_id, lead_id, name, contact_type, contact_value, lead_source, created_at, source_updated_at, metadata",
    "fct_loyalty_balances": "customer_id, account_id, program_id, program_name, source_profile_id, balance_type, balance, pending, expiring, expires_at, tier_id, tier_name, currency",
    "fct_redemptions": (
        "customer_id, redemption_id, kind, parent_redemption_id, result, failure_code, source_profile_id, tracking_id, source_order_id, voucher_code, campaign_id, promotion_tier_id, "
        "money_amount, points_amount, redeemed_at, channel"
    ),
    "fct_referrals": "referrer_customer_id, referred_customer_id, campaign_id, referrer_profile_id, referred_profile_id, related_object_id, related_object_type, referred_at",
    "customer_insights": (
        "customer_id, order_count, orders_attempted, total_revenue, average_order_value, first_order_at, last_order_at, item_quantity, refunded_amount, reporting_currency, "
        "engagement_score, engagement_percentile, rfm_recency, rfm_frequency, rfm_monetary, lifecycle_stage, as_of_date"
    ),
    "customer_stat_reconciliation": "source, source_record_id, customer_id, metric, vendor_value, our_value, verdict",
}
META = {
    "loads": "file_path, file_sha256, source, stream, export_date, load_seq, rows_read, rows_loaded, rows_rejected, rows_duplicate, status, loaded_at, run_id",
    "rejects": "source, stream, export_date, file_path, row_number, reason_code, field, raw",
    "field_issues": "",
    "schema_drift": "",
    "runs": "run_id",
    "identity_events": "",
    "shared_identifiers": "",
}
COMMON = "source, source_account, stream, export_date, load_seq, source_record_id, record_hash, source_file, source_row, extracted_at, extra"
STAGING = {
    "customers": (
        "source_profile_id, source_updated_at, created_at, acquired_at, first_seen_at, last_seen_at, is_deleted, is_test, is_lead, lifecycle_raw, full_name, first_name, middle_name, last_name, "
        "name_prefix, name_suffix, gender, gender_raw, birth_date, language, timezone, country_raw, country_code, state_raw, state_code, city, district, postal_code, address_line_1, address_line_2, "
        "latitude, longitude, attributes"
    ),
    "customer_identifiers": (
        "source_profile_id, id_type, id_namespace, id_value_raw, id_value, merge_confidence, is_valid, invalid_reason, is_primary, is_deliverable, deliverability_reason, first_seen_at, last_seen_at, source_path"
    ),
    "customer_consents": "source_profile_id, id_type, id_value, channel, purpose, status, status_raw, is_forced, effective_at, is_effective_at_inferred, consent_source, reason, ip, user_agent",
    "orders": (
        "source_order_id, order_number, order_match_key, store_id, channel, source_profile_id, customer_id_value, email_value, phone_value, is_guest, ordered_at, is_ordered_at_inferred, source_updated_at, "
        "canceled_at, currency, is_currency_inferred, amount_unit, subtotal, discount_total, shipping_total, fees_total, tax_total, is_tax_included, total, refunded_total, status_raw, payment_status_raw, "
        "fulfillment_status_raw, status, is_valid_source, coupon_codes, is_test"
    ),
    "order_lines": (
        "source_order_id, line_no, source_line_id, parent_line_no, product_id, variant_id, sku, ean, title, quantity, unit, unit_price, discount, tax, subtotal, total, refunded_quantity, refunded_amount, "
        "is_shipping, categories, tags"
    ),
    "order_adjustments": "source_order_id, adjustment_id, action, amount_kind, amount, subtotal_amount, occurred_at, reason, is_orphan",
    "order_payments": "source_order_id, seq, method, brand, value, currency, type, installments",
    "events": (
        "event_id, is_event_id_derived, event_type, event_action, event_name_raw, occurred_at, is_time_inferred, received_at, source_profile_id, email_value, phone_value, vuid_value, customer_id_value, "
        "source_order_id, product_id, campaign_id, is_active, origin, properties"
    ),
    "segments": "segment_id, name, kind, definition, reported_members, created_at",
    "segment_memberships": "source_profile_id, id_type, id_value, segment_id, kind, state, observed_at, valid_from, qualifications, is_full_snapshot",
    "reviews": "review_id, review_type, source_order_id, merchant_id, source_profile_id, id_type, id_value, reviewed_at, answered_at, title, comment, source_name, channel",
    "review_ratings": "review_id, rating_no, method, value_raw, value_num, scale_min, scale_max, score_0_1, is_overall, category, question, comment",
    "leads": "lead_id, name, contact_type, contact_value, lead_source, created_at, source_updated_at, metadata",
    "loyalty_accounts": "account_id, program_id, program_name, source_profile_id, balance_type, balance, pending, expiring, expires_at, tier_id, tier_name, currency",
    "loyalty_transactions": "transaction_id, account_id, source_profile_id, type, type_raw, points_delta, source_order_id, occurred_at, is_sign_normalised",
    "referrals": "campaign_id, referrer_profile_id, referred_profile_id, related_object_id, related_object_type, referred_at",
    "redemptions": (
        "redemption_id, kind, parent_redemption_id, result, failure_code, source_profile_id, tracking_id, source_order_id, voucher_code, campaign_id, promotion_tier_id, money_amount, points_amount, "
        "redeemed_at, channel"
    ),
    "vendor_stats": "source_profile_id, metric, value_num, value_ts, unit, currency, definition_id",
}
TYPES = {
    "marts.dim_customers.sources": "VARCHAR[]",
    "marts.dim_customers.birth_date": "DATE",
    "marts.dim_customers.first_seen_at": "TIMESTAMP WITH TIME ZONE",
    "marts.fct_orders.sources": "VARCHAR[]",
    "marts.fct_orders.ordered_at": "TIMESTAMP WITH TIME ZONE",
    "marts.fct_orders.order_date": "DATE",
    "marts.fct_orders.is_valid": "BOOLEAN",
    "marts.fct_orders.total_amount": "DECIMAL(18,4)",
    "marts.fct_orders.net_amount": "DECIMAL(18,4)",
    "marts.customer_insights.average_order_value": "DECIMAL(18,2)",
    "marts.customer_insights.as_of_date": "DATE",
    "marts.bridge_customer_identifiers.sources": "VARCHAR[]",
    "staging.orders.total": "DECIMAL(18,4)",
    "staging.orders.ordered_at": "TIMESTAMP WITH TIME ZONE",
    "staging.orders.source_order_id": "VARCHAR",
    "staging.orders.coupon_codes": "VARCHAR[]",
    "staging.customers.extra": "JSON",
    "meta.loads.export_date": "DATE",
    "meta.loads.rows_read": "BIGINT",
}


def columns_of(installation: Installation, schema: str, table: str) -> set[str]:
    return set(
        installation.column(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
            schema,
            table,
        )
    )


@pytest.mark.parametrize(("table", "fixed"), MARTS.items())
def test_a_mart_has_its_fixed_columns_and_rows(samples: Installation, table: str, fixed: str) -> None:
    assert set(fixed.split(", ")) - columns_of(samples, "marts", table) == set()
    assert samples.value(f"select count(*) from marts.{table}") > 0


@pytest.mark.parametrize(("table", "fixed"), META.items())
def test_a_quality_table_has_its_fixed_columns(samples: Installation, table: str, fixed: str) -> None:
    assert set(fixed.split(", ")) - {""} - columns_of(samples, "meta", table) == set()
    assert columns_of(samples, "meta", table)


@pytest.mark.parametrize(("table", "own"), STAGING.items(), ids=STAGING)
def test_a_staging_table_has_the_columns_of_the_model(samples: Installation, table: str, own: str) -> None:
    assert {*COMMON.split(", "), *own.split(", ")} - columns_of(samples, "staging", table) == set()
    assert samples.value(f"select count(*) from staging.{table}") > 0


@pytest.mark.parametrize(("place", "wanted"), TYPES.items())
def test_a_column_has_its_type(samples: Installation, place: str, wanted: str) -> None:
    assert (
        samples.value(
            "select data_type from duckdb_columns() where schema_name || '.' || table_name || '.' || column_name = ? and database_name = current_database()",
            place,
        )
        == wanted
    )


def test_every_mart_is_under_contract_and_every_column_described() -> None:
    undescribed, loose = set(), set()
    for path in (PROJECT / "dbt_project" / "models" / "marts").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
            undescribed |= {
                f"{model['name']}.{column['name']}"
                for column in model["columns"]
                if not column.get("description", "").strip()
            }
            loose |= set() if model.get("description") else {model["name"]}
    assert undescribed == set()
    assert loose == set()
    project = (PROJECT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8")
    assert re.search(r"contract:\s*\n?\s*\{?\s*enforced:\s*true", project)


def test_analysts_read_the_descriptions_in_the_file(samples: Installation) -> None:
    assert (
        samples.column(
            "select table_name || '.' || column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
        )
        == []
    )


def test_the_samples_are_one_story_of_a_dozen_people(samples: Installation) -> None:
    assert (
        samples.rows(
            "select email, count(*) from marts.dim_customers where email is not null group by 1 having count(*) > 1"
        )
        == []
    )


def test_the_samples_name_the_line_that_is_bad(samples_run: tuple[Installation, Outcome]) -> None:
    assert samples_run[1].exit_code == 3
    assert samples_run[1].figures["rows_rejected"] == 1


def test_statuses_are_of_the_known_words(samples: Installation) -> None:
    words = {
        "created",
        "pending_payment",
        "paid",
        "in_progress",
        "shipped",
        "completed",
        "canceled",
        "partially_refunded",
        "refunded",
        "unknown",
    }
    assert set(samples.column("select distinct status from marts.fct_orders")) <= words
    assert set(samples.column("select distinct verdict from marts.customer_stat_reconciliation")) <= {
        "match",
        "explained",
        "inconsistent_at_source",
        "stale",
        "mismatch",
        "not_comparable",
    }
    assert set(samples.column("select distinct status from marts.fct_consents")) <= {"opt_in", "opt_out", "unknown"}
    assert set(samples.column("select distinct channel from marts.fct_consents")) <= {
        "email",
        "sms",
        "phone",
        "push",
        "whatsapp",
        "post",
        "all",
    }
    assert set(samples.column("select distinct lifecycle_stage from marts.customer_insights")) <= {
        "lead",
        "active",
        "at_risk",
        "lapsed",
    }


def test_grains_hold(samples: Installation) -> None:
    for table, key in {
        "dim_customers": "customer_id",
        "bridge_customer_records": "source, source_account, stream, source_record_id",
        "bridge_customer_identifiers": "customer_id, identifier_type, identifier_namespace, identifier_value",
        "fct_orders": "order_id",
        "bridge_order_sources": "order_id, source, source_record_id",
        "fct_order_lines": "order_id, line_number",
        "fct_events": "event_id, source",
        "customer_insights": "customer_id",
    }.items():
        assert samples.rows(f"select {key} from marts.{table} group by all having count(*) > 1") == [], table
