-- The 16 ledgers as table macros: what the delivery dated `upto` holds that those up to `since` did not.
-- A macro's columns are the contract's, in its order. Event rows come by the day they were known; a master row comes again when something about it changed.

create macro customer_id(n) as format('C-{:06d}', n);
create macro loan_id(n) as format('L-{:06d}', n);
create macro repayment_id(n, k, tag) as format('R-{:06d}-{:03d}{}', n, k, tag);
create macro charge_id(n, k, tag) as format('F-{:06d}-{:03d}{}', n, k, tag);
create macro advance_id(n) as format('A-{:07d}', n);
create macro advance_repayment_id(n, tag) as format('AR-{:07d}-{}', n, tag);
create macro contact_point_id(n, k) as format('CP-{:06d}-{}', n, k);
create macro money_of(cents) as (cents * 0.01)::decimal(18, 2);
create macro news(day, since, upto) as coalesce(day > since and day <= upto, false);
create macro by_then(day, upto) as if(day <= upto, day, null);
create macro at_time(day, id) as day::timestamp + to_seconds(32400 + (dice('second', id) % 36000)::bigint);     -- 09:00 to 19:00, local

-- Check characters of the resident identity number (GB 11643) and of the unified social credit code (GB 32100).
create macro weighted(text, alphabet, weights) as list_sum([(position(text[i] in alphabet) - 1) * weights[i] for i in range(1, len(text) + 1)])::integer;
create macro identity_number(stem) as stem || '10X98765432'[1 + weighted(stem, '0123456789', [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11];
create macro credit_code(stem) as stem || '0123456789ABCDEFGHJKLMNPQRTUWXY'[1 + (31 - weighted(stem, '0123456789ABCDEFGHJKLMNPQRTUWXY', [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]) % 31) % 31];
create macro mobile(purpose, id) as format('{}{:08d}', choose(purpose, id, getvariable('mobile_prefixes')), dice(purpose || ' number', id) % 100000000);
create macro person(purpose, id) as choose(purpose || ' surname', id, getvariable('surnames')) || choose(purpose || ' given', id, getvariable('given_names'));
create macro firm(purpose, id, zh, industry_no) as zh || choose(purpose, id, getvariable('firm_marks')) || choose(purpose || ' 2', id, getvariable('firm_marks')) || getvariable('trades')[industry_no] || '有限公司';

create macro customers(since, upto) as table
select
    customer_id(customer_no) as customer_id,
    segment,
    if(segment = 'personal', person('name', customer_no), firm('firm', customer_no, place.zh, industry_no)) as name,
    if(segment = 'personal',
        identity_number(format('{}{}{:03d}', place.area, strftime(date '1962-01-01' + between_days('born', customer_no, 0, 14600), '%Y%m%d'), dice('sequence', customer_no) % 1000)),
        credit_code(format('91{}{:09d}', place.area, dice('organisation', customer_no) % 1000000000))) as id_number,
    mobile(if(new_phone_on <= upto, 'new phone', 'phone'), customer_no) as phone,
    place.region as region,
    getvariable('industries')[industry_no] as industry,
    if(place.region = 'Xinjiang', 'Asia/Urumqi', null) as time_zone,
    opened_on,
from customer
where opened_on <= upto and (news(opened_on, since, upto) or news(new_phone_on, since, upto))
order by customer_no;

-- The card's grace period grew from the month of the second delivery on: a second version, in force since then.
create macro products(since, upto) as table
select
    product_id, valid_from, product_name, asset_class, day_count, due_date_roll, calendar, grace_days, tolerance_amount::decimal(18, 2) as tolerance_amount, tolerance_rate,
    pause_scope, allocation, component_order, charges_age, plan_basis, bucket_scheme, bucket_on,
from (
    select null::date as valid_from, * from product where since < getvariable('first_on')
    union all by name
    select date_trunc('month', upto)::date as valid_from, * replace (5 as grace_days)
    from product where product_no = 2 and since = getvariable('first_on')
)
where product_id is not null
order by product_id, valid_from;

create macro loans(since, upto) as table
select
    loan_id(loan_no) as loan_id,
    customer_id(customer_no) as customer_id,
    product_id,
    disbursed_on,
    if(restructured <= upto, add_months(first_matures_on, shift_months), first_matures_on) as matures_on,
    money_of(principal) as principal,
    currency,
    annual_rate::decimal(9, 6) as annual_rate,
    security,
    format('B-{:02d}', 1 + dice('branch', customer_no) % 12) as branch_id,
    if(segment = 'corporate', choose('purpose', loan_no, ['working_capital', 'equipment', 'trade']),
        case product_no when 4 then 'housing' when 7 then 'farming' when 8 then 'vehicle' else choose('purpose', loan_no, ['consumption', 'renovation', 'education', 'medical']) end) as purpose,
    by_then(restructured, upto) as restructured_on,
    by_then(written_off, upto) as written_off_on,
    by_then(closed_on, upto) as closed_on,
    if(closed_on <= upto, close_reason, null) as close_reason,
    coalesce(impaired <= upto, false) as credit_impaired,
    gl_account,
from (
    select loan.*, closed_on, close_reason,
        if(closed_on <= restructured_on, null, restructured_on) as restructured,
        if(closed_on <= written_off_on, null, written_off_on) as written_off,
        if(closed_on <= impaired_on, null, impaired_on) as impaired,
    from loan
    left join ended using (loan_no)                               -- a miss is a loan not closed
)
where disbursed_on <= upto
    and (news(disbursed_on, since, upto) or news(restructured, since, upto) or news(written_off, since, upto) or news(closed_on, since, upto) or news(impaired, since, upto))
order by loan_no;

-- Plan 1 comes with its loan, plan 2 with the restructuring: the unpaid installments some months later, after those paid (a whole plan) or alone (a remaining one).
create macro installments(since, upto) as table
with listed as (
    select due.*, loan.restructured_on, loan.disbursed_on, coalesce(plan_basis, 'whole') as plan_basis
    from due
    inner join loan using (loan_no)
    where shape != 'bullet'
),

planned as (
    select loan_no, 1 as plan_no, installment_no, null::date as effective_on, due_on, due_principal, due_interest, due_fee
    from listed
    where news(disbursed_on, since, upto)
    union all
    select loan_no, 2, if(plan_basis = 'whole', installment_no, row_number() over (partition by loan_no, new_due_on is null order by installment_no)),
        restructured_on, coalesce(new_due_on, due_on), due_principal, due_interest, due_fee
    from listed
    left join ended using (loan_no)                               -- a miss is a loan not closed
    where news(restructured_on, since, upto) and restructured_on < coalesce(closed_on, upto + 1) and (plan_basis = 'whole' or new_due_on is not null)
)

select
    loan_id(loan_no) as loan_id, plan_no, installment_no, effective_on, due_on,
    money_of(due_principal) as principal_due, money_of(due_interest) as interest_due, money_of(due_fee) as fee_due,
from planned
order by loan_no, plan_no, installment_no;

create macro repayments(since, upto) as table
select
    repayment_id(loan_no, installment_no, tag) as repayment_id,
    loan_id(loan_no) as loan_id,
    paid_on,
    money_of(amount) as amount,
    kind,
    if(reverses is null, null, repayment_id(loan_no, installment_no, reverses)) as reverses_id,
    if(names_installment, installment_no, null) as installment_no,
    payer,
    at_time(known_on, loan_no * 1000 + installment_no) as posted_at,
    case when kind != 'payment' then null when payer != 'customer' then 'bank_transfer'
        else choose('channel', loan_no * 1000 + installment_no, ['direct_debit', 'direct_debit', 'direct_debit', 'app', 'bank_transfer', 'counter']) end as channel,
from money
where news(known_on, since, upto)
order by money.loan_no, money.installment_no, money.tag;           -- unqualified it would be the column above, mostly null

create macro charges(since, upto) as table
select
    charge_id(loan_no, installment_no, tag) as charge_id, loan_id(loan_no) as loan_id, due_on, money_of(amount) as amount, kind,
    if(reverses is null, null, charge_id(loan_no, installment_no, reverses)) as reverses_id,
from charge
where news(due_on, since, upto)
order by loan_no, installment_no, tag;

-- A pause is delivered open and again when it ends; one in three never does.
create macro pauses(since, upto) as table
select loan_id(loan_no) as loan_id, from_on, by_then(to_on, upto) as to_on, choose('pause reason', loan_no, ['hardship', 'hardship', 'disaster', 'dispute', 'technical']) as reason
from (
    select loan_no, coalesce(missed_on, disbursed_on) + between_days('pause', loan_no, 1, 30) as from_on, if(u('open pause', loan_no) < 0.35, null, from_on + between_days('pause length', loan_no, 5, 60)) as to_on
    from loan
    where u('pauses', loan_no) < if(missed_on is null, 0.008, 0.3)
)
where from_on <= upto and (news(from_on, since, upto) or news(to_on, since, upto))
order by loan_no;

create macro advances(since, upto) as table
select
    advance_id(advance_no) as advance_id, customer_id(customer_no) as customer_id, if(loan_no is null, null, loan_id(loan_no)) as loan_id, kind, advanced_on,
    money_of(amount) as amount, currency, security, due_on, by_then(written_off_on, upto) as written_off_on,
    '1325' || if(segment = 'personal', '02', '01') as gl_account,
from advance
where advanced_on <= upto and (news(advanced_on, since, upto) or news(written_off_on, since, upto))
order by advance_no;

create macro advance_repayments(since, upto) as table
select
    advance_repayment_id(advance_no, tag) as advance_repayment_id, advance_id(advance_no) as advance_id, paid_on, money_of(amount) as amount, kind,
    if(reverses is null, null, advance_repayment_id(advance_no, reverses)) as reverses_id, at_time(paid_on, advance_no) as posted_at,
from advance_money
where news(paid_on, since, upto)
order by advance_no, tag;

-- Valued before the loan, then every year while it runs; a third of it loses value.
create macro collateral(since, upto) as table
select
    format('K-{:06d}', loan_no) as collateral_id,
    (disbursed_on - 7 + 365 * year_no::integer) as valued_on,
    loan_id(loan_no) as loan_id,
    if(security = 'pledged', choose('pledge', loan_no, ['deposit', 'receivables', 'warehouse_receipt']),
        case product_no when 8 then 'vehicle' when 4 then 'real_estate' else choose('mortgage', loan_no, ['real_estate', 'equipment']) end) as kind,
    money_of(round(principal * (1.15 + 0.8 * u('cover', loan_no)) * pow(if(u('loses value', loan_no) < 0.33, 0.8, 0.97), year_no))::bigint) as value,
    currency,
from loan
left join ended using (loan_no), range(0, 12) as years (year_no)
where security in ('mortgaged', 'pledged', 'combined')
    and (year_no = 0 or valued_on < coalesce(closed_on, upto + 1))
    and news(if(year_no = 0, disbursed_on, valued_on), since, upto)
order by loan_no, year_no;

create macro underwriting(since, upto) as table
select
    loan_id(loan_no) as loan_id,
    disbursed_on - between_days('decided', loan_no, 1, 10) as decided_on,
    between_days('score', loan_no, 560, 820) - if(stumbled_on is null, 0, 90) as score,
    u('income', loan_no) < if(stumbled_on is null, 0.93, 0.65) as income_verified,
    u('visit', loan_no) < case when segment = 'personal' then 0.05 when stumbled_on is null then 0.9 else 0.55 end as site_visit,
    round(0.15 + 0.4 * u('burden', loan_no) + if(stumbled_on is null, 0, 0.15), 4)::decimal(9, 4) as debt_to_income,
    if(u('exception', loan_no) < if(stumbled_on is null, 0.04, 0.25), between_days('exceptions', loan_no, 1, 3), 0) as policy_exceptions,
from loan
where news(disbursed_on, since, upto) and u('underwritten', loan_no) < 0.95
order by loan_no;

-- Half-yearly, two to four months after the period; a firm that will stop paying shows it a year before. What it turns over in half a year
-- is about once to ten times what it has borrowed and had advanced in all.
create macro financials(since, upto) as table
with borrowed as (
    select customer_no, sum(amount * if(currency = 'USD', 7, 1))::double as amount
    from (
        select customer_no, currency, principal as amount from loan
        union all
        select customer_no, currency, amount from advance
    )
    group by customer_no
),

period as (
    select
        customer_no, period_end,
        greatest(opened_on, period_end + between_days('filed', customer_no * 100 + periods.n, 60, 115)) as known_on,
        coalesce(period_end >= trouble_on - 365, false) as is_failing,
        coalesce(borrowed.amount * log_uniform('turnover', customer_no, 0.9, 10), log_uniform('revenue', customer_no, 2e8, 5e10)) * (1 + 0.03 * periods.n) * (0.85 + 0.3 * u('season', customer_no * 100 + periods.n)) * if(is_failing, 0.6, 1) as revenue,
        if(is_failing, -0.12, 0.06) + 0.08 * (u('margin', customer_no * 100 + periods.n) - 0.5) as margin,
        if(is_failing, 0.7, 1.5) + 0.3 * u('liquidity', customer_no * 100 + periods.n) as current_ratio,
        if(is_failing, 0.85, 0.5) + 0.2 * u('leverage', customer_no * 100 + periods.n) as leverage,
    from customer
    left join borrowed using (customer_no), (                     -- a miss has never borrowed
        select n, last_day(add_months(date_trunc('year', getvariable('first_on'))::date, 6 * n - 55)) as period_end
        from range(0, 10 + 2 * date_diff('year', getvariable('first_on'), getvariable('last_on'))) as halves (n)
    ) as periods
    where segment = 'corporate' and period_end > opened_on - 400
)

select
    customer_id(customer_no) as customer_id, period_end,
    money_of(round(revenue)::bigint) as revenue,
    money_of(round(revenue * margin)::bigint) as net_profit,
    money_of(round(revenue * (margin + if(is_failing, -0.03, 0.02)))::bigint) as operating_cash_flow,
    money_of(round(revenue * 0.3 * current_ratio)::bigint) as current_assets,
    money_of(round(revenue * 0.3)::bigint) as current_liabilities,
    money_of(round(revenue * 0.9)::bigint) as total_assets,
    money_of(round(revenue * 0.9 * leverage)::bigint) as total_liabilities,
from period
where news(known_on, since, upto)
order by customer_no, period_end;

-- Point 1 is the first phone, point 2 the one that replaced it.
create macro contact_points(since, upto) as table
with point as (
    select customer_no, opened_on as valid_from, new_phone_on as valid_to, 1 as k, 'phone' as kind, mobile('phone', customer_no) as value, 'application' as source from customer
    union all
    select customer_no, new_phone_on, null, 2, 'phone', mobile('new phone', customer_no), 'customer_service' from customer where new_phone_on is not null
    union all
    select customer_no, opened_on, null, 3, 'address',
        format('{}{}{}号', place.zh, choose('street', customer_no, getvariable('streets')), between_days('house', customer_no, 1, 300)), 'application'
    from customer where u('address', customer_no) < 0.8
    union all
    select customer_no, opened_on, null, 4, 'employer', firm('employer', customer_no, place.zh, industry_no), 'application'
    from customer where segment = 'personal' and u('employer', customer_no) < 0.5
    union all
    select customer_no, opened_on, null, 5, 'emergency_contact', person('contact', customer_no) || ' ' || mobile('contact', customer_no), 'application'
    from customer where segment = 'personal' and u('contact', customer_no) < 0.8
    union all
    select customer_no, opened_on, null, 6, 'email', format('c{}@example.com', customer_no), 'application' from customer where u('email', customer_no) < 0.35
    union all
    select customer_no, opened_on, null, 7, 'social', format('wx_{:x}', dice('social', customer_no)), 'public_search'
    from customer where lost_on is not null and u('social', customer_no) < 0.3
)

select
    contact_point_id(customer_no, k) as contact_point_id, customer_id(customer_no) as customer_id, kind, value, source,
    kind != 'social' and u('consent', customer_no * 10 + k) < 0.97 as consented, valid_from, by_then(valid_to, upto) as valid_to,
from point
where valid_from <= upto and (news(valid_from, since, upto) or news(valid_to, since, upto))
order by customer_no, k;

-- A ladder of up to eight attempts after the first missed due date, ended by a cure; a burst of calls on one day for a few; a reminder for those a little late.
-- One in fifty is late at night, one in a hundred tells a third person, one in two hundred threatens: the conduct rules must find them.
-- Who is about to pay within three weeks mostly promises it, and seldom too early or too much; others promise now and then. So about half is kept.
create macro contact_attempts(since, upto) as table
with step as (
    select
        loan_no, customer_no, k,
        loan_no * 1000 + k as attempt_no,
        missed_on + [2, 5, 9, 16, 28, 45, 70, 105, 21, 21, 21, 21][k] + if(k <= 8, between_days('attempt', attempt_no, 0, 3), 0) as attempted_on,
        ['sms', 'phone', 'phone', 'sms', 'phone', 'letter', 'visit', 'legal', 'phone', 'phone', 'phone', 'phone'][k] as usual_channel,
        least(loan.cured_on, restructured_on, closed_on) as over_on,
    from loan
    left join ended using (loan_no), range(1, 13) as steps (k)
    where missed_on is not null and if(k <= 8, k <= between_days('attempts', loan_no, 4, 8), u('burst', loan_no) < 0.02)
    union all
    select loan_no, customer_no, 500 + installment_no, loan_no * 1000 + 500 + installment_no, due_on + 3, 'sms', null
    from due
    inner join loan using (loan_no)
    where not is_troubled and paid_on > due_on + 3 and u('reminder', due_no) < 0.6
),

coming as (
    select loan_no, k, min(paid_on) as pays_on, arg_min(paid, (paid_on, due_no)) as pays,
    from step
    inner join due using (loan_no)
    where paid_on > attempted_on and paid_on <= attempted_on + 21
    group by loan_no, k
),

made as (
    select
        step.*, behaviour, principal, installments, currency, pays_on, pays,
        pays_on is not null and u('keeps', attempt_no) < 0.85 as is_meant,
        coalesce(attempted_on >= lost_on, false) as is_lost,
        case when usual_channel = 'letter' and u('by email', attempt_no) < 0.4 then 'email' when usual_channel = 'sms' and u('by app', attempt_no) < 0.15 then 'app' else usual_channel end as channel,
        case when is_lost and k in (5, 7) then choose('third', attempt_no, ['contact', 'contact', 'employer'])
            when u('party', attempt_no) < 0.01 then 'contact' when channel = 'legal' then 'authority' else 'debtor' end as party,
        u('outcome', attempt_no) as o,
        attempted_on::timestamp
            + to_seconds(if(u('at night', attempt_no) < 0.02, 79800, 30600 + (dice('clock', attempt_no) % 39600)::bigint) + (dice('clock second', attempt_no) % 1800)::bigint) as attempted_at,
        case
            when channel in ('sms', 'app', 'email', 'letter') then if(is_lost and o < 0.5, 'invalid', 'left_message')
            when channel = 'legal' then 'reached'
            when is_lost and party = 'debtor' then if(o < 0.7, 'invalid', 'no_answer')
            when pays_on is not null then case when o < 0.2 then 'no_answer' when o < 0.85 then 'promised' else 'reached' end
            when behaviour in ('stops', 'never_pays') then case when o < 0.45 then 'no_answer' when o < 0.75 then 'refused' when o < 0.79 then 'promised' else 'reached' end
            else case when o < 0.3 then 'no_answer' when o < 0.4 then 'promised' else 'reached' end
        end as answer,
        if(answer = 'promised' and party != 'debtor', 'reached', answer) as outcome,
    from step
    inner join loan using (loan_no, customer_no)
    inner join (select customer_no, lost_on from customer) as lost using (customer_no)
    left join coming using (loan_no, k)                           -- a miss: nothing is paid soon
    where over_on is null or attempted_on < over_on
)

select
    format('CA-{:06d}-{:03d}', loan_no, k) as attempt_id,
    customer_id(customer_no) as customer_id,
    loan_id(loan_no) as loan_id,
    attempted_at,
    if(channel in ('phone', 'visit') and outcome not in ('invalid', 'no_answer'), attempted_at + to_seconds(40 + (dice('length', attempt_no) % 500)::bigint), null) as ended_at,
    if(channel = 'phone' and outcome = 'reached' and party = 'debtor' and u('calls in', attempt_no) < 0.1, 'customer', 'lender') as initiated_by,
    channel,
    party,
    if(k between 5 and 7 and u('agency', loan_no) < 0.4, choose('which agency', loan_no, ['AG-01', 'AG-02', 'AG-03']), null) as agency_id,
    if(channel in ('phone', 'sms') and party = 'debtor', contact_point_id(customer_no, 1), null) as contact_point_id,
    outcome,
    outcome in ('reached', 'refused') and u('asked to stop', attempt_no) < 0.03 as stop_requested,
    party in ('contact', 'employer') and u('tells', attempt_no) < 0.3 as debt_disclosed,
    if(channel in ('phone', 'visit'), u('recorded', attempt_no) < 0.985, null) as recorded,
    if(outcome = 'promised', if(is_meant, pays_on + between_days('promise kept', attempt_no, 0, 3), attempted_at::date + between_days('promise', attempt_no, 2, 14)), null) as promised_on,
    if(outcome = 'promised', money_of(if(is_meant, greatest(100, pays // 100 * if(u('too much', attempt_no) < 0.2, 200, 100)), principal // installments // 100 * 100)), null) as promised_amount,
    case when channel in ('sms', 'app') then
        if(u('threat', attempt_no) < 0.01, getvariable('forbidden_text'), choose('text', attempt_no, if(k = 1 or k > 500, getvariable('friendly_texts'), getvariable('firm_texts'))))
    end as message_text,
from made
where news(attempted_on, since, upto)
order by loan_no, k;

-- A best effort of the general ledger at `upto`, as known then: principal unpaid on the loans of the book. Money lies on the oldest installment first, interest and
-- fees before principal; charges take what is left (under fees_first what was charged before the last money), waivers go to charges. It is exact for all
-- products but those that allocate by installment, whose money needs a replay: their account has no balance.
create macro gl_balances(since, upto) as table
with book as (
    select loan_no, gl_account, currency, restructured_on, plan_basis, allocation
    from loan
    left join ended using (loan_no)                               -- a miss is a loan not closed
    where disbursed_on <= upto and coalesce(closed_on, upto + 1) > upto and coalesce(written_off_on, upto + 1) > upto
),

received as (
    select
        loan_no,
        sum(case when kind in ('payment', 'waiver') then amount when kind = 'reversal' then -amount else 0 end) as money,
        sum(if(kind = 'waiver' and not names_installment, amount, 0)) as waived,
        max(paid_on) as last_paid_on,
    from money
    inner join book using (loan_no)
    where known_on <= upto and coalesce(plan_basis != 'remaining' or restructured_on > upto or paid_on >= restructured_on, true)
    group by loan_no
),

charged as (
    select
        charge.loan_no,
        sum(if(charge.kind = 'reversal', -charge.amount, charge.amount)) as charges,
        sum(if(charge.kind = 'reversal', -charge.amount, charge.amount)) filter (coalesce(reversed.due_on, charge.due_on) <= last_paid_on)
            as charges_reached,                                   -- what a reversal frees after the last money lies on installments
    from charge
    inner join received on charge.loan_no = received.loan_no
    left join charge as reversed on charge.loan_no = reversed.loan_no and charge.installment_no = reversed.installment_no and charge.reverses = reversed.tag
    where charge.due_on <= upto
    group by charge.loan_no
),

rung as (
    select loan_no, if(restructured_on <= upto, coalesce(new_due_on, due_on), due_on) as due_on, due_principal as principal, due_interest + due_fee as rest,
    from due
    inner join book using (loan_no)
    where not coalesce(plan_basis = 'remaining' and restructured_on <= upto and new_due_on is null, false)
    union all
    select loan_no, paid_on, amount, 0
    from money
    inner join book using (loan_no)
    where kind = 'chargeback' and known_on <= upto
),

ladder as (
    select
        loan_no, principal,
        sum(principal + rest) over (partition by loan_no order by due_on, rest desc rows unbounded preceding) as owed_to,
        sum(if(due_on <= upto, principal + rest, 0)) over (partition by loan_no) as due_by_now,
    from rung
),

settled as (
    select
        loan_no, money, coalesce(charges, 0) as charges, coalesce(charges_reached, 0) as charges_reached,
        least(waived, coalesce(charges, 0)) as forgiven,
    from received
    left join charged using (loan_no)                             -- a miss is a loan never charged
),

laid as (
    select
        gl_account, currency, allocation, principal, owed_to,
        case
            when money is null then 0
            when allocation = 'fees_first' then greatest(0, money - charges_reached)
            else least(money - forgiven, due_by_now) + greatest(0, money - due_by_now - charges)
        end as paid_to,
    from ladder
    inner join book using (loan_no)
    left join settled using (loan_no)                             -- a miss is a loan that nobody has paid on
)

select upto as as_of, gl_account, currency, money_of(sum(least(principal, greatest(0, owed_to - paid_to)))::bigint) as balance
from laid
where allocation is distinct from 'by_installment'
group by gl_account, currency
order by gl_account, currency;

create macro fx_rates(since, upto) as table
select day as as_of, 'USD' as currency, round(7.1 + 0.12 * sin(epoch(day) / 86400 / 97) + 0.02 * u('fx', day), 4)::decimal(18, 4) as rate
from lending_day
where news(day, since, upto)
order by day;
