SELECT concat(toString(n), '\t', s, '\t', toString(d), '\t', toString(intDiv(toUnixTimestamp64Nano(t), TICK)), '\t', ifNull(toString(k), 'NULL'), '\t',
  toString(toInt64(f * 8)), '\t', if(even, '1', '0'), '\t', g) AS line
FROM (QUERY)
FORMAT TSVRaw
