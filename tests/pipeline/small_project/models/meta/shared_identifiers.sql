-- Grain: one row per identifier that links nobody; none here.
select 'email' as identifier_type where false
