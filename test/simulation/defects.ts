/**
 * Mistakes that can be planted around the protocol, each in the model or in a port: the simulation is only worth something if it finds them.
 * The product has no such switches.
 */
export const DEFECTS = {
  "no-token": "every attempt of an insert carries a token of its own",
  "token-without-incarnation": "the token names shard and range only",
  "no-fence": "the insert does not look at sink_fence",
  "outlived-plan": "a batch is inserted again although its token may be forgotten",
  "commit-by-token-only": "a repeated commit is recognised by its token alone",
  "unplanned-rows-unseen": "nobody looks for rows behind the last plan",
  "view-without-window": "one view target keeps no deduplication window",
  "window-too-short": "the tables forget a token after one further block",
  "blocks-by-chance": "a batch is cut into two blocks, at another place in every attempt",
  "views-ignore-errors": "an insert succeeds although a view threw",
  "answered-before-stored": "an insert is answered before it was done, and may then fail",
  "ack-before-commit": "messages are acknowledged when they are taken",
  "plan-from-before-takeover": "a process goes on with the plan it saw first",
  "position-from-consumer": "messages are taken from where the consumer is, not from the plan",
  "register-without-compare": "writing a shard's key overwrites whatever is there",
  "identities-of-own-batch": "the look-up finds identities of the batch itself and of later ones",
  "filter-starts-empty": "the identity filter is not loaded from what is stored",
  "filter-copy-late-by-a-batch": "a copy of the identity filter has the bits of an earlier one",
  "catalog-from-memory": "the catalog's head is read once and kept",
  "nothing-special": "every batch goes past the views that only special ones need",
  "fact-of-the-attempt": "a row holds the name of the process that made it",
  "messages-lost-on-restart": "a restarted consumer begins behind what a dead process was given",
} as const;
export type Defect = keyof typeof DEFECTS;
