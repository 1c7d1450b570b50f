/**
 * Memory for the rows of batches, used again and again: the rows of a batch take 32 MB, and touching as much fresh memory cost 5 of the 22 µs that the sink needed
 * per event. An ordinary event's row is written as soon as it is decoded. Keeping all parts of 50,000 events until their verdicts were known
 * cost another 6 µs, in the garbage collector (2026-11-28, `test/bench`).
 */
import type { BatchRows, EncodedRows } from "../app/ports.ts";
import type { BatchPlace, DecidedRow, DecodedEvent, WrittenEvent, WrittenRow } from "../domain/usage-event.ts";
import { assert, present } from "../kernel/assert.ts";
import {
  rewriteVerdict,
  writeBatchPlace,
  writeContent,
  writeEventPlace,
  writeNoRetraction,
  writeNoUses,
  writeUsageRow,
  writeUses,
} from "./encode-usage-rows.ts";
import { createRowBinary, FIXED_BYTES_MAX, reserve, type RowBinary } from "./row-binary.ts";
import { isSpecial } from "./special-row.ts";

/** One batch is being inserted while the next one is made; of each there may be the rows as written and as decided. */
const SPARE_MAX = 4;
const FIRST_BYTES = 64 * 1024;

export function batchRowsMemory(): () => BatchRows {
  const spare: RowBinary[] = [];
  return () => new RowsOfBatch(spare);
}

/** Where the parts of a written row begin, in this order. */
const Place = { start: 0, verdict: 1, uses: 2 } as const;
const PLACES = 3;

class RowsOfBatch implements BatchRows {
  private readonly spare: RowBinary[];
  private readonly written: RowBinary;
  /** Start, verdict and uses of each written row, one behind the other. */
  private readonly places: number[] = [];
  /** Written rows that are special while they count. */
  private readonly special = new Set<number>();
  private count = 0;
  private uses = 0;
  private decided: RowBinary | null = null;
  private released = false;

  constructor(spare: RowBinary[]) {
    this.spare = spare;
    this.written = emptyOf(spare);
  }

  write(event: DecodedEvent): WrittenEvent {
    const output = this.written;
    reserve(output, FIXED_BYTES_MAX);
    const start = output.at;
    writeEventPlace(output, event);
    const verdictAt = writeContent(output, event, "accepted");
    this.places.push(start, verdictAt, output.at);
    writeUses(output, event.uses);
    writeNoRetraction(output);
    const { seq, position, eventKey, bodyHash } = event;
    const row = this.count;
    if (isSpecial(event)) this.special.add(row);
    this.count += 1;
    this.uses += event.uses.length;
    return { seq, position, eventKey, bodyHash, row, verdict: "accepted" };
  }

  encoded(rows: readonly DecidedRow[], batch: BatchPlace): EncodedRows {
    for (let row = 0; row < this.count; row += 1) writeBatchPlace(this.written, this.placeOf(row, Place.start), batch);
    const output = this.isAsWritten(rows) ? this.written : this.inOrder(rows);
    return {
      bytes: output.buffer.subarray(0, output.at),
      special: rows.some((row) => this.isSpecial(row)),
      uses: rows.reduce((uses, row) => uses + ("row" in row ? 0 : row.uses.length), this.uses),
    };
  }

  release(): void {
    assert(!this.released, "the memory of a batch is given back once");
    this.released = true;
    for (const output of [this.written, this.decided])
      if (output !== null && this.spare.length < SPARE_MAX) this.spare.push(output);
  }

  private isSpecial(row: DecidedRow): boolean {
    if (!("row" in row)) return isSpecial(row);
    return row.verdict === "accepted" && this.special.has(row.row);
  }

  /** All of them count, and there are no others: the usual batch. */
  private isAsWritten(rows: readonly DecidedRow[]): boolean {
    return rows.length === this.count && rows.every((row) => "row" in row && row.verdict === "accepted");
  }

  private inOrder(rows: readonly DecidedRow[]): RowBinary {
    const output = (this.decided ??= emptyOf(this.spare));
    output.at = 0;
    for (const row of rows) {
      if ("row" in row) this.copy(row, output);
      else writeUsageRow(output, row);
    }
    return output;
  }

  /** What doesn't count has no uses; the rest of the row is the same. */
  private copy({ row, verdict }: WrittenRow, output: RowBinary): void {
    const counts = verdict === "accepted";
    const start = this.placeOf(row, Place.start);
    const end = counts ? this.endOf(row) : this.placeOf(row, Place.uses);
    reserve(output, end - start);
    const at = output.at;
    this.written.buffer.copy(output.buffer, at, start, end);
    output.at = at + end - start;
    if (counts) return;
    writeNoUses(output);
    writeNoRetraction(output);
    rewriteVerdict(output, at + this.placeOf(row, Place.verdict) - start, verdict);
  }

  private placeOf(row: number, place: (typeof Place)[keyof typeof Place]): number {
    return present(this.places[row * PLACES + place], "the place of a written row");
  }

  private endOf(row: number): number {
    return this.places[(row + 1) * PLACES] ?? this.written.at;
  }
}

function emptyOf(spare: RowBinary[]): RowBinary {
  const output = spare.pop() ?? createRowBinary(FIRST_BYTES);
  output.at = 0;
  return output;
}
