/**
 * A table of ClickHouse with a deduplication window: a block whose token is among the last N is dropped, an older one is forgotten. A block and
 * its token are stored together or not at all.
 */
export class ModelTable<Row> {
  readonly name: string;
  private stored: Row[] = [];
  private window: string[] = [];
  private readonly windowBlocks: number;
  private blockCount = 0;
  private readonly tokens = new Set<string>();

  constructor(name: string, windowBlocks: number) {
    this.name = name;
    this.windowBlocks = windowBlocks;
  }

  get rows(): readonly Row[] {
    return this.stored;
  }

  /** Blocks ever stored. */
  get blocks(): number {
    return this.blockCount;
  }

  /** False when the token was recognised. An empty block is no block, and leaves no token. */
  insert(token: string, rows: readonly Row[]): boolean {
    if (rows.length === 0) return true;
    if (this.window.includes(token)) return false;
    this.tokens.add(token);
    this.remember(token);
    for (const row of rows) this.stored.push(row);
    this.blockCount += 1;
    return true;
  }

  /** Puts the token of a stored block back into the window, as if somebody had looked whether the block is there. */
  recall(token: string): void {
    if (!this.tokens.has(token)) return;
    this.window = this.window.filter((kept) => kept !== token);
    this.remember(token);
  }

  copy(): ModelTable<Row> {
    const copy = new ModelTable<Row>(this.name, this.windowBlocks);
    copy.stored = [...this.stored];
    copy.window = [...this.window];
    copy.blockCount = this.blockCount;
    for (const token of this.tokens) copy.tokens.add(token);
    return copy;
  }

  private remember(token: string): void {
    this.window.push(token);
    if (this.window.length > this.windowBlocks) this.window.shift();
  }
}
