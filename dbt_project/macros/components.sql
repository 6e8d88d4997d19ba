-- Connected components by contraction, in two plain recursive queries: see models/identity/identity.md. Partition of a
-- graph. `edges` is a relation of (greater, lesser): two different vertex numbers each, in no order that follows the
-- edges, since a chain in order would take one round per vertex. Gives (vertex, component), the component being one of
-- its vertices; vertices without edges are left out.
{% macro connected_components(edges) %}
    contraction as (
        select 0 as round, true as is_edge, greater as vertex, lesser as target
        from {{ edges }}

        union all

        (
            with
                parents as (
                    select vertex, min(target) as parent, max(round) + 1 as round
                    from contraction
                    where is_edge
                    group by vertex
                ),

                moved as (
                    select
                        parents.round,
                        parents.parent as one_end,
                        coalesce(others.parent, contraction.target) as other_end
                    from contraction
                    inner join parents on contraction.vertex = parents.vertex
                    left join parents as others on contraction.target = others.vertex
                    where contraction.is_edge
                )

            select round, true, greatest(one_end, other_end), least(one_end, other_end)
            from moved
            where one_end <> other_end
            group by all

            union all

            select round, false, vertex, parent
            from parents
        )
    ),

    {{ composed_steps("contraction", "not is_edge") }}
{% endmacro %}

-- Where each vertex ends up when the steps (round, vertex, target) of `relation` are taken one round after the other.
-- Composed backwards, so that every round is looked up once.
{% macro composed_steps(relation, condition="true") %}
    steps as (select round, vertex, target from {{ relation }} where {{ condition }}),

    composed as (
        -- Null, of the type that the vertices have.
        select
            max(round) + 1 as round,
            min(vertex) filter (where false) as vertex,
            min(target) filter (where false) as component
        from steps

        union all

        (
            with
                here as (
                    select steps.round, steps.vertex, steps.target
                    from steps
                    where steps.round = (select max(composed.round) - 1 from composed)
                )

            select here.round, here.vertex, coalesce(composed.component, here.target)
            from here
            left join composed on here.target = composed.vertex

            union all

            select composed.round - 1, composed.vertex, composed.component
            from composed
            where composed.round > 1 and not exists (select 1 from here where here.vertex = composed.vertex)
        )
    ),

    components as (select vertex, component from composed where round = 1 and vertex is not null)
{% endmacro %}
