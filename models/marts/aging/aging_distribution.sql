-- grain: asked date, scheme, bucket, segment, security, product and currency that holds a loan of the book
-- as of: the end of each date asked for
-- decision: 0009 every scheme counts the raw days by its own rule

with book as (
    select
        loan_aging.*,
        coalesce(loan_aging.security, 'not_stated') as security_shown,
        days.days_excluding_due_date,
        days.days_including_due_date
    from {{ ref('loan_aging') }} as loan_aging
    inner join {{ ref('int_aging__loans_at') }} as days
        on days.loan_id = loan_aging.loan_id and days.as_of = loan_aging.as_of
    where not loan_aging.is_written_off
),

buckets as (
    select * from {{ ref('int_aging__buckets') }}
)

select
    book.as_of,
    buckets.scheme,
    coalesce(schemes.label_zh, buckets.scheme) as scheme_zh,
    coalesce(schemes.label_en, buckets.scheme) as scheme_en,
    buckets.bucket,
    buckets.bucket_order,
    buckets.label_zh,
    buckets.label_en,
    book.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    book.security,
    securities.code_order as security_order,
    securities.label_zh as security_zh,
    securities.label_en as security_en,
    book.product_id,
    book.currency,
    cast(count(*) as bigint) as loans,
    cast(count(distinct book.customer_id) as bigint) as customers,
    cast(sum(book.outstanding_principal) as decimal(18, 2)) as outstanding_principal,
    cast(sum(book.overdue_amount) as decimal(18, 2)) as overdue_amount,
    cast(sum(book.overdue_balance) as decimal(18, 2)) as overdue_balance,
    book.policy_version
from book
inner join buckets
    on buckets.as_of = book.as_of and {{ in_bucket(
        "case buckets.day_count when 'include_due_date' then book.days_including_due_date else book.days_excluding_due_date end",
        'buckets'
    ) }}
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = book.segment
inner join {{ ref('label') }} as securities on securities.code_set = 'security' and securities.code = book.security_shown
left join {{ ref('label') }} as schemes on schemes.code_set = 'scheme' and schemes.code = buckets.scheme  -- a miss: a lender's own, its own label
group by
    book.as_of,
    buckets.scheme,
    schemes.label_zh,
    schemes.label_en,
    buckets.bucket,
    buckets.bucket_order,
    buckets.label_zh,
    buckets.label_en,
    book.segment,
    segments.code_order,
    segments.label_zh,
    segments.label_en,
    book.security,
    securities.code_order,
    securities.label_zh,
    securities.label_en,
    book.product_id,
    book.currency,
    book.policy_version
