SELECT number AS n, concat('row ', toString(intHash64(number)), ' ü') AS s, toDecimal128(number, 9) + toDecimal128('0.123456789', 9) AS d
FROM numbers(1000000) ORDER BY n
