"""Open Delivery (Abrasel), customer capability: what its exports are and in which versions of the protocol they come.

Three versions are in use side by side, and a page of the second shows a fourth. A record's version follows from its
shape, never from the size of a number: `{value, currency}` is in major units (v1.3 and v2 orders), a bare amount in cents
(the rc.2 relationship view, events).
"""

from orchestration.mapping import stream, vendor
from orchestration.vendors.open_delivery.events import EVENT_DIALECTS
from orchestration.vendors.open_delivery.loyalty import ACCOUNTS, PROGRAMS, REDEMPTIONS, TRANSACTIONS
from orchestration.vendors.open_delivery.orders import ORDERS
from orchestration.vendors.open_delivery.people import CUSTOMERS, LEADS
from orchestration.vendors.open_delivery.reviews import REVIEWS

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
        "Orders of version 1 and operational orders of version 2 state `{value, currency}` in major units. CRM orders name neither unit nor currency: cents, "
        "unless `amount_unit` of `accounts.csv` says otherwise."
    ),
)
