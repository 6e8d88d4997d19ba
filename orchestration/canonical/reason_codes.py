"""Every reason code a file, record or field can be logged with: what it means and what to do about it.

The one documented list. A code that is not here cannot be logged.
"""

# The reason of records that are sound and wait with their delivery.
HELD_BACK = "held_back"
# The reason of records about somebody who was erased: nothing of them is kept, and nothing is wrong with them.
ERASED = "erased"

FILE_REASONS: dict[str, str] = {
    "no_records": "The file has content, but no record is in it. Ask the vendor for the delivery again.",
    "unknown_format": (
        "The name, or that of a file inside a zip, does not end in a known format. "
        "Name it .ndjson, .jsonl, .json, .csv, .tsv, .parquet, .xlsx or .zip, with .gz or .zst behind it if packed."
    ),
    "format_mismatch": "The content is not what the name says. Give the file the name of its real format.",
    "truncated_archive": "The packed file ends too early. Deliver it again in full.",
    "broken_archive": "The packed file cannot be unpacked. Deliver it again.",
    "archive_too_large": (
        "The packed file unpacks to more than the limit allows. Check it, then raise `unpack_ratio` in settings.toml if"
        " it is sound."
    ),
    "encrypted_archive": "The zip file is locked with a password. Deliver it without one.",
    "broken_encoding": (
        "The file says that it is UTF-16 or UTF-32, and is not, or ends within a character. Deliver it again."
    ),
    "truncated_json": "The JSON text ends too early. Deliver the file again in full.",
    "broken_json": "The file is no JSON text. Deliver it again.",
    "broken_csv": "The file is no CSV text with a header. Deliver it again.",
    "broken_parquet": "The file is no readable Parquet. Deliver it again.",
    "broken_xlsx": "The file is no readable Excel file with a sheet. Deliver it again.",
    "outside_landing": "The file is a link out of the landing folder. Put the file itself there.",
    "internal_error": (
        "Our own code failed on this file. Please report it with the vendor and stream; the file stays where it is."
    ),
    "unreadable_file": (
        "The file cannot be read. Check its permissions, and that it is a file: no link to nowhere, no pipe, no device."
    ),
}

RECORD_REASONS: dict[str, str] = {
    "invalid_json": "The record is no JSON text. Mend the line and deliver it again.",
    "invalid_utf8": "The record is not UTF-8 text. Deliver it in UTF-8.",
    "not_an_object": "The record is no JSON object. Deliver one object a record.",
    "record_too_large": "The record is larger than `record_bytes`. Raise it in settings.toml if the record is sound.",
    "nested_too_deep": (
        "The record is nested deeper than `record_levels`. Raise it in settings.toml if the record is sound."
    ),
    "ragged_row": "The row has other cells than the header. Mend the row.",
    "unclosed_quote": "A quote is opened and never closed. Mend the row.",
    "unknown_shape": "The record looks like nothing this stream delivers. Check that it landed in the right stream.",
    "missing_identity": "The record has no id and no identifier. Deliver it with one.",
    "missing_order_id": "The order has no id. Deliver it with one.",
    "missing_event_type": "The event has no type. Deliver it with one.",
    "missing_redemption_id": "The redemption has no id. Deliver it with one.",
    "missing_segment_id": "The segment or list has no id. Deliver it with one.",
    "missing_action": "The row does not say what happened. Deliver it with an action.",
    "unknown_identifier_name": "The field names no identifier that is declared. Name and value may be swapped.",
    "held_back": (
        "More of what its vendor delivered was bad than `hold_back_share` allows, so all of it waits. Fix it, or raise the"
        " limit, and `c360 replay`."
    ),
    "erased": (
        "The record is about somebody who was erased with `c360 forget`. Nothing of it is kept; nothing is to be done."
    ),
    "bad_money": "An amount cannot be read as a number. Deliver it as a plain decimal number.",
    "bad_time": "A time cannot be read. Deliver it in ISO 8601 with a zone.",
    "bad_currency": "A currency is no ISO 4217 code.",
    "undecodable": "The record cannot be decoded although it is valid JSON. Report it with the file.",
}

ISSUE_CODES: dict[str, str] = {
    "trimmed": "Blanks around the value were taken off.",
    "number_as_text": "A number came as text and was read as the number.",
    "flag_as_text": "A true or false came as something else and was read as it.",
    "object_for_list": "One value came where a list belongs and was read as a list of one.",
    "number_for_amount": (
        "A plain number came where the format has an amount with its currency; the currency is that of the order or the"
        " account."
    ),
    "value_for_object": (
        "A plain value, often a yes or no, came where the format has an object, or under another name in it, and was"
        " read as what it says."
    ),
    "object_for_value": "A yes or no came inside an object or a list and was read as what it says.",
    "wrong_shape": (
        "A value of another kind came where the format has an object, a list or a plain value; the field is null."
    ),
    "unparseable": "The value cannot be read as what the column holds; the field is null.",
    "unknown_word": (
        "A status, channel or type is a word that no table of ours knows: the column is `unknown` or null. Have the"
        " word added."
    ),
    "unheard_consent": (
        "The record says something of consent in a place that nothing is read from: it may be a no. Look at the record"
        " and have the field added."
    ),
    "other_kind": "Two words in the record say what it is, and they differ: this one was not followed.",
    "major_units": (
        "The column is documented in minor units and holds a decimal point in this file: it was read in major units."
    ),
    "implausible_time": (
        "The time is more than two days after the export date: the export date stands in where a time must stand, else"
        " the field is null."
    ),
    "implausible_date": (
        "Nobody is born on that day: it is a form's default, before 1900, or not before the export date; the field is"
        " null."
    ),
    "mended_encoding": "The text was damaged by a wrong encoding or by entities and was repaired.",
    "title": "A title or salutation was taken off the name.",
    "rounded": "An amount had more than four decimals and was rounded half up.",
    "unusable_identifier": (
        "None of the identifiers of the record leads to a person; the value is kept, but the record belongs to nobody."
    ),
    "column_twice": (
        "Two columns have one name and differ in the row: the first counts, the other is kept under the name with a"
        " number."
    ),
    "error_cell": "A cell of a spreadsheet holds an error instead of a value; the field is null.",
    "encoding_fallback": "The text was not UTF-8 and was read in the vendor's other encoding.",
    "lone_surrogate": "Half a character was replaced by the replacement character.",
    "no_fx_rate": "No exchange rate is known for the date: the reporting amount is null.",
    "precision_suspect": "A number is beyond 2^53 and may have lost digits before it came to us.",
}
