-- Arrears of loans, recomputed for one date straight from the ledgers, under every convention but one: loans paid `by_installment`,
-- where money names installments or something came to be owed on the way, depend on the order of events; the sample that is
-- re-performed in Python (reperform.py) prefers them. Written apart from the models: where those lay sums on an axis, kept from
-- night to night, this is one queue per loan, poured once.

-- The conventions in force on the day, by the product that the loan had on it.
create temp table terms as
with asked as (select as_of, as_of + attribute_lag_days::integer as known_by from work.raw.run),

of_loan as (
    select
        versions.loan_id,
        coalesce(
            arg_max(coalesce(versions.product_id, ''), versions._delivery_no) filter (versions._delivery[1:10]::date <= asked.known_by),
            arg_min(coalesce(versions.product_id, ''), versions._delivery_no)
        ) as product_id
    from work.raw.loans as versions
    cross join asked
    group by versions.loan_id
),

in_force as (
    select * from product qualify row_number() over (partition by product_id order by valid_from desc) = 1
)

select
    loan.loan_id,
    loan.principal,
    coalesce(in_force.day_count, defaults.day_count) = 'include_due_date' as counts_due_date,
    coalesce(in_force.due_date_roll, defaults.due_date_roll) as due_date_roll,
    coalesce(in_force.calendar, defaults.calendar) as calendar,
    coalesce(in_force.allocation, defaults.allocation) as allocation,
    string_split(coalesce(in_force.component_order, defaults.component_order), ',') as component_order,
    coalesce(in_force.charges_age, defaults.charges_age) as charges_age,
    coalesce(in_force.plan_basis, defaults.plan_basis) = 'remaining' as lists_what_remains,
    coalesce(in_force.plan_includes_day, defaults.plan_includes_day) as plan_includes_day
from loan
inner join of_loan using (loan_id)
cross join work.policy.convention_default as defaults
left join in_force on in_force.product_id = of_loan.product_id
where
    loan.disbursed_on <= (select as_of from clock)
    and (loan.closed_on is null or loan.closed_on > (select as_of from clock))
    and not (
        coalesce(in_force.allocation, defaults.allocation) = 'by_installment'
        and (
            loan.loan_id in (select loan_id from repayment where installment_no is not null or kind <> 'payment')
            or loan.loan_id in (select loan_id from work.raw.charges)
        )
    );

-- The plan in force: the highest number whose day has come.
create temp table plan as
with plans as (
    select installment.loan_id, installment.plan_no, coalesce(min(installment.effective_on), any_value(loan.disbursed_on)) as effective_on
    from installment
    inner join loan using (loan_id)
    group by installment.loan_id, installment.plan_no
)

select
    plans.loan_id,
    plans.plan_no,
    plans.effective_on,
    terms.lists_what_remains and plans.plan_no > 1 as is_remaining,
    case when is_remaining then plans.effective_on else date '0001-01-01' end as counts_from,
    case
        when is_remaining then plans.effective_on + (case when terms.plan_includes_day then 1 else 0 end) else date '0001-01-01'
    end as money_counts_from
from plans
inner join terms using (loan_id)
where plans.effective_on <= (select as_of from clock)
qualify row_number() over (partition by plans.loan_id order by plans.plan_no desc) = 1;

-- What is owed by the maturity: the last one delivered by the day, or before disbursement; else the first one said.
create temp table maturity as
with said as (
    select
        versions.loan_id, versions.matures_on, versions._delivery_no,
        versions._delivery[1:10]::date <= greatest((select as_of from clock), loan.disbursed_on) as is_said_by_then
    from work.raw.loans as versions
    inner join loan using (loan_id)
    where versions.matures_on is not null
)

select
    loan_id,
    coalesce(arg_max(matures_on, _delivery_no) filter (is_said_by_then), arg_min(matures_on, _delivery_no)) as matures_on
from said
group by loan_id;

-- Payments and waivers less what was taken back of them by the day; those dated before a plan that lists what remains are in it.
create temp table money as
with reversed as (
    select reverses_id as repayment_id, sum(amount) as amount
    from repayment
    where kind = 'reversal' and paid_on <= (select as_of from clock)
    group by reverses_id
)

select
    repayment.loan_id,
    repayment.repayment_id,
    repayment.paid_on,
    repayment.amount - coalesce(reversed.amount, 0) as net,
    repayment.kind = 'waiver' as is_waiver,
    repayment.installment_no is not null as names_installment
from repayment
inner join terms using (loan_id)
left join plan using (loan_id)
left join reversed using (repayment_id)
where
    repayment.kind in ('payment', 'waiver')
    and repayment.paid_on between coalesce(plan.money_counts_from, date '0001-01-01') and (select as_of from clock);

create temp table charge as
with first_said as (
    select * from work.raw.charges qualify row_number() over (partition by charge_id order by _delivery_no) = 1
),

reversed as (
    select reverses_id as charge_id, sum(amount) as amount
    from first_said
    where kind = 'reversal' and due_on <= (select as_of from clock)
    group by reverses_id
)

select first_said.loan_id, first_said.charge_id, first_said.due_on, first_said.amount - coalesce(reversed.amount, 0) as net
from first_said
inner join terms using (loan_id)
left join plan using (loan_id)
left join reversed using (charge_id)
where
    first_said.kind is distinct from 'reversal'
    and first_said.due_on between coalesce(plan.counts_from, date '0001-01-01') and (select as_of from clock);

-- Everything but charges that is owed, in the order in which it is paid.
create temp table owed as
with listed as (
    select installment.*
    from installment
    inner join plan using (loan_id, plan_no)
),

first_of_all as (
    -- a plan that lists what remains believed money that was taken back since
    select original.loan_id, plan.effective_on as due_on, back.repayment_id as ident, back.amount as principal
    from repayment as back
    inner join repayment as original on original.repayment_id = back.reverses_id
    inner join plan on plan.loan_id = original.loan_id
    where
        plan.is_remaining
        and back.kind = 'reversal'
        and original.kind in ('payment', 'waiver')
        and original.paid_on < plan.money_counts_from
        and back.paid_on between plan.money_counts_from and (select as_of from clock)
)

select loan_id, 0 as rank, due_on, 0 as number, ident, 0.00 as fee, 0.00 as interest, principal from first_of_all
union all
select loan_id, 1, due_on, installment_no, '', fee_due, interest_due, principal_due from listed
union all
select
    terms.loan_id, 2, coalesce(any_value(maturity.matures_on), max(listed.due_on), date '9999-12-31'), 0, '', 0, 0,
    any_value(terms.principal) - coalesce(sum(listed.principal_due), 0)
from terms
left join plan using (loan_id)
left join maturity using (loan_id)
left join listed using (loan_id)
where not coalesce(plan.is_remaining, false)
group by terms.loan_id
having any_value(terms.principal) > coalesce(sum(listed.principal_due), 0)
union all
select repayment.loan_id, 4, repayment.paid_on, 0, repayment.repayment_id, 0, 0, repayment.amount
from repayment
left join plan using (loan_id)
where
    repayment.kind = 'chargeback'
    and repayment.paid_on between coalesce(plan.money_counts_from, date '0001-01-01') and (select as_of from clock);

-- Where a due date on a day that is no working day moves to.
create temp table moved_to as
with wanted as (
    select distinct terms.calendar, due.due_on
    from (select loan_id, due_on from owed union all select loan_id, due_on from charge) as due
    inner join terms using (loan_id)
    where terms.due_date_roll <> 'none' and due.due_on < date '9999-12-31'
),

ahead as (
    select wanted.calendar, wanted.due_on, (wanted.due_on + ahead.n::integer) as day
    from wanted
    cross join range(0, 40) as ahead (n)
)

select
    ahead.calendar,
    ahead.due_on,
    min(ahead.day) filter (
        case coalesce(special.kind, '') when 'make_up_working_day' then true when 'day_off' then false else isodow(ahead.day) <= 5 end
    ) as working_day,
    bool_or(ahead.day = ahead.due_on and coalesce(special.kind, '') = 'day_off') as is_named_day_off
from ahead
left join work.policy.calendar_day as special on special.calendar = ahead.calendar and special.day = ahead.day
group by ahead.calendar, ahead.due_on;

create temp table due as
select
    rows.*,
    case
        when terms.due_date_roll = 'following' or (terms.due_date_roll = 'following_holiday' and moved_to.is_named_day_off)
            then coalesce(moved_to.working_day, rows.due_on)
        else rows.due_on
    end as rolled_on,
    date_diff('day', rolled_on, (select as_of from clock)) + (case when terms.counts_due_date then 1 else 0 end) as days
from (
    select * from owed
    union all
    select loan_id, 3, due_on, 0, charge_id, net, 0, 0 from charge
) as rows
inner join terms using (loan_id)
left join moved_to on moved_to.calendar = terms.calendar and moved_to.due_on = rows.due_on;

-- How much money goes to charges before it joins the heap: waivers that name no installment; under fees_first each amount in its turn
-- pays the charges incurred by its date, and after n of them what is paid is the least of all sums that some turn left behind.
create temp table poured as
with charged as (
    select loan_id, sum(net) as charges from charge group by loan_id
),

in_turn as (
    select
        money.loan_id,
        sum(money.net) over turns as received,
        coalesce((select sum(charge.net) from charge where charge.loan_id = money.loan_id and charge.due_on <= money.paid_on), 0) as incurred
    from money
    semi join charged using (loan_id)
    inner join terms using (loan_id)
    where terms.allocation = 'fees_first' and not (money.is_waiver and money.names_installment)
    window turns as (partition by money.loan_id order by money.paid_on, money.repayment_id rows unbounded preceding)
),

fees_first as (
    select loan_id, max(received) + least(0, min(incurred - received)) as in_all from in_turn group by loan_id
),

received as (
    select loan_id, sum(net) as amount, sum(net) filter (is_waiver and not names_installment) as waived from money group by loan_id
)

select
    terms.loan_id,
    coalesce(charged.charges, 0) as charges,
    case
        when terms.allocation = 'fees_first' then coalesce(fees_first.in_all, 0)
        else least(coalesce(received.waived, 0), coalesce(charged.charges, 0))
    end as to_charges,
    coalesce(received.amount, 0) - to_charges as heap
from terms
left join charged using (loan_id)
left join received using (loan_id)
left join fees_first using (loan_id);

-- Charges stand in the queue where they age and money does not go to them first; there they take their place by due date.
-- Else the heap leaves them what is over when everything due is paid; under fees_first, when everything is.
create temp table queue as
with placed as (
    select
        due.*,
        terms.charges_age and terms.allocation <> 'fees_first' as is_one_queue,
        terms.allocation = 'fees_first' as is_fees_first,
        due.fee + due.interest + due.principal as amount
    from due
    inner join terms using (loan_id)
),

own as (  -- what charges have of their own: oldest first
    select
        placed.*,
        case when rank = 3
            then greatest(0, least(amount, poured.to_charges - (sum(amount) over (
                partition by placed.loan_id, rank = 3 order by due_on, ident rows unbounded preceding
            ) - amount)))
        else 0 end as paid_before,
        poured.heap,
        poured.charges - poured.to_charges as charges_left
    from placed
    inner join poured using (loan_id)
),

sums as (
    select
        *,
        sum(case when rank <> 3 and days_of_roll <= 0 then 0 when rank <> 3 then amount else 0 end) over (partition by loan_id) as due_by_now,
        sum(case when rank <> 3 then amount else 0 end) over (partition by loan_id) as all_owed
    from (select *, date_diff('day', rolled_on, (select as_of from clock)) + 1 as days_of_roll from own)
),

shared as (
    select
        *,
        case
            when is_one_queue then 0
            when is_fees_first then least(greatest(0, heap - all_owed), charges_left)
            else least(greatest(0, heap - due_by_now), charges_left)
        end as late_to_charges
    from sums
)

select
    *,
    case
        when is_one_queue or rank <> 3 then greatest(0, least(
            amount - paid_before,
            heap - (case when is_one_queue then 0 else late_to_charges end)
            - (sum(case when is_one_queue or rank <> 3 then amount - paid_before else 0 end) over (
                partition by loan_id order by rank > 0, due_on, rank, number, ident rows unbounded preceding
            ) - (amount - paid_before))
        ))
        else greatest(0, least(
            amount - paid_before,
            late_to_charges - (sum(amount - paid_before) over (
                partition by loan_id, rank = 3 order by due_on, ident rows unbounded preceding
            ) - (amount - paid_before))
        ))
    end + paid_before as paid
from shared;

create table evidence.recomputed as
with left_over as (
    select
        queue.*,
        amount - paid as unpaid,
        days > 0 and amount > paid as is_late,
        -- what is paid goes to components in their order
        least(queue.principal, greatest(0, paid - coalesce(list_sum(list_transform(
            terms.component_order[1:list_position(terms.component_order, 'principal') - 1],
            lambda component: case component when 'fee' then queue.fee else queue.interest end
        )), 0))) as principal_paid,
        rank <> 3 or terms.charges_age as has_a_clock
    from queue
    inner join terms using (loan_id)
)

select
    loan_id,
    coalesce(max(days) filter (is_late and has_a_clock), 0)::integer as days_past_due,
    coalesce(sum(unpaid) filter (is_late), 0)::decimal(18, 2) as overdue_amount,
    coalesce(sum(left_over.principal - principal_paid), 0)::decimal(18, 2) as outstanding_principal
from terms
left join left_over using (loan_id)
group by loan_id;
