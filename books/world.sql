-- What truly happened between a lender and its customers. Ledgers are cut from these tables, delivery by delivery.
--
-- Nothing is random: u() maps (seed, purpose, entity) to [0, 1), so an entity's fate depends on neither threads nor row order.
-- Money is whole cents in BIGINT. `known_on` is the day the lender learned of a row; it decides the delivery, and nothing else does.
-- Variables: seed, loans, first_on (first delivery), last_on (last delivery).

create macro dice(purpose, id) as hash(id, purpose, getvariable('seed'));
create macro u(purpose, id) as (dice(purpose, id) >> 11) / 9007199254740992.0;
create macro between_days(purpose, id, low, high) as low + (dice(purpose, id) % (high - low + 1))::integer;
create macro choose(purpose, id, options) as options[1 + (dice(purpose, id) % len(options))::integer];
create macro log_uniform(purpose, id, low, high) as low * pow(high / low, u(purpose, id));
create macro add_months(day, months) as (day + to_months(months::integer))::date;

-- The lending days of four years before the first delivery up to the last: the book grows, rests at weekends,
-- and lends most before the Spring Festival. `mark` is where a day begins on the axis of all lending.
create table lending_day as
with weighted as (
    select
        day::date as day,
        (100 + 2 * date_diff('month', getvariable('first_on') - 1461, day::date))
            * [16, 6, 10, 10, 10, 11, 9, 9, 10, 9, 12, 14][month(day)] * if(isodow(day) >= 6, 5, 10) as weight,
    from generate_series(getvariable('first_on') - 1461, getvariable('last_on'), interval 1 day) as days (day)
)
select day, weight, sum(weight) over (order by day) - weight as mark, (select sum(weight) from weighted) as total
from weighted;

-- One row per product: its conventions as delivered, then how its loans look. Nos. 9 and 10 are loans from before products existed: product_id is null.
create table product as
select *, lag(share_to, 1, 0) over (partition by segment order by product_no) as share_from
from (values
    (1, 'P-01', '消费分期', 'loan', null, null, null, 0, 0, 0, null, null, null, false, null, null, null,
        'personal', 0.40, 'annuity', 1, [3, 6, 6, 12, 12, 18, 24, 36], 2e5, 2e7, 0.072, 0.24, ['unsecured'], '130301', 0.0, 0.0),
    (2, 'P-02', '信用卡分期', 'card', 'exclude_due_date', 'none', 'CN', 3, 10, 0, 'overlap', 'fees_first', 'fee,interest,principal', true, 'whole', 'CN_M_STAGE', 'days_past_due',
        'personal', 0.63, 'equal', 1, [3, 6, 12, 12, 24], 1e5, 5e6, 0.0, 0.0, ['unsecured'], '130302', 0.006, 0.0),
    (3, 'P-03', '小微经营贷', 'small_business', 'exclude_due_date', 'following', 'CN', 0, 0, 0.001, 'overlap', 'by_installment', 'fee,interest,principal', false, 'whole', 'CN_M_STAGE', 'days_past_due',
        'corporate', 0.50, 'equal', 1, [6, 12, 12, 24], 5e6, 3e8, 0.04, 0.12, ['guaranteed', 'unsecured', 'combined'], '130303', 0.0, 0.0),
    (4, 'P-04', '个人住房贷款', 'loan', 'exclude_due_date', 'following_holiday', 'CN', 0, 0, 0, 'overlap', 'oldest_installment_first', 'interest,fee,principal', false, 'whole', 'CN_M_STAGE', 'days_past_due',
        'personal', 0.65, 'annuity', 1, [120, 240, 360], 3e7, 5e8, 0.031, 0.049, ['mortgaged'], '130304', 0.0, 0.0),
    (5, 'P-05', '流动资金贷款', 'loan', 'exclude_due_date', 'following', 'CN', 0, 100, 0, 'overlap', 'oldest_installment_first', 'fee,interest,principal', false, 'whole', 'CN_M_STAGE', 'days_past_due',
        'corporate', 0.76, 'interest_only', 3, [6, 12, 12, 24], 5e7, 5e9, 0.035, 0.07, ['guaranteed', 'mortgaged', 'combined'], '130305', 0.0, 0.05),
    (6, 'P-06', '贸易融资', 'loan', 'include_due_date', 'following', 'CN', 0, 0, 0, 'overlap', 'oldest_installment_first', 'fee,interest,principal', false, 'whole', 'CN_M_STAGE', 'business_days_past_due',
        'corporate', 0.95, 'bullet', 1, [3, 6, 9, 12], 2e7, 2e9, 0.03, 0.06, ['pledged', 'guaranteed'], '130306', 0.0, 0.5),
    (7, 'P-07', '助农贷', 'loan', 'exclude_due_date', 'none', 'CN', 5, 0, 0.002, 'all_pause_days', 'oldest_installment_first', 'fee,interest,principal', false, 'whole', 'CN_M_STAGE', 'delinquent_days',
        'personal', 0.75, 'interest_only', 6, [12, 12, 24], 1e6, 3e7, 0.035, 0.08, ['guaranteed', 'unsecured'], '130307', 0.0, 0.0),
    (8, 'P-08', '汽车贷款', 'loan', 'exclude_due_date', 'none', 'CN', 0, 1, 0, 'overlap', 'oldest_installment_first', 'fee,interest,principal', false, 'remaining', 'CN_M_STAGE', 'days_past_due',
        'personal', 0.93, 'annuity', 1, [12, 24, 36], 3e6, 4e7, 0.045, 0.11, ['mortgaged'], '130308', 0.0, 0.0),
    (9, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
        'personal', 1.00, 'annuity', 1, [6, 12, 24], 5e5, 1e7, 0.08, 0.18, ['unsecured', 'guaranteed'], '130399', 0.0, 0.0),
    (10, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
        'corporate', 1.00, 'bullet', 1, [6, 12], 2e7, 5e8, 0.04, 0.07, ['guaranteed', 'combined'], '130399', 0.0, 0.0)
) as products (
    product_no, product_id, product_name, asset_class, day_count, due_date_roll, calendar, grace_days, tolerance_amount, tolerance_rate, pause_scope,
    allocation, component_order, charges_age, plan_basis, bucket_scheme, bucket_on,
    segment, share_to, shape, step_months, tenors, principal_low, principal_high, rate_low, rate_high, securities, gl_account, fee_rate, usd_share
);

-- Six in ten loans are a customer's first; the others go to somebody who has borrowed before or will again.
create table drawdown as
with drawn as (
    select
        i,
        if(i <= ceil(0.6 * getvariable('loans')), i, 1 + floor(0.6 * getvariable('loans') * pow(u('borrower', i), 1.4)))::bigint as customer_no,
        u('lending day', i) * (select max(total) from lending_day) as mark,
    from range(1, getvariable('loans') + 1) as loans (i)
)
select
    row_number() over (order by day, i) as loan_no,
    customer_no,
    if(u('segment', customer_no) < 0.16, 'corporate', 'personal') as segment,
    day as disbursed_on,
from drawn
asof join lending_day on drawn.mark >= lending_day.mark;

-- How a customer pays, until `trouble_on` if trouble comes at all. It comes after the last loan was made: nobody lends to one who has stopped paying.
create table customer as
with borrower as (
    select customer_no, min(disbursed_on) as first_lent_on, max(disbursed_on) as last_lent_on
    from drawdown
    group by customer_no
),

described as (
    select
        customer_no,
        if(u('segment', customer_no) < 0.16, 'corporate', 'personal') as segment,
        coalesce(first_lent_on, getvariable('first_on') - between_days('prospect', customer_no, 0, 900)) as known_from,
        last_lent_on,
        u('behaviour', customer_no) as b,
        choose('region', customer_no, getvariable('regions')) as place,
        between_days('industry', customer_no, 1, 10) as industry_no,
    from range(1, ceil(0.62 * getvariable('loans'))::bigint + 1) as customers (customer_no)
    left join borrower using (customer_no)                      -- a miss is a prospect who has not borrowed
),

behaving as (
    select
        *,
        known_from - if(u('known before', customer_no) < 0.6, 0, between_days('opened', customer_no, 1, 400)) as opened_on,
        case
            when b < 0.14 then 'early'
            when b < 0.68 then 'on_time'
            when b < 0.79 then 'few_days_late'
            when b < 0.81 then 'slow'
            when b < 0.89 then 'cures'
            when b < 0.915 then 'restructured'
            when b < 0.93 then 'partial'
            when b < 0.988 then 'stops'
            else 'never_pays'
        end as behaviour,
    from described
)

select
    * exclude (b, known_from),
    case
        when behaviour = 'never_pays' then last_lent_on
        when behaviour = 'restructured' and u('recently', customer_no) < 0.6
            then greatest(last_lent_on + 20, getvariable('last_on') - between_days('recent trouble', customer_no, 60, 250))     -- so that each book has some
        when behaviour in ('cures', 'restructured', 'partial', 'stops') then last_lent_on + between_days('trouble', customer_no, 20, 450)
    end as trouble_on,
    trouble_on + between_days('cure', customer_no, 35, 190) as cured_on,
    if(behaviour in ('stops', 'never_pays') and u('lost', customer_no) < 0.3, trouble_on + between_days('lost on', customer_no, 5, 60), null) as lost_on,
    if(trouble_on is null and u('new phone', customer_no) < 0.2, opened_on + between_days('new phone on', customer_no, 60, 1400), null) as new_phone_on,
from behaving;

-- Everything agreed at drawdown, and what becomes of the loan apart from its repayments.
create table loan as
with agreed as (
    select
        drawdown.*,
        product.* exclude (segment, share_from, share_to),
        customer.behaviour,
        customer.cured_on,
        choose('tenor', loan_no, tenors) as tenor,
        if(shape = 'bullet', tenor, step_months) as step,
        (tenor / step)::integer as installments,
        add_months(disbursed_on, tenor) as first_matures_on,
        round(log_uniform('principal', loan_no, principal_low, principal_high), -4)::bigint as principal,
        round(rate_low + (rate_high - rate_low) * u('rate', loan_no), 4) as annual_rate,
        annual_rate * step / 12 as period_rate,
        if(shape = 'annuity', round(principal * period_rate / (1 - pow(1 + period_rate, -installments))), 0)::bigint as annuity,
        round(principal * fee_rate)::bigint as period_fee,
        if(u('currency', loan_no) < usd_share, 'USD', 'CNY') as currency,
        choose('security', loan_no, securities) as security,
        if(trouble_on <= first_matures_on, trouble_on, null) as stumbled_on,
        if(shape = 'bullet', first_matures_on, least(first_matures_on, add_months(stumbled_on, step))) as may_miss_on,
    from drawdown
    inner join customer using (customer_no)
    inner join product
        on drawdown.segment = product.segment
        and u('product', loan_no) >= share_from
        and u('product', loan_no) < share_to
)

select
    * exclude (tenor, tenors, securities, may_miss_on, principal_low, principal_high, rate_low, rate_high, fee_rate, usd_share, step_months),
    if(stumbled_on is null, null, may_miss_on) as missed_on,          -- at the latest here the first due date passes unpaid
    if(behaviour = 'restructured', missed_on + between_days('restructured', loan_no, 30, 90), null) as restructured_on,
    date_diff('month', stumbled_on, restructured_on) + 1 as shift_months,
    if(behaviour in ('early', 'on_time') and shape != 'bullet' and u('prepays', loan_no) < 0.12,
        disbursed_on + between_days('prepaid on', loan_no, 30, 700), null) as prepaid_on,
    if(behaviour in ('stops', 'never_pays'), missed_on + 91, null) as impaired_on,
    if(behaviour in ('stops', 'never_pays', 'partial') and u('writes off', loan_no) < 0.92, missed_on + between_days('written off', loan_no, 185, 380), null) as written_off_on,
    case
        when u('cancelled', loan_no) < 0.002 then 'cancelled'
        when behaviour = 'stops' and u('leaves', loan_no) < 0.06 then 'sold'
        when behaviour in ('partial', 'slow') and u('leaves', loan_no) < 0.25 then 'refinanced'
    end as left_as,
    case left_as
        when 'cancelled' then disbursed_on + 3
        when 'sold' then missed_on + between_days('sold', loan_no, 120, 184)
        when 'refinanced' then coalesce(missed_on, disbursed_on) + between_days('refinanced', loan_no, 100, 190)
    end as left_on,
from agreed;

-- What is owed on a plan of n periods after k of them, in cents; differences of it are the principal of each installment, so they add up exactly.
create macro balance_after(k, n, shape, principal, rate, annuity) as
    case
        when k = n then 0
        when shape = 'annuity' then round(principal * pow(1 + rate, k) - annuity * (pow(1 + rate, k) - 1) / rate)
        when shape = 'equal' then round(principal * (n - k) / n)
        else principal
    end::bigint;

-- One row per installment as first agreed, its date in a new plan, when it is paid and how much of it, and its penalty.
-- A loan without installments has one row that no plan lists.
create table due as
with scheduled as (
    select
        loan_no,
        unnest(range(1, installments + 1)) as k,
        loan.* exclude (loan_no),
    from loan
),

agreed as (
    select
        loan_no,
        k::integer as installment_no,
        loan_no * 1000 + k as due_no,
        add_months(disbursed_on, k * step) as due_on,
        balance_after(k - 1, installments, shape, principal, period_rate, annuity) as owed_before,
        owed_before - balance_after(k, installments, shape, principal, period_rate, annuity) as due_principal,
        case
            when shape = 'bullet' then 0
            when shape = 'annuity' and k < installments then greatest(0, annuity - due_principal)
            else round(owed_before * period_rate)
        end::bigint as due_interest,
        period_fee as due_fee,
        due_principal + due_interest + due_fee as amount,
        behaviour, stumbled_on, cured_on, missed_on, restructured_on, left_on, product_no,
        coalesce(due_on >= stumbled_on, false) as is_troubled,
        if(is_troubled, add_months(due_on, shift_months), null) as new_due_on,
        coalesce(due_on > prepaid_on + 5, false) as is_prepaid,
    from scheduled
),

intended as (
    select
        *,
        case
            when is_prepaid then null
            when is_troubled and behaviour = 'cures' then greatest(due_on, cured_on)
            when is_troubled and behaviour = 'restructured'
                then if(u('relapse', loan_no) < 0.3 and new_due_on > restructured_on + 100, null, new_due_on)
            when is_troubled and behaviour = 'partial' then due_on + between_days('partly', due_no, 0, 9)
            when is_troubled then if(u('recovered', due_no) < 0.16, due_on + between_days('recovered on', due_no, 45, 200), null)
            when behaviour = 'early' then due_on - between_days('early', due_no, 0, 4)
            when behaviour = 'few_days_late' then due_on + if(u('late', due_no) < 0.3, between_days('days late', due_no, 1, 6), 0)
            when behaviour = 'slow' then due_on + between_days('slow', due_no, 3, 40)
            else due_on
        end as would_pay_on,
        if(would_pay_on > left_on, null, would_pay_on) as paid_on,
        if(is_troubled and behaviour = 'partial', 0.3 + 0.5 * u('part', loan_no), 1) as part_paid,
    from agreed
)

select
    loan_no, installment_no, due_no, due_on, new_due_on, due_principal, due_interest, due_fee, amount, is_prepaid, is_troubled, paid_on, behaviour, product_no,
    greatest(1, round(amount * part_paid))::bigint as paid,
    due_on + 6 as penalty_on,
    case
        when is_prepaid or behaviour = 'restructured' or paid_on <= due_on + 5 or penalty_on > least(left_on, missed_on + 180) then 0
        else greatest(500, round(amount * 0.01))
    end::bigint as penalty,
    case when u('forgiven', due_no) < 0.05 then penalty when u('forgiven', due_no) < 0.08 then penalty // 2 else 0 end::bigint as penalty_reversed,
    penalty > 0 and behaviour != 'partial' and u('penalty waived', due_no) < 0.2 as is_penalty_waived,
    if(paid_on is null, null, (dice('mishap', due_no) % 10000)::integer) as mishap,     -- what may go wrong with this payment
from intended;

-- All money events of loans. `tag` makes the id unique within its installment; 0 is the installment number of what belongs to no single one.
create table money as
with paid as (
    select
        due.*,
        penalty - penalty_reversed as net_penalty,
        case when mishap < 60 then 'reversed' when mishap < 80 then 'overstated' when mishap < 95 and product_no = 2 then 'charged_back'
            when mishap between 100 and 130 and due_interest > 0 and not is_troubled then 'interest_waived' else 'none' end as trouble,
        paid_on + between_days('undone', due_no, 1, 40) as undone_on,
        undone_on + between_days('made good', due_no, 2, 9) as again_on,
        paid + if(behaviour = 'partial' or is_penalty_waived, 0, net_penalty) as received,
    from due
    where paid_on <= getvariable('last_on')
),

prepaid as (
    select loan_no, any_value(prepaid_on) as prepaid_on, sum(due_principal)::bigint as principal, sum(due_interest + due_fee)::bigint as waived
    from due
    inner join loan using (loan_no)
    where is_prepaid and prepaid_on <= getvariable('last_on') and prepaid_on <= coalesce(left_on, prepaid_on)
    group by loan_no
),

event as (
    select loan_no, installment_no, '' as tag, paid_on, 'payment' as kind, null as reverses, is_troubled,
        received
            + case trouble when 'overstated' then greatest(1, received // 10) when 'interest_waived' then -due_interest else 0 end
            + if(trouble = 'none' and mishap between 140 and 145, 1000 * between_days('extra', due_no, 1, 9), 0) as amount,     -- a little too much now and then
        trouble in ('none', 'interest_waived') and mishap between 100 and 220 as is_late_to_arrive,
    from paid
    union all
    select loan_no, installment_no, 'V', undone_on, 'reversal', '', false, if(trouble = 'reversed', received, greatest(1, received // 10)), false
    from paid where trouble in ('reversed', 'overstated')
    union all
    select loan_no, installment_no, 'A', again_on, 'payment', null, false, received, false
    from paid where trouble = 'reversed' or (trouble = 'charged_back' and u('paid again', due_no) < 0.7)
    union all
    select loan_no, installment_no, 'B', undone_on, 'chargeback', null, false, received, false
    from paid where trouble = 'charged_back'
    union all
    select loan_no, installment_no, 'I', paid_on, 'waiver', null, false, due_interest, false
    from paid where trouble = 'interest_waived'
    union all
    select loan_no, installment_no, 'W', paid_on, 'waiver', null, false, net_penalty, false
    from paid where is_penalty_waived
    union all
    select loan_no, 0, 'P', prepaid_on, 'payment', null, false, principal, false from prepaid
    union all
    select loan_no, 0, 'PW', prepaid_on, 'waiver', null, false, waived, false from prepaid
    union all
    select loan_no, 0, 'F', disbursed_on + 20, 'payment', null, false, 8800, false
    from loan where product_no = 2 and u('card fee', loan_no) < 0.2 and left_as is distinct from 'cancelled'
)

select
    event.* exclude (is_troubled, is_late_to_arrive),
    event.paid_on + if(is_late_to_arrive, 3 + (dice('arrives', loan_no * 1000 + installment_no) % 38)::integer, 0) as known_on,
    case
        when kind != 'payment' or not is_troubled or behaviour not in ('stops', 'never_pays') then 'customer'
        when security in ('guaranteed', 'combined') and u('guarantor', loan_no) < 0.6 then 'guarantor'
        when u('insurer', loan_no) < 0.3 then 'insurer'
        when u('insurer', loan_no) < 0.33 then 'other'
        else 'customer'
    end as payer,
    (product_no = 3 and tag in ('', 'A') and u('unnamed', loan_no) >= 0.05) or tag = 'I' as names_installment,
from event
inner join loan using (loan_no)
where amount > 0 and known_on <= getvariable('last_on') and event.paid_on <= coalesce(left_on, event.paid_on);

create table charge as
select loan_no, installment_no, '' as tag, penalty_on as due_on, penalty as amount, 'penalty' as kind, null as reverses
from due where penalty > 0 and penalty_on <= getvariable('last_on')
union all
select loan_no, installment_no, 'V', penalty_on + between_days('forgiven on', due_no, 0, 20), penalty_reversed, 'reversal', ''
from due where penalty_reversed > 0 and penalty_on + between_days('forgiven on', due_no, 0, 20) <= getvariable('last_on')
union all
select loan_no, 0, 'F', disbursed_on + 20, 8800, 'fee', null
from loan
where product_no = 2 and u('card fee', loan_no) < 0.2 and left_as is distinct from 'cancelled' and disbursed_on + 20 <= getvariable('last_on');

-- A loan is closed as repaid a day or two after the last thing that happened to it, once it has received all it was owed.
create table ended as
with flow as (
    select loan_no, sum(if(kind in ('reversal', 'chargeback'), -amount, amount)) as received, max(known_on) as last_on from money group by loan_no
    union all
    select loan_no, sum(if(kind = 'reversal', amount, -amount)), max(due_on) from charge group by loan_no
    union all
    select loan_no, -sum(amount), null from due group by loan_no
),

settled as (
    select loan_no, max(last_on) + between_days('closes', loan_no, 0, 2) as closed_on
    from flow
    group by loan_no
    having sum(received) >= 0
)

select
    loan_no,
    least(settled.closed_on, left_on) as closed_on,
    if(settled.closed_on <= left_on or left_on is null, 'repaid', left_as) as close_reason,
from loan
left join settled using (loan_no)                                 -- a miss is a loan still owing
where least(settled.closed_on, left_on) <= getvariable('last_on');

create table advance as
with candidate as (
    select customer.*, copy, customer_no * 10 + copy as advance_no
    from customer, range(1, 3) as copies (copy)
    where u('advance', advance_no) < if(segment = 'corporate', [0.35, 0.12], [0.01, 0])[copy]
),

made as (
    select
        advance_no, customer_no, segment, behaviour, trouble_on,
        opened_on + floor(u('advanced on', advance_no) * (getvariable('last_on') - opened_on))::integer as advanced_on,
        if(segment = 'personal', 'card', choose('advance kind', advance_no, ['acceptance', 'acceptance', 'letter_of_credit', 'guarantee', 'other'])) as kind,
        if(kind = 'letter_of_credit' and u('lc usd', advance_no) < 0.5, 'USD', 'CNY') as currency,
        if(segment = 'personal', 'unsecured', choose('advance security', advance_no, ['unsecured', 'guaranteed', 'mortgaged', 'pledged'])) as security,
        round(log_uniform('advance amount', advance_no, if(segment = 'personal', 5e4, 5e6), if(segment = 'personal', 5e6, 5e8)), -4)::bigint as amount,
        if(u('agreed', advance_no) < 0.6, advanced_on + between_days('agreed on', advance_no, 15, 120), null) as due_on,
        u('advance fails', advance_no) < 0.1 or coalesce(behaviour != 'cures' and advanced_on >= trouble_on - 120, false) as is_bad,
        if(is_bad and u('advance lost', advance_no) < 0.7, advanced_on + between_days('advance written off', advance_no, 400, 700), null) as written_off_on,
        case
            when u('advance share', advance_no) < if(is_bad, 0.6, 0) then 0
            when is_bad then 0.2 + 0.3 * u('advance part', advance_no)
            else 1
        end as part_repaid,
        advanced_on + if(u('held long', advance_no) < 0.12, between_days('long', advance_no, 91, 400), between_days('short', advance_no, 3, 75)) as repaid_on,
    from candidate
)

select made.*, linked.loan_no
from made
left join (select customer_no, min(loan_no) as loan_no, min(disbursed_on) as disbursed_on from drawdown group by customer_no) as linked
    on made.customer_no = linked.customer_no and linked.disbursed_on <= made.advanced_on and u('linked', advance_no) < 0.4;   -- a miss is an advance apart from any loan

create table advance_money as
with share as (
    select *, round(amount * part_repaid)::bigint as total, if(u('in two', advance_no) < 0.4, total * 6 // 10, total) as first_part,
        repaid_on + between_days('second part', advance_no, 5, 60) as second_on, u('advance undone', advance_no) < 0.06 as is_undone
    from advance
)

select advance_no, '1' as tag, repaid_on as paid_on, first_part as amount, 'payment' as kind, null as reverses from share where first_part > 0
union all
select advance_no, '1V', repaid_on + 4, first_part, 'reversal', '1' from share where first_part > 0 and is_undone
union all
select advance_no, '1A', repaid_on + 11, first_part, 'payment', null from share where first_part > 0 and is_undone
union all
select advance_no, '2', second_on, total - first_part, 'payment', null from share where total > first_part;
