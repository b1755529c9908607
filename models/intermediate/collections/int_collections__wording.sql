-- grain: contact attempt with a message
-- as of: none; the terms in force on the as-of date
-- decision: 0053 messages are looked at here and nowhere else: what leaves is which terms were found, never the text

with versions as (
    select * from {{ source('raw', 'contact_attempts') }}
),

-- most messages are templates: each text is looked at once
texts as (
    select distinct
        message_text,
        {{ bare_chinese('message_text') }} as chinese,
        {{ bare_english('message_text') }} as english
    from versions
    where message_text is not null
),

terms as (
    select
        terms.term_id,
        terms.language,
        case
            when terms.language = 'zh' then {{ bare_chinese('terms.term') }} else {{ bare_english('terms.term') }}
        end as pattern
    from {{ ref('collection_wording') }} as terms
    where {{ is_valid_on('terms', as_of()) }}
),

found as (
    select
        texts.message_text,
        count(*) as hits,
        {{ text_list('terms.term_id', 'terms.term_id', ' ') }} as term_ids
    from texts
    cross join terms
    where case when terms.language = 'zh' then texts.chinese else texts.english end like '%' || terms.pattern || '%'
    group by texts.message_text
)

select
    versions.attempt_id,
    cast(coalesce(found.hits, 0) as integer) as hits,
    found.term_ids
from versions
left join found on found.message_text = versions.message_text  -- a miss: nothing found
where versions.message_text is not null
