package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
)

func equal[T comparable](got, wanted T, what string) error {
	if got == wanted {
		return nil
	}
	return fmt.Errorf("%s: got %.120s, wanted %.120s", what, fmt.Sprint(got), fmt.Sprint(wanted))
}

// cell reports one cell; what the work returns or panics with is its failure.
func cell(name string, work func() (string, error)) {
	detail, err := func() (detail string, err error) {
		defer func() {
			if broken := recover(); broken != nil {
				err = fmt.Errorf("panic: %v", broken)
			}
		}()
		return work()
	}()
	if err != nil {
		detail = fmt.Sprintf("%.300s", err)
	}
	print(name, err == nil, detail)
}

func print(name string, ok any, detail string) {
	line, _ := json.Marshal(map[string]any{"client": "clickhouse-go", "cell": name, "ok": ok, "detail": detail})
	fmt.Println(string(line))
}

func version() string {
	about, _ := debug.ReadBuildInfo()
	for _, module := range about.Deps {
		if strings.HasPrefix(module.Path, "github.com/ClickHouse/clickhouse-go/") {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
}
