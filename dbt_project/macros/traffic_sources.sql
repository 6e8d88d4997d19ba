-- Where the person of an event came from: what its properties say of it, by name or by the link that was followed.
-- Text of a JSON object at a path; null where there is none or it is blank.
{% macro json_word(json, path) -%} {{ return(adapter.dispatch("json_word")(json, path)) }} {%- endmacro %}

{% macro default__json_word(json, path) -%}
    nullif(trim(json_extract_string({{ json }}, '{{ path }}')), '')
{%- endmacro %}

-- Value of a parameter of a link; null where the link has none of that name. What is written in another encoding than
-- UTF-8 stays as it stands in the link.
{% macro link_parameter(link, name) -%} {{ return(adapter.dispatch("link_parameter")(link, name)) }} {%- endmacro %}

{% macro default__link_parameter(link, name) -%}
    {%- set written = "replace(regexp_extract(" ~ link ~ ", '[?&]" ~ name ~ "=([^&#]*)', 1), '+', ' ')" -%}
    nullif(trim(coalesce(try(url_decode({{ written }})), {{ written }})), '')
{%- endmacro %}

-- utm_source, utm_medium or utm_campaign. Of links only those of the page itself count: a referrer is where the visit
-- before it was.
{% macro utm_value(properties, name) -%}
    coalesce(
        {{ json_word(properties, "$.utm_" ~ name) }},
        {{ json_word(properties, "$.utm." ~ name) }},
        {%- for key in ["page", "page_url", "pageUrl", "url", "link", "href", "landing_page"] %}
            {{ link_parameter(json_word(properties, "$." ~ key), "utm_" ~ name) }} {%- if not loop.last %},{% endif %}
        {%- endfor %}
    )
{%- endmacro %}

-- Name of a campaign where the vendor writes one: as a word, or as a thing with a name.
{% macro named_campaign(properties) -%} {{ return(adapter.dispatch("named_campaign")(properties)) }} {%- endmacro %}

{% macro default__named_campaign(properties) -%}
    coalesce(
        {{ json_word(properties, "$.campaign.name") }},
        case
            when json_type({{ properties }}, '$.campaign') = 'VARCHAR' then {{ json_word(properties, "$.campaign") }}
        end,
        {{ json_word(properties, "$.campaign_name") }},
        {{ json_word(properties, "$.campaignName") }}
    )
{%- endmacro %}
