CREATE TABLE clients_rows_CLIENT (id UInt64, name String, amount Decimal(38, 18), at DateTime64(9, 'UTC'))
ENGINE = MergeTree ORDER BY id
