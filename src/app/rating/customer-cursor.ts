/**
 * Rows that come in the order of their customers, read beside others in the same order: whoever asks for one customer after the other
 * gets each one's rows, and no more than one piece of them is in memory. The first piece is asked for at once, so that several cursors wait for
 * their queries together.
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
  let reading: ReturnType<typeof source.next> | undefined = source.next();
  // Whoever asks for a customer hears of a failure.
  reading.catch(() => undefined);
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
      const read = await (reading ?? source.next());
      reading = undefined;
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
