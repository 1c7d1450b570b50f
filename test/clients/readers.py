"""A million rows of every format that other programs read, equal to what the server says of them by another way. One JSON line per cell."""

import csv
import hashlib
import importlib
import importlib.util
import json
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from python_cases import Report, absent, nanoseconds, statement
from python_request import ask, text_of

QUERY = statement("readers.sql", "")
# What JSON's numbers do not hold for every reader goes out as text.
EXACT = {"output_format_json_quote_64bit_integers": "1", "output_format_json_quote_decimals": "1"}
NANOSECOND, MICROSECOND = 1, 1000


def fetch(directory, form):
    path = Path(directory) / form
    if not path.exists():
        status, _, body = ask(f"{QUERY} FORMAT {form}".encode(), EXACT)
        if status != 200:
            raise AssertionError(f"{status} {body.decode()}")
        path.write_bytes(body)
    return path


def wanted(tick):
    lines = statement("readers-lines.sql", "").replace("QUERY", QUERY).replace("TICK", str(tick))
    return hashlib.sha256(text_of(lines).encode()).hexdigest()


def lines_of_text(rows):
    """(n, s, d, t, k, f, even, g) as the text formats have them."""
    for n, s, d, t, k, f, even, g in rows:
        null = "NULL" if k in (None, "\\N", "") else k
        truth = "1" if even in (True, 1, "1", "true") else "0"
        yield f"{n}\t{s}\t{d}\t{nanoseconds(t)}\t{null}\t{int(float(f) * 8)}\t{truth}\t{g}"


# DuckDB: its timestamp with a time zone has microseconds, which is what a Parquet column with a time zone becomes.
DUCKDB_TYPES = {
    "n": "UBIGINT",
    "s": "VARCHAR",
    "d": "DECIMAL(38, 9)",
    "t": "TIMESTAMP_NS",
    "k": "INTEGER",
    "f": "DOUBLE",
    "even": "INTEGER",
    "g": "VARCHAR",
}


def duckdb_lines(source):
    import duckdb

    line = (
        "concat_ws(chr(9), n::VARCHAR, s, d::VARCHAR, TIME::VARCHAR, coalesce(k::VARCHAR, 'NULL'),"
        " (f * 8)::BIGINT::VARCHAR, even::INTEGER::VARCHAR, g)"
    ).replace("TIME", "epoch_us(t)" if "parquet" in source else "epoch_ns(t)")
    return [row[0] for row in duckdb.sql(f"SELECT {line} FROM {source} ORDER BY n").fetchall()]


def duckdb_parquet(path):
    return duckdb_lines(f"read_parquet('{path}')")


def duckdb_csv(path):
    return duckdb_lines(f"read_csv('{path}', header = true, nullstr = '\\N', columns = {DUCKDB_TYPES})")


def duckdb_json(path):
    return duckdb_lines(f"read_json('{path}', format = 'newline_delimited', columns = {DUCKDB_TYPES})")


def pyarrow_lines(table):
    import pyarrow as pa
    import pyarrow.compute as pc

    def text(name):
        return table[name].cast(pa.string())

    columns = [
        text("n"),
        text("s"),
        text("d"),
        table["t"].cast(pa.int64()).cast(pa.string()),
        pc.fill_null(text("k"), "NULL"),
        pc.cast(pc.multiply(table["f"], 8), pa.int64()).cast(pa.string()),
        table["even"].cast(pa.int64()).cast(pa.string()),
        text("g"),
    ]
    return pc.binary_join_element_wise(*columns, "\t").to_pylist()


def pyarrow_parquet(path):
    return pyarrow_lines(importlib.import_module("pyarrow.parquet").read_table(path))


def pyarrow_arrow(path):
    return pyarrow_lines(importlib.import_module("pyarrow.ipc").open_file(path).read_all())


def pyarrow_arrow_stream(path):
    with path.open("rb") as file:
        return pyarrow_lines(importlib.import_module("pyarrow.ipc").open_stream(file).read_all())


def pyarrow_orc(path):
    return pyarrow_lines(importlib.import_module("pyarrow.orc").ORCFile(path).read())


def pyarrow_types(**others):
    import pyarrow as pa

    types = {"n": pa.uint64(), "s": pa.string(), "d": pa.decimal128(38, 9), "t": pa.timestamp("ns"), "k": pa.int32()}
    return {**types, "f": pa.float64(), "even": pa.int64(), "g": pa.string(), **others}


def pyarrow_csv(path):
    module = importlib.import_module("pyarrow.csv")
    options = module.ConvertOptions(column_types=pyarrow_types(), null_values=["\\N"])
    return pyarrow_lines(module.read_csv(path, convert_options=options))


def pyarrow_json(path):
    import pyarrow as pa

    module = importlib.import_module("pyarrow.json")
    # It takes quoted numbers as text only.
    schema = pa.schema(list(pyarrow_types(n=pa.string(), d=pa.string(), k=pa.string()).items()))
    return pyarrow_lines(module.read_json(path, parse_options=module.ParseOptions(explicit_schema=schema)))


def polars_lines(frame):
    import polars as pl

    columns = [
        pl.col("n").cast(pl.String),
        pl.col("s"),
        pl.col("d").cast(pl.String),
        pl.col("t").dt.timestamp("ns").cast(pl.String),
        pl.col("k").cast(pl.String).fill_null("NULL"),
        (pl.col("f") * 8).cast(pl.Int64).cast(pl.String),
        pl.col("even").cast(pl.Int64).cast(pl.String),
        pl.col("g"),
    ]
    return frame.select(pl.concat_str(columns, separator="\t"))[:, 0].to_list()


def polars_frame(path, reader, **options):
    return getattr(importlib.import_module("polars"), reader)(path, **options)


def polars_csv(path):
    import polars as pl

    types = {"n": pl.UInt64, "d": pl.String, "t": pl.String, "k": pl.Int32, "f": pl.Float64, "even": pl.Int64}
    frame = pl.read_csv(path, schema_overrides=types, null_values=["\\N"])
    return polars_lines(frame.with_columns(pl.col("t").str.to_datetime("%Y-%m-%d %H:%M:%S%.9f", time_unit="ns")))


def python_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        return list(lines_of_text(rows))


def python_json(path):
    with path.open(encoding="utf-8") as file:
        document = json.load(file)
    return list(lines_of_text(row.values() for row in document["data"]))


def python_json_lines(path):
    with path.open(encoding="utf-8") as file:
        return list(lines_of_text(json.loads(line).values() for line in file))


def sqlite_csv(path):
    script = (
        f".mode csv\n.import {path} rows\n.mode list\n"
        "SELECT n || char(9) || s || char(9) || d || char(9) || strftime('%s', substr(t, 1, 19)) || substr(t, 21, 9) || char(9)"
        " || CASE k WHEN '\\N' THEN 'NULL' ELSE k END || char(9) || CAST(f * 8 AS INTEGER) || char(9)"
        " || CASE even WHEN 'true' THEN 1 WHEN '1' THEN 1 ELSE 0 END || char(9) || g FROM rows;\n"
    )
    answer = subprocess.run(["sqlite3"], input=script, capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()


READERS = {
    "DuckDB": ("duckdb", {"Parquet": duckdb_parquet, "CSVWithNames": duckdb_csv, "JSONEachRow": duckdb_json}),
    "pyarrow": (
        "pyarrow",
        {
            "Parquet": pyarrow_parquet,
            "Arrow": pyarrow_arrow,
            "ArrowStream": pyarrow_arrow_stream,
            "ORC": pyarrow_orc,
            "CSVWithNames": pyarrow_csv,
            "JSONEachRow": pyarrow_json,
        },
    ),
    "Polars": (
        "polars",
        {
            "Parquet": lambda path: polars_lines(polars_frame(path, "read_parquet")),
            "Arrow": lambda path: polars_lines(polars_frame(path, "read_ipc", memory_map=False)),
            "ArrowStream": lambda path: polars_lines(polars_frame(path, "read_ipc_stream")),
            "CSVWithNames": polars_csv,
        },
    ),
    "Python csv, json": ("csv", {"CSVWithNames": python_csv, "JSON": python_json, "JSONEachRow": python_json_lines}),
    "SQLite": ("sqlite3", {"CSVWithNames": sqlite_csv}),
}


def read(work, form, directory, digests):
    tick = MICROSECOND if work is duckdb_parquet else NANOSECOND
    lines = work(fetch(directory, form))
    if tick not in digests:
        digests[tick] = wanted(tick)
    got = hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()
    if (len(lines), got) != (1_000_000, digests[tick]):
        raise AssertionError(f"{len(lines)} rows, first <{lines[0]}>, last <{lines[-1]}>")
    if tick == MICROSECOND:
        return "every other value", "a time with a time zone has microseconds there, so its nanoseconds are cut"
    return "every value"


def here(module, reader):
    return shutil.which("sqlite3") if reader == "SQLite" else importlib.util.find_spec(module)


def version_of(package):
    if package == "sqlite3":
        return subprocess.run(["sqlite3", "--version"], capture_output=True, text=True, check=True).stdout.split()[0]
    return platform.python_version() if package == "csv" else importlib.import_module(package).__version__


with tempfile.TemporaryDirectory() as scratch:
    known = {}
    for reader, (package, forms) in READERS.items():
        if not here(package, reader):
            absent(reader)
            continue
        report = Report(reader, version_of(package))
        for each, how in forms.items():
            report.cell(each, lambda how=how, each=each: read(how, each, scratch, known))
