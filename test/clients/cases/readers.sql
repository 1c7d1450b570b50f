SELECT number AS n, concat('row ', toString(intHash64(number)), ', "ü"') AS s, toDecimal128(number, 9) + toDecimal128('0.123456789', 9) AS d,
  fromUnixTimestamp64Nano(toInt64(1767225600000000001 + number * 1000003), 'UTC') AS t, if(number % 10 = 0, NULL, toInt32(number % 1000) - 500) AS k,
  number / 8 AS f, number % 2 = 0 AS even, toLowCardinality(concat('g', toString(number % 7))) AS g
FROM numbers(1000000) ORDER BY n
