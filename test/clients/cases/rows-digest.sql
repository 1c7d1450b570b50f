SELECT count() AS rows, lower(hex(SHA256(arrayStringConcat(groupArray(line))))) AS sha256
FROM (SELECT concat(toString(id), '\t', name, '\t', toString(amount), '\t', toString(at), '\n') AS line FROM clients_rows_CLIENT ORDER BY id)
