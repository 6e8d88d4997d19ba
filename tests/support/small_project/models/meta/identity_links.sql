-- Grain: one row per record and link; nobody is linked here.
select '' as customer_id, '' as alias_id, '' as link_id, false as is_refused where false
