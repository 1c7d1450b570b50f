"""The cells of the matrix with Python's standard library alone: http.client and gzip. One JSON line per cell."""

import gzip
import hashlib
import http.client
import platform

from python_cases import ROWS, Report, equal, exact_rows, statement, until_running, values
from python_request import PASSWORD, ask, authorization, connect, text_of

CLIENT = "Python http.client"
NAME = "python"


def ping():
    link = connect()
    link.request("GET", "/ping")
    equal(link.getresponse().read(), b"Ok.\n", "ping")
    link.close()
    version = text_of("SELECT version()").strip()
    equal(version.replace(".", "").isdigit(), True, version)
    return version


def parameter():
    count = 0
    for _, kind, text, _ in values():
        query = f"SELECT {{value:{kind}}} FORMAT TabSeparated"
        equal(text_of(query, {"param_value": text}), text + "\n", kind)
        count += 1
    return f"{count} values by param_value"


def million(compressed=False):
    headers = {"Accept-Encoding": "gzip"} if compressed else {}
    parameters = {"enable_http_compression": "1"} if compressed else {}
    query = statement("million.sql", NAME) + " FORMAT TabSeparated"
    status, answered, body = ask(query.encode(), parameters, headers)
    equal(status, 200, "status")
    equal(answered.get("Content-Encoding"), "gzip" if compressed else None, "Content-Encoding")
    plain = gzip.decompress(body) if compressed else body
    lines = plain.splitlines()
    total = sum(int(line.split(b"\t", 1)[0]) for line in lines)
    got = f"{len(lines)}\t{total}\t{hashlib.sha256(plain).hexdigest()}\n"
    equal(got, text_of(statement("million-digest.sql", NAME) + " FORMAT TabSeparated"), "1,000,000 rows")
    return f"TabSeparated, {len(body)} bytes"


def insert(compressed=False):
    text_of(f"DROP TABLE IF EXISTS clients_rows_{NAME}")
    text_of(statement("rows-table.sql", NAME))
    plain = "".join("\t".join(row) + "\n" for row in exact_rows()).encode()
    query = {"query": f"INSERT INTO clients_rows_{NAME} FORMAT TabSeparated"}
    if compressed:
        status, _, body = ask(gzip.compress(plain), query, {"Content-Encoding": "gzip"})
    else:
        # An iterator goes out in chunks, without a Content-Length.
        status, _, body = ask((plain[at : at + 65536] for at in range(0, len(plain), 65536)), query)
    equal((status, body), (200, b""), "insert")
    digest = text_of(statement("rows-digest.sql", NAME) + " FORMAT TabSeparated")
    equal(digest, f"{ROWS}\t{hashlib.sha256(plain).hexdigest()}\n", "what the server holds")
    equal(text_of(f"SELECT * FROM clients_rows_{NAME} ORDER BY id FORMAT TabSeparated"), plain.decode(), "read back")
    return "TabSeparated, " + ("gzip" if compressed else "chunked")


def round_trip(name):
    for number, (cell, kind, text, _) in enumerate(values()):
        if cell != name:
            continue
        table = f"clients_value_{NAME}_{number}"
        text_of(f"DROP TABLE IF EXISTS {table}")
        text_of(f"CREATE TABLE {table} (v {kind}) ENGINE = MergeTree ORDER BY tuple()")
        status, _, body = ask((text + "\n").encode(), {"query": f"INSERT INTO {table} FORMAT TabSeparated"})
        equal((status, body), (200, b""), kind)
        equal(text_of(f"SELECT v FROM {table} FORMAT TabSeparated"), text + "\n", kind)
    return "TabSeparated"


def code_of(query, password=PASSWORD):
    status, headers, _ = ask(query.encode(), password=password)
    return status, headers.get("X-ClickHouse-Exception-Code")


def errors():
    equal([code_of("SELECT * FROM clients_nowhere"), code_of("selekt 1")], [(404, "60"), (400, "62")], "codes")
    return "status and X-ClickHouse-Exception-Code"


def late_error():
    query = "SELECT number, throwIf(number = 900000, 'late failure') FROM numbers(1000000) FORMAT TabSeparated"
    try:
        status, _, body = ask(query.encode())
    except http.client.IncompleteRead as error:
        equal(b"late failure" in error.partial, True, "the exception in what was read")
        return f"IncompleteRead after {len(error.partial)} bytes, the exception at their end"
    equal((status, b"late failure" in body), (500, True), "status and exception")
    return f"status {status}"


def session():
    within = {"session_id": f"clients-{NAME}", "session_timeout": "60"}
    text_of("CREATE TEMPORARY TABLE clients_temporary (n UInt8)", within)
    text_of("INSERT INTO clients_temporary VALUES (7)", within)
    equal(text_of("SELECT n FROM clients_temporary", within), "7\n", "within the session")
    equal(code_of("SELECT n FROM clients_temporary"), (404, "60"), "outside of the session")
    return "session_id, session_timeout"


def running():
    return int(
        text_of(
            f"SELECT count() FROM system.processes WHERE query LIKE '%clients-cancel-{NAME}%'"
            " AND query NOT LIKE '%system.processes%'"
        )
    )


def cancel():
    link = connect()
    query = (
        f"SELECT 'clients-cancel-{NAME}', sleepEachRow(0.5) FROM numbers(240)"
        " SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0"
    )
    link.request("POST", "/", query, {"Authorization": authorization()})
    until_running(running, 1)
    link.close()
    until_running(running, 0)
    return "connection closed while running"


def wrong_password():
    equal(code_of("SELECT 1", password="not it"), (403, "516"), "status and code")
    return "403, code 516"


report = Report(CLIENT, platform.python_version())
report.cell("ping", ping)
report.cell("parameter", parameter)
report.cell("million", million)
report.cell("insert", insert)
for each in dict.fromkeys(cell for cell, *_ in values() if cell != "parameter"):
    report.cell(each, lambda each=each: round_trip(each))
report.cell("error", errors)
report.cell("late_error", late_error)
report.cell("compressed_result", lambda: million(compressed=True))
report.cell("compressed_insert", lambda: insert(compressed=True))
report.cell("session", session)
report.cell("cancel", cancel)
report.cell("wrong_password", wrong_password)
