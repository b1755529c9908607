-- grain: item of int_risk__claims, and episode in which it is non-performing by itself
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0042 once non-performing, an item stays so until the cure rule holds

{{ npl_episodes(ref('int_risk__breaches')) }}
