"""The loyalty module: programmes, accounts, transactions, redemptions.

Rewards and unused coupons are a catalogue and have no place in the canonical model. The amount of a transaction has its
sign in rc.2 and none in the draft: what takes points away is negative here either way.
"""

import polars as pl

from orchestration.mapping.expressions import at, first_given, given, raw
from orchestration.mapping.model import ANY_WORD, dialect
from orchestration.mapping.record_schema import EXTRA, NUMBER, TEXT, Open
from orchestration.mapping.selects import Contact, rows, unknown_word
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import translated
from orchestration.vendors.open_delivery.identifiers import customer_reference

TRANSACTION_TYPES = {
    "earn": "earn",
    "redeem": "redeem",
    "burn": "redeem",
    "expire": "expire",
    "adjust": "adjust",
    "tier_change": "tier_change",
    "coupon_use": "other",
    "other": "other",
}
BALANCE_TYPES = {"points": "points", "cashback": "cashback", "other": "other"}

about_customer = Contact(identifiers=(customer_reference(at("customerId"), "customerId"),), profile_id=at("customerId"))

program = dialect(
    "open_delivery.rc2",
    "loyalty_program",
    {"id": TEXT, "merchantId": EXTRA, "name": TEXT, "ownerType": EXTRA, "status": EXTRA, "metadata": EXTRA},
    rows("segments", segment_id=at("id"), name=at("name"), kind=pl.lit("loyalty_campaign")),
    about=None,
    has=("id", "name"),
    kinds=("loyalty_program",),
    marks={"name": ANY_WORD},
)

draft_account = dialect(
    "open_delivery.draft",
    "loyalty_account",
    {
        "id": TEXT,
        "customerId": TEXT,
        "merchantId": TEXT,
        "programId": TEXT,
        "tier": {"code": TEXT, "name": TEXT},
        "summary": {"pointsAvailable": NUMBER, "pointsPending": NUMBER, "pointsExpiringSoon": NUMBER},
    },
    rows(
        "loyalty_accounts",
        account_id=first_given(
            at("id"),
            pl.concat_str(at("customerId"), at("merchantId"), at("programId"), separator="/", ignore_nulls=True),
        ),
        program_id=at("programId"),
        balance_type=pl.lit("points"),
        balance=at("summary.pointsAvailable"),
        pending=at("summary.pointsPending"),
        expiring=at("summary.pointsExpiringSoon"),
        tier_id=at("tier.code"),
        tier_name=at("tier.name"),
    ),
    about=about_customer,
    has=("summary",),
    kinds=("loyalty_account",),
)
rc2_account = dialect(
    "open_delivery.rc2",
    "loyalty_account",
    {
        "id": TEXT,
        "programId": TEXT,
        "customerId": TEXT,
        "balanceType": TEXT,
        "balance": NUMBER,
        "currency": TEXT,
        "expiresAt": TEXT,
        "metadata": Open({"tier": TEXT}),
    },
    rows(
        "loyalty_accounts",
        account_id=first_given(
            at("id"), pl.concat_str(at("customerId"), at("programId"), separator="/", ignore_nulls=True)
        ),
        program_id=at("programId"),
        balance_type=translated(at("balanceType"), BALANCE_TYPES).fill_null("other"),
        balance=at("balance"),
        currency=at("currency"),
        expires_at=time(at("expiresAt")),
        tier_name=at("metadata.tier"),
        attributes=raw("metadata"),
    ),
    about=about_customer,
    issue_rules=(unknown_word("balanceType", at("balanceType"), BALANCE_TYPES),),
    has=("balance",),
    kinds=("loyalty_account",),
)

kind = translated(at("type"), TRANSACTION_TYPES).fill_null("other")
takes_away = kind.is_in(["redeem", "expire"])
is_unsigned = ~at("amount").str.strip_chars().str.starts_with("-")
transaction = dialect(
    "open_delivery.rc2",
    "loyalty_transaction",
    {
        "id": TEXT,
        "accountId": TEXT,
        "customerId": TEXT,
        "type": TEXT,
        "amount": NUMBER,
        "relatedOrderId": TEXT,
        "occurredAt": TEXT,
        "metadata": EXTRA,
    },
    rows(
        "loyalty_transactions",
        transaction_id=at("id"),
        account_id=at("accountId"),
        type=kind,
        type_raw=at("type"),
        points_delta=pl.when(takes_away & is_unsigned)
        .then(pl.concat_str(pl.lit("-"), at("amount").str.strip_chars()))
        .otherwise(at("amount")),
        source_order_id=at("relatedOrderId"),
        occurred_at=time(at("occurredAt"), else_export_date=True),
        is_sign_normalised=Typed(given(at("amount")) & takes_away & is_unsigned),
    ),
    about=about_customer,
    issue_rules=(unknown_word("type", at("type"), TRANSACTION_TYPES),),
    has=("type", "amount"),
    kinds=("loyalty_transaction",),
)

redemption = dialect(
    "open_delivery.draft",
    "redemption",
    {
        "redemptionId": TEXT,
        "transactionId": EXTRA,
        "customerId": TEXT,
        "redeemedAt": TEXT,
        "coupon": {
            "id": EXTRA,
            "code": TEXT,
            "type": EXTRA,
            "value": NUMBER,
            "currency": TEXT,
            "status": EXTRA,
            "source": EXTRA,
            "customerId": TEXT,
            "programId": TEXT,
            "expiresAt": EXTRA,
            "metadata": EXTRA,
        },
    },
    rows(
        "redemptions",
        is_amount_unit_inferred=True,
        redemption_id=at("redemptionId"),
        kind=pl.lit("redemption"),
        result=pl.lit("success"),
        voucher_code=at("coupon.code"),
        campaign_id=at("coupon.programId"),
        currency=at("coupon.currency"),
        money_amount=at("coupon.value"),
        redeemed_at=time(at("redeemedAt"), else_export_date=True),
    ),
    about=Contact(
        identifiers=(customer_reference(first_given(at("customerId"), at("coupon.customerId")), "coupon.customerId"),),
        profile_id=first_given(at("customerId"), at("coupon.customerId")),
    ),
    has=("redemptionId",),
    kinds=("redemption",),
)

PROGRAMS = (program,)
ACCOUNTS = (draft_account, rc2_account)
TRANSACTIONS = (transaction,)
REDEMPTIONS = (redemption,)
