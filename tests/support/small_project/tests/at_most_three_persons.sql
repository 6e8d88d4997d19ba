{{ config(severity='warn') }}
select count(*) as persons from {{ ref('dim_customers') }} having count(*) > 3
