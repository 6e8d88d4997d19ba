-- The moments at which a vendor's figure may have been true, beside now: names, and the days that begin with them.
{% macro stat_moments() %}
    {{
        return(
            [
                ("at_day_end", "cast(stats.export_date + 1 as date)"),
                ("at_export", "stats.export_date"),
                ("day_before", "cast(stats.export_date - 1 as date)"),
            ]
        )
    }}
{% endmacro %}
