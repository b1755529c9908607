-- reads: customer_type_summary
-- Each type of customer by primary type, so that every overdue customer counts once; a type without one has its row. The rate is of all
-- customers of the type, who may be of several: balances of types overlap, overdue ones do not.
create view bi_customer_types as
select * exclude (type_basis, policy_version) from customer_type_summary
where type_basis = 'primary'
qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of);
