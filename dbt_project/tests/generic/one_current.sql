-- At most one row per key is the current one.
{% test one_current(model, columns, flag) %}

    select {{ columns | join(", ") }} from {{ model }} where {{ flag }} group by {{ columns | join(", ") }} having count(*) > 1

{% endtest %}
