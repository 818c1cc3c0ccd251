package sqlite

// textToDatetime turns RFC 3339, or a date alone, into RFC 3339 in UTC. What SQLite writes exactly as it was read is a
// real date in the right form already. The rest is taken apart: the time to the second (t), a fraction (f) and a zone
// (z), whose opposite is the shift to UTC. A day that the month does not have, and 24:00, come back as another day.
const textToDatetime = `CASE WHEN replace(datetime({v}), ' ', 'T') || 'Z' = {v} COLLATE BINARY THEN CASE WHEN {v} >= '0001' THEN {v} END` +
	` WHEN date({v}) = {v} COLLATE BINARY THEN CASE WHEN {v} >= '0001' THEN {v} || 'T00:00:00Z' END` +
	` WHEN typeof({v}) = 'text' AND length({v}) BETWEEN 20 AND 32 AND instr({v}, char(0)) = 0 THEN` +
	` (SELECT CASE WHEN t GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]'` +
	` AND strftime('%Y-%m-%dT%H:%M:%S', t) = t` +
	` AND (f = '' OR f GLOB '.[0-9]*' AND rtrim(f, '0123456789') = '.' AND length(f) <= 7)` +
	` AND (z = 'Z' OR z GLOB '[-+][0-2][0-9]:[0-5][0-9]' AND substr(z, 2, 2) < '24')` +
	` AND strftime('%Y', t, shift) BETWEEN '0001' AND '9999'` +
	` THEN strftime('%Y-%m-%dT%H:%M:%S', t, shift) || rtrim(rtrim(f, '0'), '.') || 'Z' END` +
	` FROM (SELECT t, z, substr(v, 20, length(v) - 19 - length(z)) AS f,` +
	` CASE substr(z, 1, 1) WHEN 'Z' THEN '+00:00' WHEN '+' THEN '-' || substr(z, 2) ELSE '+' || substr(z, 2) END AS shift` +
	` FROM (SELECT {v} AS v, substr({v}, 1, 19) AS t, CASE WHEN substr({v}, -1) = 'Z' THEN 'Z' ELSE substr({v}, -6) END AS z))) END`

// datetimeToText writes RFC 3339 in UTC. A text that another program left and that is no such time stays as it is.
func datetimeToText() string {
	return `CASE WHEN typeof({v}) = 'text' THEN coalesce(` + textToDatetime + `, {v}) END`
}

// The seconds of a datetime are those of its first 19 characters in UTC; the fraction stands behind them.

func datetimeToInteger() string {
	return `CASE WHEN replace(datetime({v}), ' ', 'T') || 'Z' = {v} COLLATE BINARY THEN CASE WHEN {v} >= '0001' THEN unixepoch({v}) END` +
		` ELSE (SELECT CASE WHEN length(u) = 20 THEN unixepoch(u) END FROM (SELECT ` + textToDatetime + ` AS u)) END`
}

// datetimeToFloat counts in microseconds while a float holds their number, because one division rounds once. The result
// stands when its whole part and its microseconds are those that went in.
func datetimeToFloat() string {
	return `CASE WHEN replace(datetime({v}), ' ', 'T') || 'Z' = {v} COLLATE BINARY THEN CASE WHEN {v} >= '0001' THEN CAST(unixepoch({v}) AS REAL) END` +
		` ELSE (SELECT CASE WHEN floor(x) = s AND round((x - s) * 1000000.0) = m THEN x END` +
		` FROM (SELECT s, m, CASE WHEN abs(s) < 9007199254 THEN (s * 1000000 + m) / 1000000.0 ELSE s + m / 1000000.0 END AS x` +
		` FROM (SELECT unixepoch(substr(u, 1, 19)) AS s, CAST(substr(substr(u, 21, length(u) - 21) || '000000', 1, 6) AS INTEGER) AS m` +
		` FROM (SELECT ` + textToDatetime + ` AS u)))) END`
}
