/**
 * Rows that come in the order of their customers, read beside others in the same order: whoever asks for one customer after the other
 * gets each one's rows, and no more than one piece of them is in memory.
 */
export type CustomerCursor<Row> = {
  /** Hands over the customer's rows; those of earlier customers are left out. Customers are asked for in the order of their keys. */
  each(customer: string, visit: (row: Row) => void): Promise<void>;
  all(customer: string): Promise<readonly Row[]>;
  close(): Promise<void>;
};

export function customerCursor<Row extends { readonly customer: string }>(
  pieces: AsyncIterable<readonly Row[]>,
): CustomerCursor<Row> {
  const source = pieces[Symbol.asyncIterator]();
  let piece: readonly Row[] = [];
  let next = 0;
  let ended = false;

  async function each(customer: string, visit: (row: Row) => void): Promise<void> {
    for (;;) {
      for (; next < piece.length; next += 1) {
        const row = piece[next] as Row;
        if (row.customer > customer) return;
        if (row.customer === customer) visit(row);
      }
      if (ended) return;
      const read = await source.next();
      ended = read.done === true;
      piece = read.done === true ? [] : read.value;
      next = 0;
    }
  }

  return {
    each,
    async all(customer) {
      const rows: Row[] = [];
      await each(customer, (row) => void rows.push(row));
      return rows;
    },
    async close() {
      await source.return?.(undefined);
    },
  };
}

/** Rows that come one by one, as pieces of one. */
export async function* singly<Row>(rows: AsyncIterable<Row>): AsyncGenerator<readonly Row[]> {
  for await (const row of rows) yield [row];
}

/** Rows that are all read at once, beginning now, and wait in memory: their query ends by itself, whether or not anybody asks for them. */
export function collected<Row>(rows: AsyncIterable<Row>): AsyncIterable<readonly Row[]> {
  const reading = collect(rows);
  // Whoever asks for the rows hears of a failure.
  reading.catch(() => undefined);
  let handedOver = false;
  const iterator: AsyncIterator<readonly Row[], undefined> = {
    async next() {
      if (handedOver) return { done: true, value: undefined };
      handedOver = true;
      return { done: false, value: await reading };
    },
    async return() {
      await reading.catch(() => undefined);
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

export async function collect<Row>(rows: AsyncIterable<Row>): Promise<readonly Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
