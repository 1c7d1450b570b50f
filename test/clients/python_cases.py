"""What all clients are asked, and how a cell is reported, for the clients in Python."""

import json
import os
import time
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

CASES = Path(__file__).parent / "cases"
ROWS = 100_000
POLLS_MAX = 60
POLL_SECONDS = 0.5
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def connection():
    """Where the server is, and who asks."""
    return os.environ["CLICKHOUSE_URL"], os.environ["CLICKHOUSE_USER"], os.environ["CLICKHOUSE_PASSWORD"]


def values():
    """(cell, type, text as the server writes it in TabSeparated, value)."""
    lines = (CASES / "values.tsv").read_text("utf-8").rstrip("\n").split("\n")
    for cell, kind, text, value in (line.split("\t") for line in lines):
        yield cell, kind, text, json.loads(value)


def statement(file, client):
    return (CASES / file).read_text("utf-8").replace("CLIENT", client).strip()


def exact_rows():
    """Rows that no float holds, in the order of their ids, as (id, name, amount, time) in text."""
    for i in range(ROWS):
        yield str(2**64 - ROWS + i), f"name {i}", f"{i}.000000000000000001", f"2026-01-01 00:00:00.{i:09d}"


def nanoseconds(text):
    """A DateTime64(9) as a whole number: no type of the standard library holds it."""
    whole, fraction = text.split(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc)
    return (moment - EPOCH).days * 86400 * 10**9 + (moment - EPOCH).seconds * 10**9 + int(fraction)


def native(kind, value):
    """The value as a Python program holds it; a DateTime64(9) as nanoseconds since the epoch."""
    if value is None:
        return None
    if kind.startswith("Array(UInt64"):
        return [int(item) for item in value]
    if kind.startswith("Map"):
        return {key: int(item) for key, item in value.items()}
    makers = {
        "Decimal": Decimal,
        "Nullable(Decimal": Decimal,
        "UInt64": int,
        "Int64": int,
        "UUID": UUID,
        "DateTime64": nanoseconds,
        "DateTime(": lambda text: datetime.fromisoformat(text).replace(tzinfo=timezone.utc),
        "Date": date.fromisoformat,
    }
    return next((make(value) for start, make in makers.items() if kind.startswith(start)), value)


class Report:
    """Prints one line per cell; what a cell raises is its failure."""

    def __init__(self, client, version):
        self.client = client
        self.print("version", None, version)

    def cell(self, name, work):
        """The work gives its detail, or a pair of it and what the client itself cannot do of the cell."""
        try:
            done = work()
            ok, (detail, limit) = True, done if isinstance(done, tuple) else (done, None)
        except Exception as error:  # noqa: BLE001  every failure is a result here
            ok, detail, limit = False, f"{type(error).__name__}: {error}"[:300], None
        self.print(name, ok, detail, limit)

    def print(self, name, ok, detail, limit=None):
        limits = {} if limit is None else {"limit": limit}
        line = {"client": self.client, "cell": name, "ok": ok, "detail": detail, **limits}
        print(json.dumps(line), flush=True)


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {str(got)[:120]}, wanted {str(wanted)[:120]}")


def until_running(count_running, wanted):
    """Until a query that runs is seen, or one that was left is gone."""
    for _ in range(POLLS_MAX):
        if count_running() == wanted:
            return
        time.sleep(POLL_SECONDS)
    raise AssertionError("still running after it was left" if wanted == 0 else "never seen in system.processes")


def absent(package):
    """A client that is not here says so, and claims nothing."""
    print(json.dumps({"client": package, "cell": None, "ok": None, "detail": "not installed"}))
