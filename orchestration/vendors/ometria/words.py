"""Ometria's words for states, lists and channels, and what they mean here."""

import polars as pl

from orchestration.mapping.record_schema import drop

# -- words -----------------------------------------------------------------------------------------------------------

ORDER_STATUS = {
    "pending": "created",
    "open": "created",
    "authorized": "created",
    "pending_payment": "pending_payment",
    "paid": "paid",
    "processing": "in_progress",
    "complete": "completed",
    "partial_refund": "partially_refunded",
    "partially_refunded": "partially_refunded",
    "closed": "refunded",
    "refunded": "refunded",
    "canceled": "canceled",
    "cancelled": "canceled",
    "voided": "canceled",
    "expired": "canceled",
}
IDENTITY_TYPE = {
    "email": "email",
    "email_address": "email",
    "customer_id": "customer_id",
    "phone": "phone",
    "phone_number": "phone",
    "profile_id": "profile_id",
    "profile_hash": "profile_id",
    "visitor_id": "tracking_id",
}
LIST_KIND = {"STATIC": "static_list", "DYNAMIC": "dynamic_segment"}
LIST_CHANGE = {
    "enter": "entered",
    "entered": "entered",
    "add": "entered",
    "added": "entered",
    "join": "entered",
    "joined": "entered",
    "subscribe": "entered",
    "subscribed": "entered",
    "exit": "left",
    "exited": "left",
    "leave": "left",
    "left": "left",
    "remove": "left",
    "removed": "left",
    "unsubscribe": "left",
    "unsubscribed": "left",
}
NO_NEWS = drop("It repeats what the stream says of all its records.")
CHANNELS = {
    "email": "email",
    "sms": "sms",
    "push": "push",
    "app_push": "push",
    "whatsapp": "whatsapp",
    "phone": "phone",
    "post": "post",
    "direct_mail": "post",
    "all": "all",
}
# What somebody has unsubscribed from: a sending of mails, or one of the channels.
UNSUBSCRIBED_FROM = {
    "mass": "email",
    "trigger": "email",
    "automation": "email",
    "campaign": "email",
    "broadcast": "email",
} | CHANNELS
EMPTY = pl.lit(None, pl.String)
