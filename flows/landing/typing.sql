-- How a text becomes a value, once for all ledgers. Null means: cannot be typed. Nothing here rounds money or passes
-- through a binary float.

create or replace macro unquoted(x) as
    case when x[1] = '"' and len(x) >= 2 then replace(x[2:-2], '""', '"') else x end;

-- The empty field, NA, NULL and \N are null.
create or replace macro unless_null_token(x) as case when x not in ('', 'NA', 'NULL', '\N') then x end;

-- Blank, tab, ideographic and no-break space. Trimming costs ten times as much as to see that there is nothing to trim.
create or replace macro is_padded(x) as
    ord(x) in (32, 9, 12288, 160) or ends_with(x, ' ') or ends_with(x, chr(9)) or ends_with(x, chr(12288)) or ends_with(x, chr(160));

create or replace macro cell(x) as
    unless_null_token(case when is_padded(x) then trim(x, ' ' || chr(9) || chr(12288) || chr(160)) else x end);

create or replace macro time_pattern() as
    '([ T]\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?( ?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?))?)?';

create or replace macro day_pattern() as
    '(\d{4})(?:-(\d{1,2})-|/(\d{1,2})/|[.](\d{1,2})[.]| ?年 ?(\d{1,2}) ?月 ?)(\d{1,2})';

-- 2026-1-5 -> 2026-01-05
create or replace macro two_digits(x) as
    regexp_replace(regexp_replace(x, '^(\d{4})-(\d)-', '\1-0\2-'), '^(\d{4}-\d{2})-(\d)($|[ T])', '\1-0\2\3');

-- 2026-11-22, 20261122, 2026/11/22, 2026.11.22, 2026年11月22日 (month and day with one digit or two), each with or without a
-- time -> 2026-11-22[time]; else null
create or replace macro iso_text(x) as
    case
        when regexp_full_match(x, '\d{4}-\d{2}-\d{2}' || time_pattern()) then x
        when regexp_full_match(x, '\d{8}' || time_pattern()) then x[1:4] || '-' || x[5:6] || '-' || x[7:]
        when regexp_full_match(rtrim(regexp_replace(x, ' ?日 ?', ' ')), day_pattern() || time_pattern())
            then two_digits(regexp_replace(rtrim(regexp_replace(x, ' ?日 ?', ' ')), day_pattern(), '\1-\2\3\4\5-\6'))
    end;

-- A day as Excel counts it (1 is 1900-01-01, and 60 the day that never was), a fraction being the time -> the moment
create or replace macro from_excel_serial(x) as
    case
        when regexp_full_match(x, '\d{1,7}([.]\d+)?') and try_cast(x as decimal(18, 10)) between 1 and 2958466
            then timestamp '1899-12-30' + case when try_cast(x as decimal(18, 10)) < 60 then interval 1 day else interval 0 day end
                + interval (floor(try_cast(x as decimal(18, 10)))::integer) day
                + interval (round((try_cast(x as decimal(18, 10)) - floor(try_cast(x as decimal(18, 10)))) * 86400)::integer) second
    end;

create or replace macro has_zone(iso) as regexp_matches(iso, '(Z|[+-]\d{2}(:?\d{2})?)$') and len(iso) > 11;

-- +0800, +08 and a blank before it as +08:00, which every engine reads
create or replace macro zoned(iso) as
    regexp_replace(
        regexp_replace(regexp_replace(iso, ' (Z|[+-][\d:]+)$', '\1'), '([+-]\d{2})(\d{2})$', '\1:\2'),
        '([ T].*)([+-]\d{2})$', '\1\2:00'
    );

-- Shanghai's clock as UTC. It has been eight hours ahead since its last summer time, and DuckDB asks its table of zones row by row.
create or replace macro shanghai_as_utc(moment) as
    case
        when moment >= timestamp '1991-09-16' then moment - to_hours(8)
        else (moment at time zone 'Asia/Shanghai') at time zone 'UTC'
    end;

-- What comes back as the text that it was needs no second look: here, in as_date, as_amount and as_integer; nor, in as_rate, what is digits and a point alone.
create or replace macro as_timestamp(x) as
    case
        when try_cast(x as timestamp)::varchar = x and x like '____-%' and x >= '1991-09-16' then try_cast(x as timestamp) - to_hours(8)
        when has_zone(iso_text(x)) then try_cast(zoned(iso_text(x)) as timestamptz)::timestamptz at time zone 'UTC'
        else shanghai_as_utc(try_cast(iso_text(x) as timestamp))
    end;

-- A date with a zoned time is the date in Shanghai at that moment.
create or replace macro as_date(x) as
    case
        when x < '0001' then null
        when try_cast(x as date)::varchar = x and len(x) = 10 then try_cast(x as date)
        when len(x) = 10 and x[5] = '-' and x[8] = '-' then try_cast(x as date)
        when has_zone(iso_text(x)) then (try_cast(zoned(iso_text(x)) as timestamptz) at time zone 'Asia/Shanghai')::date
        else try_cast(try_cast(iso_text(x) as timestamp) as date)
    end;

create or replace macro is_number(x) as
    regexp_full_match(x, '[+-]?(\d+([.]\d*)?|[.]\d+|\d{1,3}(,\d{3})+([.]\d*)?)([eE][+-]?\d{1,3})?');

create or replace macro plain(x) as replace(x, ',', '');

-- Places after the point that matter, the exponent taken into account: 4e+05 -> 0, 1.2345e1 -> 3, 1.230 -> 2, 1e-3 -> 3
create or replace macro decimals(x) as
    case
        when regexp_full_match(regexp_extract(plain(x), '^[+-]?([^eE]*)', 1), '[0.]*') then 0
        else greatest(
            0,
            len(rtrim(regexp_extract(plain(x), '[.](\d*)', 1), '0'))
            - coalesce(try_cast(nullif(regexp_extract(x, '[eE]([+-]?\d+)$', 1), '') as integer), 0)
            - case
                when rtrim(regexp_extract(plain(x), '[.](\d*)', 1), '0') <> '' then 0
                else
                    len(regexp_extract(plain(x), '^[+-]?(\d*)', 1)) - len(rtrim(regexp_extract(plain(x), '^[+-]?(\d*)', 1), '0'))
            end
        )
    end;

create or replace macro as_amount(x) as
    case
        when try_cast(x as decimal(18, 2))::varchar = x then try_cast(x as decimal(18, 2))
        when regexp_full_match(x, '-?\d{1,15}([.]\d{1,2})?') then try_cast(x as decimal(18, 2))
        when is_number(x) and decimals(x) <= 2 then try_cast(try_cast(plain(x) as decimal(38, 10)) as decimal(18, 2))
    end;

create or replace macro amount_problem(x) as
    case
        when x is null then null
        when not is_number(x) then 'not_a_number'
        when decimals(x) > 2 then 'too_many_decimals'
        when as_amount(x) is null then 'overflow'
    end;

-- Only where a mapping says `round: half_up`: the amount rounded to cents, as text; what is no number stays as it is.
create or replace macro rounded_amount(x) as
    case
        when is_number(x) and decimals(x) between 3 and 20
            then coalesce(cast(round(try_cast(plain(x) as decimal(38, 20)), 2) as decimal(38, 2))::varchar, x)
        else x
    end;

-- A number in units of its own, exactly; `4.35%` says its unit itself. What cannot be scaled exactly is no number any more.
create or replace macro scaled(x, factor) as
    case
        when not is_number(x) then x
        when decimals(x) > 10 then x || ' × ' || factor
        else coalesce(try(try_cast(plain(x) as decimal(24, 10)) * factor)::varchar, x || ' × ' || factor)
    end;

-- 10000.0, ="10000" and '10000 as a spreadsheet leaves them -> 10000
create or replace macro plain_id(x) as
    regexp_replace(regexp_replace(trim(x), '^(?:="(.*)"|''(.*))$', '\1\2'), '^(\d+)[.]0+$', '\1');

create or replace macro as_number(x) as
    case when is_number(x) then try_cast(plain(x) as decimal(38, 10)) end;

-- 4.35% -> 4.35; null for anything else
create or replace macro per_cent(x) as nullif(regexp_extract(x, '^(.*?) ?[%％]$', 1), '');

create or replace macro per_mille(x) as nullif(regexp_extract(x, '^(.*?) ?‰$', 1), '');

create or replace macro as_rate(x) as
    case
        when translate(x, '0123456789', '') in ('', '.', '-', '-.') then try_cast(x as decimal(20, 10))
        when is_number(x) then try_cast(plain(x) as decimal(20, 10))
        when is_number(per_cent(x)) then try_cast(try_cast(plain(per_cent(x)) as decimal(28, 12)) * 0.01 as decimal(20, 10))
        when is_number(per_mille(x)) then try_cast(try_cast(plain(per_mille(x)) as decimal(28, 12)) * 0.001 as decimal(20, 10))
    end;

create or replace macro as_integer(x) as
    case
        when try_cast(x as integer)::varchar = x and len(x) <= 9 then try_cast(x as integer)
        when regexp_full_match(x, '[+-]?\d{1,9}([.]0+)?') then try_cast(regexp_extract(x, '^[+-]?\d+') as integer)
    end;

create or replace macro as_boolean(x) as
    case
        when lower(x) in ('true', '1', 'y', '是') then true
        when lower(x) in ('false', '0', 'n', '否') then false
    end;

-- Whether all that a row lacks is its parent.
create or replace macro only_orphan(reasons) as
    len(reasons) > 0 and len(list_filter(reasons, lambda r: r not like 'orphan:%')) = 0;

-- A value as a message quotes it.
create or replace macro quoted(x) as '''' || x || '''';
