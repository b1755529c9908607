-- The tables of Apache Fineract's schema that mappings/fineract.yml reads, with the columns that tests fill and some that they do not.
create table m_client (
    id bigint primary key, account_no varchar(20), office_id bigint, legal_form_enum smallint, display_name varchar(100),
    mobile_no varchar(50), activation_date date
);
create table m_group (id bigint primary key, office_id bigint, display_name varchar(100), activation_date date);
create table m_code_value (id int primary key, code_id int, code_value varchar(100));
create table m_product_loan (
    id bigint primary key, name varchar(100), grace_on_arrears_ageing smallint, arrearstolerance_amount decimal(19, 6)
);
create table m_loan (
    id bigint primary key, account_no varchar(20), client_id bigint, group_id bigint, product_id bigint, loanpurpose_cv_id int,
    loan_status_id smallint not null, currency_code varchar(3) not null, annual_nominal_interest_rate decimal(19, 6),
    disbursedon_date date, expected_maturedon_date date, maturedon_date date, closedon_date date, writtenoffon_date date,
    rescheduledon_date date, principal_disbursed_derived decimal(19, 6) not null default 0
);
create table m_loan_repayment_schedule (
    id bigint generated always as identity, loan_id bigint not null, fromdate date, duedate date not null, installment smallint not null,
    principal_amount decimal(19, 6), interest_amount decimal(19, 6), fee_charges_amount decimal(19, 6),
    penalty_charges_amount decimal(19, 6), completed_derived boolean not null default false, obligations_met_on_date date,
    is_additional boolean not null default false, credits_amount decimal(19, 6)
);
create table m_loan_repayment_schedule_history (
    id bigint generated always as identity, loan_id bigint not null, loan_reschedule_request_id bigint, duedate date not null,
    installment smallint not null, principal_amount decimal(19, 6), interest_amount decimal(19, 6), fee_charges_amount decimal(19, 6),
    penalty_charges_amount decimal(19, 6), version int not null
);
create table m_loan_reschedule_request (id bigint primary key, loan_id bigint not null, status_enum smallint not null, approved_on_date date);
create table m_loan_transaction (
    id bigint primary key, loan_id bigint not null, office_id bigint, is_reversed boolean not null default false,
    transaction_type_enum smallint not null, transaction_date date not null, amount decimal(19, 6) not null,
    submitted_on_date date not null
);
create table m_loan_delinquency_action (
    id bigint generated always as identity, loan_id bigint not null, action varchar(128) not null, start_date date not null, end_date date
);
