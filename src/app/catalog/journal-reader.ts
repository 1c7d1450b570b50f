/**
 * Reads the journal as far as is asked for and folds it. The newest state is kept and read on; for an older one (a replayed batch, a repeated run)
 * the nearest state before it that is still at hand is read on. Calls are served one after the other, so that entries are read once.
 */
import { AppError } from "../../kernel/errors.ts";
import type { Journal } from "../ports.ts";
import { emptyJournalState, startFold, type JournalState } from "./fold-journal.ts";

export type JournalReader = {
  /** The state at the journal's head. */
  readonly head: () => Promise<JournalState>;
  /** The state as of a sequence; throws `not_found` beyond the head. */
  readonly at: (seq: number) => Promise<JournalState>;
};

/** Older states at hand: repeated runs ask for them in order, each a little after the one before. */
const STATES_KEPT = 8;

export function createJournalReader(journal: Journal): JournalReader {
  let newest = emptyJournalState();
  let older: readonly JournalState[] = [];
  let line: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const turn = line.then(run, run);
    line = turn.catch(() => undefined);
    return turn;
  };
  const advance = async (seq: number): Promise<JournalState> => {
    newest = await readOn({ journal, state: newest, upTo: seq });
    return newest;
  };
  const goBack = async (seq: number): Promise<JournalState> => {
    const before = older.filter((state) => state.head.seq <= seq);
    const nearest = before.reduce((a, b) => (a.head.seq >= b.head.seq ? a : b), emptyJournalState());
    const state = await readOn({ journal, state: nearest, upTo: seq });
    older = [state, ...older.filter((other) => other !== nearest && other.head.seq !== seq)].slice(0, STATES_KEPT);
    return state;
  };
  return {
    head: () => inTurn(async () => advance((await journal.head()).seq)),
    at: (seq) => inTurn(() => (seq >= newest.head.seq ? advance(seq) : goBack(seq))),
  };
}

async function readOn(input: {
  readonly journal: Journal;
  readonly state: JournalState;
  readonly upTo: number;
}): Promise<JournalState> {
  if (input.upTo <= input.state.head.seq) return input.state;
  const fold = startFold(input.state);
  for await (const entry of input.journal.read({ after: input.state.head.seq, upTo: input.upTo })) fold.add(entry);
  const state = fold.state();
  if (state.head.seq >= input.upTo) return state;
  throw new AppError({
    code: "JOURNAL_TOO_SHORT",
    kind: "not_found",
    message: `The journal ends at entry ${String(state.head.seq)}, entry ${String(input.upTo)} was asked for: was the stream JOURNAL restored from an older backup?`,
  });
}
