"""The cells of the matrix with clickhouse-connect, the official Python client. One JSON line per cell."""

import hashlib
import sys
import threading
from decimal import Decimal
from urllib.parse import urlsplit

from python_cases import (
    ROWS,
    Report,
    absent,
    connection,
    equal,
    exact_rows,
    nanoseconds,
    native,
    statement,
    until_running,
    values,
)

CLIENT = "clickhouse-connect"
NAME = "connect"
URL, USER, PASSWORD = connection()

try:
    import clickhouse_connect
    import urllib3
    from clickhouse_connect.driver.compression import available_compression
    from clickhouse_connect.driver.exceptions import ClickHouseError, StreamFailureError
except ImportError:
    absent(CLIENT)
    sys.exit(0)

ENCODINGS = [name for name in ("lz4", "zstd", "br", "gzip") if name in available_compression]


class Answers(urllib3.PoolManager):
    """Notes how the last answer was encoded: a client would take a plain one in silence."""

    encoding = None

    def urlopen(self, *arguments, **options):
        answer = super().urlopen(*arguments, **options)
        self.encoding = answer.headers.get("Content-Encoding")
        return answer


def connect(**options):
    host = urlsplit(URL)
    given = {"password": PASSWORD, "compress": False, "autogenerate_session_id": False, **options}
    return clickhouse_connect.get_client(host=host.hostname, port=host.port, username=USER, **given)


def ping():
    equal(client.ping(), True, "ping")
    version = client.server_version
    equal(client.command("SELECT version()"), version, "version")
    return version


def parameter():
    count = 0
    for _, kind, text, value in values():
        # This client writes a map as JSON, which ClickHouse does not take for a Map.
        if kind.startswith("Map"):
            continue
        # Bound as text: this client writes a datetime without its nanoseconds.
        bound = value if kind.startswith("DateTime64") else native(kind, value)
        query = f"SELECT formatRowNoNewline('TabSeparated', {{value:{kind}}}) AS text"
        equal(client.query(query, parameters={"value": bound}).result_rows, [(text,)], kind)
        count += 1
    limit = "a Map goes out as JSON, which ClickHouse does not take for one; a DateTime64 has to be given as text to keep its nanoseconds"
    return f"{count} values by parameters=", limit


def million(asking):
    digest, count, total = hashlib.sha256(), 0, 0
    with asking.query_row_block_stream(statement("million.sql", NAME)) as blocks:
        for block in blocks:
            digest.update("".join(f"{n}\t{s}\t{d}\n" for n, s, d in block).encode())
            count += len(block)
            total += sum(row[0] for row in block)
    wanted = client.query(statement("million-digest.sql", NAME)).result_rows
    equal([(count, str(total), digest.hexdigest())], wanted, "1,000,000 rows")
    return "Native, streamed in blocks"


def insert(asking):
    client.command(f"DROP TABLE IF EXISTS clients_rows_{NAME}")
    client.command(statement("rows-table.sql", NAME))
    rows = [(int(id), name, Decimal(amount), nanoseconds(at)) for id, name, amount, at in exact_rows()]
    asking.insert(f"clients_rows_{NAME}", rows, column_names=["id", "name", "amount", "at"])
    plain = "".join("\t".join(row) + "\n" for row in exact_rows()).encode()
    digest = client.query(statement("rows-digest.sql", NAME)).result_rows
    equal(digest, [(ROWS, hashlib.sha256(plain).hexdigest())], "what the server holds")
    formats = {"DateTime64": "int"}
    back = client.query(f"SELECT * FROM clients_rows_{NAME} ORDER BY id", query_formats=formats)
    equal(back.result_rows == rows, True, "read back")
    return "Native"


def round_trip(name):
    for number, (cell, kind, text, value) in enumerate(values()):
        if cell != name:
            continue
        table = f"clients_value_{NAME}_{number}"
        client.command(f"DROP TABLE IF EXISTS {table}")
        client.command(f"CREATE TABLE {table} (v {kind}) ENGINE = MergeTree ORDER BY tuple()")
        client.insert(table, [[native(kind, value)]], column_names=["v"])
        query = f"SELECT v, formatRowNoNewline('TabSeparated', v) AS text FROM {table}"
        answer = client.query(query, query_formats={"DateTime64": "int"})
        equal(answer.result_rows, [(native(kind, value), text)], kind)
    return "Native"


def code_of(query, asking=None):
    try:
        (asking or client).query(query)
    except ClickHouseError as error:
        return str(error)
    return "no error"


def errors():
    for query, code in (("SELECT * FROM clients_nowhere", "60"), ("selekt 1", "62")):
        said = code_of(query)
        equal(f"code: {code}," in said, True, said)
    return "DatabaseError with the code"


def late_error():
    query = "SELECT number, throwIf(number = 900000, 'late failure') FROM numbers(1000000)"
    count = 0
    try:
        with client.query_row_block_stream(query) as blocks:
            for block in blocks:
                count += len(block)
    except StreamFailureError as error:
        equal("late failure" in str(error), True, str(error))
        return f"StreamFailureError with the exception itself after {'some' if count else 'no'} rows"
    raise AssertionError(f"{count} rows and no error")


def compressed_result():
    for encoding in ENCODINGS:
        answers = Answers()
        million(connect(compress=encoding, pool_mgr=answers))
        equal(answers.encoding, encoding, "Content-Encoding")
    return ", ".join(ENCODINGS)


def compressed_insert():
    for encoding in ENCODINGS:
        insert(connect(compress=encoding))
    return ", ".join(ENCODINGS)


def session():
    within = connect(session_id=f"clients-{NAME}")
    within.command("CREATE TEMPORARY TABLE clients_temporary (n UInt8)")
    within.insert("clients_temporary", [[7]], column_names=["n"])
    equal(within.query("SELECT n FROM clients_temporary").result_rows, [(7,)], "within the session")
    equal("code: 60," in code_of("SELECT n FROM clients_temporary"), True, "outside of the session")
    return "session_id"


def running():
    return client.query(
        f"SELECT count() FROM system.processes WHERE query LIKE '%clients-cancel-{NAME}%'"
        " AND query NOT LIKE '%system.processes%'"
    ).result_rows[0][0]


def cancel():
    leaving = connect(settings={"max_block_size": 1, "function_sleep_max_microseconds_per_block": 0})
    query = f"SELECT 'clients-cancel-{NAME}', sleepEachRow(0.5) FROM numbers(240)"
    asking = threading.Thread(target=lambda: code_of(query, leaving), daemon=True)
    asking.start()
    until_running(running, 1)
    client.command(f"KILL QUERY WHERE query LIKE '%clients-cancel-{NAME}%' AND query NOT LIKE '%system.processes%'")
    until_running(running, 0)
    return "KILL QUERY", "it cannot leave a query that gave no row yet; KILL QUERY ends it"


def wrong_password():
    try:
        connect(password="not it")
    except ClickHouseError as error:
        equal("516" in str(error), True, str(error))
        return "code 516"
    raise AssertionError("no error")


report = Report(CLIENT, clickhouse_connect.__version__)
try:
    client = connect()
except ClickHouseError as error:
    said = f"cannot connect: {error}"[:300]
    client = None


def connected(work):
    if client is None:
        raise AssertionError(said)
    return work()


report.cell("ping", lambda: connected(ping))
report.cell("parameter", lambda: connected(parameter))
report.cell("million", lambda: connected(lambda: million(client)))
report.cell("insert", lambda: connected(lambda: insert(client)))
for each in dict.fromkeys(cell for cell, *_ in values() if cell != "parameter"):
    report.cell(each, lambda each=each: connected(lambda: round_trip(each)))
report.cell("error", lambda: connected(errors))
report.cell("late_error", lambda: connected(late_error))
report.cell("compressed_result", lambda: connected(compressed_result))
report.cell("compressed_insert", lambda: connected(compressed_insert))
report.cell("session", lambda: connected(session))
report.cell("cancel", lambda: connected(cancel))
report.cell("wrong_password", lambda: connected(wrong_password))
