SELECT count() AS rows, toString(sum(n)) AS total,
  lower(hex(SHA256(arrayStringConcat(groupArray(concat(toString(n), '\t', s, '\t', toString(d), '\n')))))) AS sha256
FROM (SELECT number AS n, concat('row ', toString(intHash64(number)), ' ü') AS s, toDecimal128(number, 9) + toDecimal128('0.123456789', 9) AS d
  FROM numbers(1000000) ORDER BY n)
