"""What all clients are asked, and how a cell is reported, for the clients in Python."""

import json
import os
import sys
import time
from pathlib import Path

CASES = Path(__file__).parent / "cases"
ROWS = 100_000
POLLS_MAX = 60
POLL_SECONDS = 0.5


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


class Report:
    """Prints one line per cell; what a cell raises is its failure."""

    def __init__(self, client):
        self.client = client

    def cell(self, name, work):
        try:
            ok, detail = True, work()
        except Exception as error:  # noqa: BLE001  every failure is a result here
            ok, detail = False, f"{type(error).__name__}: {error}"[:300]
        print(json.dumps({"client": self.client, "cell": name, "ok": ok, "detail": detail}), flush=True)


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
    sys.exit(0)
