-- Grain: one row per first, last and full name as staging states them together, of which one at least stands for
-- nobody.
with
    customers as not materialized(select * from {{ source("staging", "customers") }}),

    contacts as not materialized(select * from {{ source("staging", "contacts") }}),

    placeholders as (select * from {{ ref("name_placeholders") }}),

    {{ nameless(["customers", "contacts"]) }}

select *
from nameless
