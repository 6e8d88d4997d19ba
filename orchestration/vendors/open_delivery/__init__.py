"""Open Delivery (Abrasel), customer capability: what its exports are and in which versions of the protocol they come.

Three versions are in use side by side, and a page of the second shows a fourth. A record's version follows from its
shape, never from the size of a number: `{value, currency}` is in major units (v1.3 and v2 orders), a bare amount in
cents (the rc.2 relationship view, events).
"""

from orchestration.mapping.model import stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.vendors.open_delivery.customers import CUSTOMERS
from orchestration.vendors.open_delivery.events import EVENT_DIALECTS
from orchestration.vendors.open_delivery.leads import LEADS
from orchestration.vendors.open_delivery.loyalty import ACCOUNTS, PROGRAMS, REDEMPTIONS, TRANSACTIONS
from orchestration.vendors.open_delivery.orders import ORDERS
from orchestration.vendors.open_delivery.reviews import REVIEWS

# What lies in the same interface and is none of ours: shops, menus, deliveries, rewards. Their fields identify them, as
# no record has a word for what it is.
NONE_OF_OURS = {
    "delivery": (
        "deliveryId", "pickupAddress", "deliveryAddress", "deliveryCode", "deliveryPrice", "vehicle", "orderDisplayId", "deliveryTrackingInfo", "pictureURL",
    ),
    "merchant": (
        "merchantStatus", "processingState", "basicInfo", "corporateName", "merchantCategories", "contactEmails", "contactPhones", "TTL", "lastUpdate",
        "services", "serviceType", "serviceArea", "serviceHours", "weekHours", "averageTicket", "minOrderValue",
    ),
    "menu": (
        "menus", "menuId", "disclaimer", "itemOffers", "itemOfferId", "itemId", "optionGroups", "optionGroupsId", "availabilityId", "minPermitted",
        "nutritionalInfo", "serving", "displayOrder", "templateTranslationId", "externalCode",
    ),
    "reward": ("rewardId", "cost"),
}  # fmt: skip
KINDS = Kinds(
    signs=(
        sign("eventType", kind="event"),
        *(sign(name, kind=kind) for kind, names in NONE_OF_OURS.items() for name in names),
        sign("programId", "code", kind="coupon"),
        sign("event", kind="event"),
        sign("order", kind="order"),
        sign("lead", kind="lead"),
        sign("review", kind="review"),
        sign("reviewId", kind="review"),
        sign("overallRating", kind="review"),
        sign("ratings", kind="review"),
        sign("score", kind="review"),
        sign("redemptionId", kind="redemption"),
        sign("ownerType", kind="loyalty_program"),
        sign("balanceType", kind="loyalty_account"),
        sign("summary", "customerId", kind="loyalty_account"),
        sign("accountId", "amount", kind="loyalty_transaction"),
        *(sign(name, kind="order") for name in ("displayId", "lastEvent", "orderTiming", "totalAmount", "timestamps")),
        sign("identifier", kind="customer"),
        sign("customerRef", kind="lead"),
        sign("contact", kind="lead"),
    ),
    pages={
        "customers": "customer",
        "leads": "lead",
        "orders": "order",
        "reviews": "review",
        "events": "event",
        "loyaltyPrograms": "loyalty_program",
        "loyaltyAccounts": "loyalty_account",
        "loyaltyTransactions": "loyalty_transaction",
        "redemptions": "redemption",
        "data": "",
    },
    common=frozenset({
        "id", "orderId", "customerId", "merchantId", "storeId", "programId", "merchant", "name", "status", "type", "source", "metadata", "description",
        "document", "createdAt", "updatedAt", "sourceAppId", "extraInfo", "occurredAt",
    }),
)  # fmt: skip

VENDOR = vendor(
    "open_delivery",
    "Open Delivery, customer capability",
    stream("customers", "Customers with identifiers, contacts, tags and consents.", *CUSTOMERS, envelopes=("items",)),
    stream("leads", "People who have shown interest, known by one contact.", *LEADS, envelopes=("items",)),
    stream("orders", "Orders with items, fees, discounts and payments.", *ORDERS, envelopes=("items",)),
    stream("reviews", "Reviews with their ratings.", *REVIEWS, envelopes=("items",)),
    stream("events", "What happened to customers, orders and loyalty accounts.", *EVENT_DIALECTS, envelopes=("items",)),
    stream("loyalty_programs", "Programmes that customers may belong to.", *PROGRAMS, envelopes=("items",)),
    stream("loyalty_accounts", "Balances of customers in programmes.", *ACCOUNTS, envelopes=("items",)),
    stream("loyalty_transactions", "What changed the balances.", *TRANSACTIONS, envelopes=("items",)),
    stream("redemptions", "Rewards taken for points.", *REDEMPTIONS, envelopes=("items",)),
    default_currency="BRL",
    default_order_namespace="delivery",
    phone_region="BR",
    money=(
        "Orders of version 1 state `{value, currency}` in major units. Operational orders of version 2 do so too, CRM"
        " orders and events state cents without a currency, unless `amount_unit` of `accounts.csv` says otherwise."
    ),
    kinds=KINDS,
)
