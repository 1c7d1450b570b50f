/** Rounds of A, B, A, B …: each round begins with another side, so that whatever drifts on the machine meets all of them. */
export type InterleaveInput<Side extends string> = {
  readonly rounds: number;
  readonly sides: readonly Side[];
  readonly unit: string;
  readonly say: (text: string) => void;
  /** Made once per round and used by all sides. */
  readonly prepare?: (round: number) => Promise<void>;
};

export async function interleave<Side extends string>(
  input: InterleaveInput<Side>,
  measure: (side: Side, round: number) => Promise<number>,
): Promise<Readonly<Record<Side, readonly number[]>>> {
  const { rounds, sides, unit, say } = input;
  const values = Object.fromEntries(sides.map((side) => [side, [] as number[]])) as Record<Side, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    await input.prepare?.(round);
    for (let turn = 0; turn < sides.length; turn += 1) {
      const side = sides[(round + turn) % sides.length];
      if (side === undefined) continue;
      const value = await measure(side, round);
      values[side].push(value);
      say(`round ${round + 1} of ${rounds}: ${side} ${shown(value)} ${unit}`);
    }
  }
  return values;
}

export function shown(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
