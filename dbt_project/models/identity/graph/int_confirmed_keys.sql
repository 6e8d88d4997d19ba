-- Grain: one row per record, identifier that some record has superseded, and second piece of evidence that the record
-- knows. Records that agree in all of identifier, whole name and that evidence share the key: so a superseded
-- identifier still links.
with
    identifiers as not materialized(select * from {{ ref("int_record_identifiers") }} where unusable_reason is null),

    records as (select * from {{ ref("int_records") }}),

    evidence as (select * from {{ ref("int_record_evidence") }}),

    superseded_keys as (select identifier_key from identifiers where not is_current group by identifier_key),

    candidates as (
        select
            identifiers.record_no,
            identifiers.identifier_key as confirmed_key,
            identifiers.id_type,
            identifiers.id_namespace,
            min(identifiers.id_value) as id_value,
            records.full_name_key,
            records.birth_date,
            min(identifiers.first_seen_at) as first_seen_at
        from identifiers
        inner join records on identifiers.record_no = records.record_no
        where
            identifiers.identifier_key in (select identifier_key from superseded_keys)
            and records.full_name_key is not null
        group by
            identifiers.record_no,
            identifiers.identifier_key,
            identifiers.id_type,
            identifiers.id_namespace,
            records.full_name_key,
            records.birth_date
    ),

    proven as (
        select candidates.*, 'birth_date' as proof_type, cast(candidates.birth_date as varchar) as proof
        from candidates
        where candidates.birth_date is not null

        union all

        select candidates.*, 'document' as proof_type, unnest(string_split(evidence.document, '|')) as proof
        from candidates
        inner join evidence on candidates.record_no = evidence.record_no
        where evidence.document is not null
    ),

    final as (
        select
            record_no,
            {{ run_hash(["'superseded'", "confirmed_key", "full_name_key", "proof"]) }} as identifier_key,
            id_type,
            id_namespace,
            id_value,
            proof_type,
            proof,
            first_seen_at
        from proven
    )

select *
from final
