#!/bin/sh
# The cells of the matrix with curl: CLICKHOUSE_URL, CLICKHOUSE_USER and CLICKHOUSE_PASSWORD say where. One JSON line per cell.
set -u
cases=$(dirname -- "$0")/cases
w=$(mktemp -d) || exit 1
trap 'rm -rf "$w"' EXIT
tab=$(printf '\t')
# Until a query that runs is seen, and until one that was left is gone.
POLLS_MAX=60
POLL_SECONDS=0.5

# ask CURL-ARGUMENTS…: the body in $w/body, the headers in $w/headers, the status printed.
ask() {
  curl -sS -o "$w/body" -D "$w/headers" -w '%{http_code}' -u "$CLICKHOUSE_USER:$CLICKHOUSE_PASSWORD" "$@" 2> "$w/stderr"
}
query() {
  statement=$1
  shift
  ask "$@" --data-binary "$statement" "$CLICKHOUSE_URL/"
}
statement_of() { sed 's/CLIENT/curl/g' "$cases/$1"; }
header() { sed -n "s/^$1: *\([^\r]*\)\r*$/\1/Ip" "$w/headers" | head -n 1; }
body() { head -c 300 "$w/body" 2> /dev/null; }
sha256() { sha256sum | cut -d ' ' -f 1; }

# cell NAME true|false|null DETAIL
cell() {
  detail=$(printf '%s' "$3" | LC_ALL=C tr -c '[:print:]\200-\377' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g')
  printf '{"client":"curl","cell":"%s","ok":%s,"detail":"%s"}\n' "$1" "$2" "$detail"
}
# equal CELL GOT WANTED DETAIL
equal() {
  if [ "$2" = "$3" ]; then cell "$1" true "$4"; else cell "$1" false "got <$2>, wanted <$3>"; fi
}

ping() {
  pong=$(curl -sS "$CLICKHOUSE_URL/ping" 2>&1)
  query 'SELECT version()' > "$w/status"
  equal ping "$pong $(cat "$w/status") $(body | grep -c '^[0-9.]*$')" 'Ok. 200 1' "$(body)"
}

parameter() {
  failures=
  while IFS="$tab" read -r _ type text _; do
    status=$(ask -G --data-urlencode "param_value=$text" \
      --data-urlencode "query=SELECT {value:$type} AS v FORMAT TabSeparated" "$CLICKHOUSE_URL/")
    got=$(body; echo .)
    [ "$status $got" = "200 $text
." ] || failures="$failures $type: $status $got;"
  done < "$cases/values.tsv"
  equal parameter "$failures" '' "$(wc -l < "$cases/values.tsv") values by param_value"
}

million() {
  digest=$(query "$(statement_of million-digest.sql) FORMAT TabSeparated"; printf ' '; cat "$w/body")
  status=$(query "$(statement_of million.sql) FORMAT TabSeparated")
  got=$(printf '%s %s\t%s\t%s' "$status" "$(wc -l < "$w/body")" "$(awk -F '\t' '{ n += $1 } END { printf "%.0f", n }' "$w/body")" "$(sha256 < "$w/body")")
  equal million "$got" "$digest" "$(wc -c < "$w/body") bytes of TabSeparated"
}

rows() {
  awk 'BEGIN { for (i = 0; i < 100000; i++)
    printf "18446744073709%06d\tname %d\t%d.000000000000000001\t2026-01-01 00:00:00.%09d\n", 451616 + i, i, i, i }'
}
insert() {
  query 'DROP TABLE IF EXISTS clients_rows_curl' > "$w/status"
  query "$(statement_of rows-table.sql)" > "$w/status"
  rows > "$w/rows"
  status=$(ask -T - "$CLICKHOUSE_URL/?query=INSERT%20INTO%20clients_rows_curl%20FORMAT%20TabSeparated" < "$w/rows"; body)
  digest=$(query "$(statement_of rows-digest.sql) FORMAT TabSeparated"; printf ' '; cat "$w/body")
  query 'SELECT * FROM clients_rows_curl ORDER BY id FORMAT TabSeparated' > "$w/status"
  sum=$(sha256 < "$w/rows")
  equal insert "$status $(sha256 < "$w/body") $digest" "200 $sum 200 100000$tab$sum" 'TabSeparated, chunked'
}

values() {
  number=0
  failures=
  previous=
  while IFS="$tab" read -r name type text _; do
    [ "$name" = parameter ] && continue
    if [ "$name" != "$previous" ]; then
      [ -n "$previous" ] && equal "$previous" "$failures" '' 'TabSeparated'
      previous=$name
      failures=
    fi
    number=$((number + 1))
    table=clients_value_curl_$number
    query "DROP TABLE IF EXISTS $table" > "$w/status"
    query "CREATE TABLE $table (v $type) ENGINE = MergeTree ORDER BY tuple()" > "$w/status"
    printf '%s\n' "$text" > "$w/value"
    status=$(ask --data-binary "@$w/value" "$CLICKHOUSE_URL/?query=INSERT%20INTO%20$table%20FORMAT%20TabSeparated"; body)
    query "SELECT v FROM $table FORMAT TabSeparated" > "$w/status"
    cmp -s "$w/value" "$w/body" || failures="$failures $type: $status $(body);"
  done < "$cases/values.tsv"
  [ -n "$previous" ] && equal "$previous" "$failures" '' 'TabSeparated'
}

errors() {
  missing="$(query 'SELECT * FROM clients_nowhere') $(header X-ClickHouse-Exception-Code)"
  wrong="$(query 'selekt 1') $(header X-ClickHouse-Exception-Code)"
  equal error "$missing, $wrong" '404 60, 400 62' 'status and X-ClickHouse-Exception-Code'
}

late_error() {
  status=$(query "SELECT number, throwIf(number = 900000, 'late failure') FROM numbers(1000000) FORMAT TabSeparated")
  left=$?
  said=$(grep -a -c 'late failure' "$w/body")
  [ "$left" -ne 0 ] || [ "$status" != 200 ] && seen=failure || seen=success
  equal late_error "$seen $said" 'failure 1' "curl left with $left, status $status, the exception at the end of the body"
}

# with_encodings FUNCTION CELL: every encoding for which there is a tool, and the others named.
with_encodings() {
  failures=
  tried=
  untried=
  for encoding in gzip:gzip zstd:zstd lz4:lz4 br:brotli; do
    tool=${encoding#*:}
    command -v "$tool" > "$w/which" || { untried="$untried ${encoding%:*}"; continue; }
    tried="$tried ${encoding%:*}"
    "$1" "${encoding%:*}" "$tool"
  done
  equal "$2" "$failures" '' "$tried${untried:+ (no tool here for:$untried)}"
}
compressed_one() {
  status=$(ask -H "Accept-Encoding: $1" --data-binary "$(statement_of million.sql) FORMAT TabSeparated" "$CLICKHOUSE_URL/?enable_http_compression=1")
  got="$status $(header Content-Encoding) $("$2" -d -c < "$w/body" 2>&1 | sha256)"
  [ "$got" = "200 $1 $plain" ] || failures="$failures $1: $got;"
}
compressed_result() {
  query "$(statement_of million.sql) FORMAT TabSeparated" > "$w/status"
  plain=$(sha256 < "$w/body")
  with_encodings compressed_one compressed_result
}
sent_one() {
  query 'TRUNCATE TABLE clients_rows_curl' > "$w/status"
  rows | "$2" -c > "$w/rows.$1"
  status=$(ask -H "Content-Encoding: $1" --data-binary "@$w/rows.$1" "$CLICKHOUSE_URL/?query=INSERT%20INTO%20clients_rows_curl%20FORMAT%20TabSeparated"; body)
  query 'SELECT * FROM clients_rows_curl ORDER BY id FORMAT TabSeparated' > "$w/status"
  [ "$status $(sha256 < "$w/body")" = "200 $(rows | sha256)" ] || failures="$failures $1: $status;"
}
compressed_insert() { with_encodings sent_one compressed_insert; }

session() {
  in_session="$CLICKHOUSE_URL/?session_id=clients-curl-$$&session_timeout=60"
  made=$(ask --data-binary 'CREATE TEMPORARY TABLE clients_temporary (n UInt8)' "$in_session"; body)
  filled=$(ask --data-binary 'INSERT INTO clients_temporary VALUES (7)' "$in_session"; body)
  within=$(ask --data-binary 'SELECT n FROM clients_temporary' "$in_session"; body)
  outside="$(query 'SELECT n FROM clients_temporary') $(header X-ClickHouse-Exception-Code)"
  equal session "$made $filled $within $outside" '200 200 2007 404 60' 'session_id, session_timeout'
}

running() {
  query "SELECT count() FROM system.processes WHERE query LIKE '%clients-cancel-curl%' AND query NOT LIKE '%system.processes%' FORMAT TabSeparated" > "$w/status"
  body
}
until_running() {
  polls=0
  while [ "$(running)" != "$1" ]; do
    polls=$((polls + 1))
    [ "$polls" -ge "$POLLS_MAX" ] && return 1
    sleep "$POLL_SECONDS"
  done
}
cancel() {
  curl -sS -o "$w/left" -u "$CLICKHOUSE_USER:$CLICKHOUSE_PASSWORD" "$CLICKHOUSE_URL/" \
    --data-binary "SELECT 'clients-cancel-curl', sleepEachRow(0.5) FROM numbers(240) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0" 2> "$w/stderr-left" &
  pid=$!
  until_running 1 && seen=seen || seen='never seen in system.processes'
  kill "$pid"
  until_running 0 && gone=gone || gone='still running'
  wait "$pid"
  equal cancel "$seen $gone" 'seen gone' 'connection closed while running'
}

wrong_password() {
  status=$(curl -sS -o "$w/body" -D "$w/headers" -w '%{http_code}' -u "$CLICKHOUSE_USER:not it" --data-binary 'SELECT 1' "$CLICKHOUSE_URL/" 2>&1)
  equal wrong_password "$status $(header X-ClickHouse-Exception-Code)" '403 516' 'status and X-ClickHouse-Exception-Code'
}

cell version null "$(curl --version | awk 'NR == 1 { print $2 }')"
ping
parameter
million
insert
values
errors
late_error
compressed_result
compressed_insert
session
cancel
wrong_password
