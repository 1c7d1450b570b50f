// The cells of the matrix with clickhouse-go over HTTP, which is what Grafana's datasource speaks too: CLICKHOUSE_URL, CLICKHOUSE_USER and
// CLICKHOUSE_PASSWORD say where. Started in this folder. One JSON line per cell.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"
)

const (
	pollsMax = 60
	poll     = 500 * time.Millisecond
)

var background = context.Background()

func ping(client clickhouse.Conn) (string, error) {
	if err := client.Ping(background); err != nil {
		return "", err
	}
	server, err := client.ServerVersion()
	if err != nil {
		return "", err
	}
	var version string
	err = client.QueryRow(background, "SELECT version()").Scan(&version)
	return version, errors.Join(err, equal(strings.HasPrefix(version, server.Version.String()+"."), true, "version "+version))
}

func parameter(client clickhouse.Conn) (string, error) {
	values := readValues()
	for _, value := range values {
		bound := clickhouse.Context(background, clickhouse.WithParameters(clickhouse.Parameters{"value": value.text}))
		var text string
		query := fmt.Sprintf("SELECT formatRowNoNewline('TabSeparated', {value:%s}) AS text", value.kind)
		if err := client.QueryRow(bound, query).Scan(&text); err != nil {
			return "", fmt.Errorf("%s: %w", value.kind, err)
		}
		if err := equal(text, value.text, value.kind); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d values by WithParameters", len(values)), nil
}

func million(client clickhouse.Conn) (string, error) {
	rows, err := client.Query(background, statement("million.sql"))
	if err != nil {
		return "", err
	}
	defer rows.Close()
	digest, count, total := sha256.New(), uint64(0), uint64(0)
	for rows.Next() {
		var n uint64
		var s string
		var d decimal.Decimal
		if err := rows.Scan(&n, &s, &d); err != nil {
			return "", err
		}
		fmt.Fprintf(digest, "%d\t%s\t%s\n", n, s, d)
		count, total = count+1, total+n
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	got := fmt.Sprint(count, " ", total, " ", hex.EncodeToString(digest.Sum(nil)))
	wanted, err := digestOf(client, "million-digest.sql")
	return "Native", errors.Join(err, equal(got, wanted, "1,000,000 rows"))
}

func digestOf(client clickhouse.Conn, file string) (string, error) {
	var text string
	query := "SELECT arrayStringConcat(arrayMap(x -> toString(x), array(" + columnsOf(file) + ")), ' ') FROM (" + statement(file) + ")"
	err := client.QueryRow(background, query).Scan(&text)
	return text, err
}

func columnsOf(file string) string {
	if file == "million-digest.sql" {
		return "toString(rows), total, sha256"
	}
	return "toString(rows), sha256"
}

func insert(client clickhouse.Conn) (string, error) {
	for _, query := range []string{"DROP TABLE IF EXISTS clients_rows_go", statement("rows-table.sql")} {
		if err := client.Exec(background, query); err != nil {
			return "", err
		}
	}
	batch, err := client.PrepareBatch(background, "INSERT INTO clients_rows_go")
	if err != nil {
		return "", err
	}
	digest := sha256.New()
	rows := exactRows()
	for _, row := range rows {
		fmt.Fprint(digest, row.line())
		if err := batch.Append(row.ID, row.Name, row.Amount, row.At); err != nil {
			return "", err
		}
	}
	if err := batch.Send(); err != nil {
		return "", err
	}
	stored, err := digestOf(client, "rows-digest.sql")
	if err != nil {
		return "", err
	}
	if err := equal(stored, fmt.Sprint(rowsCount, " ", hex.EncodeToString(digest.Sum(nil))), "what the server holds"); err != nil {
		return "", err
	}
	return "Native", readBack(client, rows)
}

func readBack(client clickhouse.Conn, rows []exactRow) error {
	var back []exactRow
	if err := client.Select(background, &back, "SELECT id, name, amount, at FROM clients_rows_go ORDER BY id"); err != nil {
		return err
	}
	if err := equal(len(back), len(rows), "rows read back"); err != nil {
		return err
	}
	for i, row := range back {
		if err := equal(row.line(), rows[i].line(), "read back"); err != nil {
			return err
		}
	}
	return nil
}

func roundTrip(client clickhouse.Conn, cell string) (string, error) {
	for number, value := range readValues() {
		if value.cell != cell {
			continue
		}
		if err := roundTripOne(client, value, fmt.Sprintf("clients_value_go_%d", number)); err != nil {
			return "", fmt.Errorf("%s: %w", value.kind, err)
		}
	}
	return "Native", nil
}

func roundTripOne(client clickhouse.Conn, value typedValue, table string) error {
	for _, query := range []string{"DROP TABLE IF EXISTS " + table, "CREATE TABLE " + table + " (v " + value.kind + ") ENGINE = MergeTree ORDER BY tuple()"} {
		if err := client.Exec(background, query); err != nil {
			return err
		}
	}
	batch, err := client.PrepareBatch(background, "INSERT INTO "+table)
	if err != nil {
		return err
	}
	native, place := value.native()
	if err := errors.Join(batch.Append(native), batch.Send()); err != nil {
		return err
	}
	// A map of Go has no order of its own.
	ordered := "v"
	if value.cell == "map" {
		ordered = "mapSort(v)"
	}
	var text string
	query := "SELECT v, formatRowNoNewline('TabSeparated', " + ordered + ") AS text FROM " + table
	if err := client.QueryRow(background, query).Scan(place, &text); err != nil {
		return err
	}
	return errors.Join(equal(text, value.text, "what the server holds"), equal(plain(place), plain(native), "read back"))
}

func failure(client clickhouse.Conn, query string) string {
	if err := client.Exec(background, query); err != nil {
		return err.Error()
	}
	return "no error"
}

func failures(client clickhouse.Conn) (string, error) {
	for query, wanted := range map[string][2]string{"SELECT * FROM clients_nowhere": {"HTTP 404", "Code: 60."}, "selekt 1": {"HTTP 400", "Code: 62."}} {
		said := failure(client, query)
		if !strings.Contains(said, wanted[0]) || !strings.Contains(said, wanted[1]) {
			return "", errors.New(said)
		}
	}
	return "the status and the code in the error's text", nil
}

func lateError(client clickhouse.Conn) (string, error) {
	rows, err := client.Query(background, "SELECT number, throwIf(number = 900000, 'late failure') FROM numbers(1000000)")
	read := 0
	if err == nil {
		for rows.Next() {
			read++
		}
		err = rows.Err()
	}
	if err == nil {
		return "", fmt.Errorf("%d rows and no error", read)
	}
	return fmt.Sprintf("the exception itself, %t that rows came before", read > 0), equal(strings.Contains(err.Error(), "late failure"), true, err.Error())
}

func session(outside clickhouse.Conn) (string, error) {
	within, err := open(func(options *clickhouse.Options) {
		options.Settings = clickhouse.Settings{"session_id": "clients-go"}
		options.MaxOpenConns = 1
	})
	if err != nil {
		return "", err
	}
	defer within.Close()
	if err := within.Exec(background, "CREATE TEMPORARY TABLE clients_temporary (n UInt8)"); err != nil {
		return "", err
	}
	batch, err := within.PrepareBatch(background, "INSERT INTO clients_temporary")
	if err != nil {
		return "", err
	}
	if err := errors.Join(batch.Append(uint8(7)), batch.Send()); err != nil {
		return "", err
	}
	var n uint8
	if err := within.QueryRow(background, "SELECT n FROM clients_temporary").Scan(&n); err != nil {
		return "", err
	}
	said := failure(outside, "SELECT n FROM clients_temporary")
	return "session_id", errors.Join(equal(n, 7, "within the session"), equal(strings.Contains(said, "Code: 60."), true, "outside: "+said))
}

func cancel(client clickhouse.Conn) (string, error) {
	leaving, leave := context.WithCancel(background)
	defer leave()
	settings := clickhouse.Settings{"max_block_size": 1, "function_sleep_max_microseconds_per_block": 0}
	left := make(chan error, 1)
	go func() {
		asked := clickhouse.Context(leaving, clickhouse.WithSettings(settings))
		left <- client.Exec(asked, "SELECT 'clients-cancel-go', sleepEachRow(0.5) FROM numbers(240)")
	}()
	if err := untilRunning(client, 1); err != nil {
		return "", err
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		return "", fmt.Errorf("the query that was left: %w", err)
	}
	return "the context cancelled while running", untilRunning(client, 0)
}

func untilRunning(client clickhouse.Conn, wanted uint64) error {
	query := "SELECT count() FROM system.processes WHERE query LIKE '%clients-cancel-go%' AND query NOT LIKE '%system.processes%'"
	for range pollsMax {
		var n uint64
		if err := client.QueryRow(background, query).Scan(&n); err != nil {
			return err
		}
		if n == wanted {
			return nil
		}
		time.Sleep(poll)
	}
	return fmt.Errorf("%d running was never seen in system.processes", wanted)
}

func wrongPassword() (string, error) {
	client, err := open(func(options *clickhouse.Options) { options.Auth.Password = "not it" })
	if err != nil {
		return "", err
	}
	defer client.Close()
	err = client.Ping(background)
	if err == nil {
		return "", errors.New("no error")
	}
	return "403, code 516", equal(strings.Contains(err.Error(), "HTTP 403") && strings.Contains(err.Error(), "Code: 516."), true, err.Error())
}

func main() {
	client, err := open(nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer client.Close()
	print("version", nil, version())
	cell("ping", func() (string, error) { return ping(client) })
	cell("parameter", func() (string, error) { return parameter(client) })
	cell("million", func() (string, error) { return million(client) })
	cell("insert", func() (string, error) { return insert(client) })
	done := map[string]bool{"parameter": true}
	for _, value := range readValues() {
		if !done[value.cell] {
			done[value.cell] = true
			cell(value.cell, func() (string, error) { return roundTrip(client, value.cell) })
		}
	}
	cell("error", func() (string, error) { return failures(client) })
	cell("late_error", func() (string, error) { return lateError(client) })
	cell("compressed_result", func() (string, error) { return compressed(million, true) })
	cell("compressed_insert", func() (string, error) { return compressed(insert, false) })
	cell("session", func() (string, error) { return session(client) })
	cell("cancel", func() (string, error) { return cancel(client) })
	cell("wrong_password", wrongPassword)
}
