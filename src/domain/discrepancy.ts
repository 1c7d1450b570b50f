/** One thing that is not as it should be, named so that a person can go and look: the table, the row's key, and what is wrong. */
export type Discrepancy = {
  readonly check: string;
  readonly table: string;
  readonly key: string;
  readonly problem: string;
};
