package postgres

// realDate is a date that exists: the months with 31, 30 and 28 days, and the 29th of February of leap years. realTime
// is a time of the day with at most microseconds.
const (
	realDate = `(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))` +
		`|(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)`
	realTime = `T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?`
)

// textToDatetime reads RFC 3339, or a date alone. PostgreSQL itself reads zones up to 15:59 and no year 0, so a zone
// other than Z is cut off and subtracted afterwards; the one day of the year 0 that can be meant is its last.
const textToDatetime = `coalesce(CAST(CASE WHEN octet_length({v}) BETWEEN 20 AND 27 AND ({v}) COLLATE "C" ~ '^` + realDate + realTime + `Z$'` +
	` AND left({v}, 4) <> '0000' THEN {v} END AS timestamptz),` +
	` CASE WHEN octet_length({v}) = 10 OR octet_length({v}) BETWEEN 25 AND 32 THEN` +
	` (SELECT CASE WHEN u >= '0001-01-01T00:00:00Z' AND u < '10000-01-01T00:00:00Z' THEN u END` +
	` FROM (SELECT CASE WHEN length(t) = 10 THEN CAST(t || 'T00:00:00Z' AS timestamptz)` +
	` ELSE CAST(CASE WHEN left(t, 4) = '0000' THEN '0001-01-01' || substr(t, 11, length(t) - 16) ELSE left(t, length(t) - 6) END || 'Z' AS timestamptz)` +
	` - CAST(CASE WHEN left(t, 4) = '0000' THEN '24:00' ELSE '00:00' END AS interval) - CAST(right(t, 6) AS interval) END AS u` +
	` FROM (SELECT CASE WHEN octet_length({v}) <= 32 AND ({v}) COLLATE "C" ~ '^` + realDate + `(?:` + realTime + `[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])?$'` +
	` AND (left({v}, 4) <> '0000' OR ({v}) COLLATE "C" ~ '^0000-12-31T.*-..:..$') THEN {v} END AS t OFFSET 0) AS a OFFSET 0) AS b) END)`

const (
	// within keeps what RFC 3339 can write, which leaves infinity out.
	within = `{v} >= '0001-01-01T00:00:00Z' AND {v} < '10000-01-01T00:00:00Z'`

	datetimeToText = `CASE WHEN ` + within +
		` THEN rtrim(rtrim(to_char({v} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') || 'Z' END COLLATE "C"`

	datetimeToInteger = `CASE WHEN ` + within + ` AND date_trunc('second', {v}) = {v} THEN CAST(extract(epoch FROM {v}) AS bigint) END`

	// The number of seconds stands when its whole part and its microseconds are those that went in.
	datetimeToFloat = `(SELECT CASE WHEN floor(x) = floor(e) AND round((x - floor(x)) * 1000000) = CAST((e - floor(e)) * 1000000 AS double precision) THEN x END` +
		` FROM (SELECT e, CAST(e AS double precision) AS x FROM (SELECT CASE WHEN ` + within + ` THEN extract(epoch FROM {v}) END AS e OFFSET 0) AS a OFFSET 0) AS b)`
)
