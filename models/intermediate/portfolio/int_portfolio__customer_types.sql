-- grain: customer and currency with a loan or advance of the book, and type that the customer is of
-- as of: the end of the as-of date
-- decision: 0034 customer types: the flags overlap, the lowest precedence is primary

select
    flags.customer_id,
    flags.currency,
    flags.is_overdue,
    kinds.customer_type,
    kinds.precedence,
    kinds.label_zh,
    kinds.label_en,
    row_number() over (partition by flags.customer_id, flags.currency order by kinds.precedence) = 1 as is_primary
from {{ ref('int_portfolio__customer_flags') }} as flags
inner join {{ ref('customer_type') }} as kinds
    on case kinds.customer_type
        when 'new' then flags.is_new
        when 'repeat' then flags.is_repeat
        when 'large' then flags.is_large
        when 'long_tenor' then flags.is_long_tenor
        -- nobody knows whether the customer is new, and nothing else is said
        when 'undetermined' then
            flags.is_new is null and not coalesce(flags.is_large, false) and not coalesce(flags.is_long_tenor, false)
    end
