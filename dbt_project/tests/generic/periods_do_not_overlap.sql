-- Per key, a period begins when or after the one before it has ended, and none ends before it begins.
{% test periods_do_not_overlap(model, columns, valid_from, valid_to) %}

    with
        periods as (
            select
                {{ columns | join(", ") }},
                {{ valid_from }} as valid_from,
                {{ valid_to }} as valid_to,
                lead({{ valid_from }}) over (partition by {{ columns | join(", ") }} order by {{ valid_from }}) as next_valid_from
            from {{ model }}
        )

    select *
    from periods
    where valid_to < valid_from or (next_valid_from is not null and (valid_to is null or valid_to > next_valid_from))

{% endtest %}
