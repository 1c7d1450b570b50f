package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

const rowsCount = 100_000

// A typedValue is one line of cases/values.tsv: the type, the text that the server writes in TabSeparated, and the value as JSON.
type typedValue struct{ cell, kind, text, json string }

// An exactRow holds what no float does: the last of UInt64, 18 digits behind the point, nanoseconds.
type exactRow struct {
	ID     uint64          `ch:"id"`
	Name   string          `ch:"name"`
	Amount decimal.Decimal `ch:"amount"`
	At     time.Time       `ch:"at"`
}

func caseFile(name string) string {
	text, err := os.ReadFile(filepath.Join("../cases", name))
	if err != nil {
		panic(err)
	}
	return string(text)
}

func statement(file string) string {
	return strings.TrimSpace(strings.ReplaceAll(caseFile(file), "CLIENT", "go"))
}

func readValues() []typedValue {
	var values []typedValue
	for _, line := range strings.Split(strings.TrimSuffix(caseFile("values.tsv"), "\n"), "\n") {
		parts := strings.SplitN(line, "\t", 4)
		values = append(values, typedValue{parts[0], parts[1], parts[2], parts[3]})
	}
	return values
}

func exactRows() []exactRow {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rows := make([]exactRow, rowsCount)
	for i := range rows {
		rows[i] = exactRow{
			ID:     math.MaxUint64 - rowsCount + 1 + uint64(i),
			Name:   fmt.Sprintf("name %d", i),
			Amount: decimal.RequireFromString(fmt.Sprintf("%d.000000000000000001", i)),
			At:     start.Add(time.Duration(i)),
		}
	}
	return rows
}

func (row exactRow) line() string {
	return fmt.Sprintf("%d\t%s\t%s\t%s\n", row.ID, row.Name, row.Amount.StringFixed(18), row.At.UTC().Format(nanoseconds))
}

const nanoseconds = "2006-01-02 15:04:05.000000000"

// native gives the value as a Go program holds it, and a place of the same type to read it back into.
func (value typedValue) native() (any, any) {
	switch {
	case strings.HasPrefix(value.kind, "Decimal"):
		return decimal.RequireFromString(value.text), new(decimal.Decimal)
	case value.kind == "UInt64":
		return decoded[uint64](value.text), new(uint64)
	case strings.HasPrefix(value.kind, "DateTime64"):
		return at(value.text), new(time.Time)
	case value.kind == "UUID":
		return uuid.MustParse(value.text), new(uuid.UUID)
	case value.kind == "Array(String)":
		return decoded[[]string](value.json), new([]string)
	case value.kind == "Array(UInt64)":
		return decoded[[]uint64](strings.ReplaceAll(value.json, `"`, "")), new([]uint64)
	case strings.HasPrefix(value.kind, "Array(Decimal"):
		return decoded[[]decimal.Decimal](value.json), new([]decimal.Decimal)
	case strings.HasPrefix(value.kind, "Map"):
		return wholeNumbers(decoded[map[string]json.Number](value.json)), new(map[string]uint64)
	case strings.HasPrefix(value.kind, "Nullable(Decimal"):
		return decoded[*decimal.Decimal](value.json), new(*decimal.Decimal)
	case strings.Contains(value.kind, "Nullable(String)"):
		return decoded[*string](value.json), new(*string)
	default:
		return decoded[string](value.json), new(string)
	}
}

func decoded[T any](text string) T {
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		panic(err)
	}
	return value
}

func at(text string) time.Time {
	moment, err := time.Parse(nanoseconds, text)
	if err != nil {
		panic(err)
	}
	return moment
}

func wholeNumbers(numbers map[string]json.Number) map[string]uint64 {
	whole := make(map[string]uint64, len(numbers))
	for key, number := range numbers {
		whole[key] = decoded[uint64](number.String())
	}
	return whole
}

// plain makes values, and places that hold them, comparable by their text: a time by its instant.
func plain(value any) string {
	switch each := value.(type) {
	case *time.Time:
		return each.UTC().Format(nanoseconds)
	case time.Time:
		return each.UTC().Format(nanoseconds)
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
