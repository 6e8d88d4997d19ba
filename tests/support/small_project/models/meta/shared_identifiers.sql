-- Grain: one row per identifier that links nobody; none here.
select 'email' as identifier_type, '' as identifier_namespace, '' as identifier_value where false
