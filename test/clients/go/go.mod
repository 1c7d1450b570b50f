module meterline/test/clients/go

go 1.24.1

require (
	github.com/ClickHouse/clickhouse-go/v2 v2.46.0
	github.com/google/uuid v1.6.0
	github.com/shopspring/decimal v1.4.0
)
