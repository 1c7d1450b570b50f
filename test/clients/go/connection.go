package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Methods of compression as the client names them: its own blocks, and the encodings of HTTP.
var blocks = map[string]clickhouse.CompressionMethod{"lz4": clickhouse.CompressionLZ4, "zstd": clickhouse.CompressionZSTD}
var encodings = map[string]clickhouse.CompressionMethod{
	"gzip": clickhouse.CompressionGZIP, "deflate": clickhouse.CompressionDeflate, "br": clickhouse.CompressionBrotli,
}

// encodingSeen notes how the last answer was encoded: the client would take a plain one in silence.
type encodingSeen struct {
	next http.RoundTripper
	last string
}

func (seen *encodingSeen) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := seen.next.RoundTrip(request)
	if err == nil {
		seen.last = answer.Header.Get("Content-Encoding")
	}
	return answer, err
}

func open(change func(*clickhouse.Options)) (clickhouse.Conn, error) {
	at, err := url.Parse(os.Getenv("CLICKHOUSE_URL"))
	if err != nil {
		return nil, err
	}
	options := &clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{at.Host},
		Auth:        clickhouse.Auth{Database: "default", Username: os.Getenv("CLICKHOUSE_USER"), Password: os.Getenv("CLICKHOUSE_PASSWORD")},
		DialTimeout: 30 * time.Second,
		ReadTimeout: 120 * time.Second,
	}
	if change != nil {
		change(options)
	}
	return clickhouse.Open(options)
}

// compressed does the work once with each method of compression; where HTTP shows the method, it has to.
func compressed(work func(clickhouse.Conn) (string, error), shown bool) (string, error) {
	for name, method := range blocks {
		if err := withCompression(method, nil, work); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	for name, method := range encodings {
		seen := &encodingSeen{}
		if err := withCompression(method, seen, work); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if shown && seen.last != name {
			return "", fmt.Errorf("%s: Content-Encoding %q", name, seen.last)
		}
	}
	return "lz4 and zstd in ClickHouse's own blocks; gzip, deflate, br", nil
}

func withCompression(method clickhouse.CompressionMethod, seen *encodingSeen, work func(clickhouse.Conn) (string, error)) error {
	client, err := open(func(options *clickhouse.Options) {
		options.Compression = &clickhouse.Compression{Method: method, Level: 3}
		if seen != nil {
			options.TransportFunc = func(next *http.Transport) (http.RoundTripper, error) {
				seen.next = next
				return seen, nil
			}
		}
	})
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = work(client)
	return err
}
