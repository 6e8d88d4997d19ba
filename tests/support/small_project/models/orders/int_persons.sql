-- Grain: one row per e-mail that a contact of an order carries.
select contacts.source, contacts.source_account, contacts.stream, contacts.source_record_id, max(contacts.first_name) as first_name
from {{ source('staging', 'contacts') }} as contacts
group by all
