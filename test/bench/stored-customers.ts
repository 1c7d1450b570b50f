/** Customers by the million, straight into the journal as `apply` writes them: reading, comparing and checking files of them is what S5 measures. */
import { planStep } from "../../src/app/catalog/plan-step.ts";
import type { Services } from "../../cmd/services.ts";
import type { JournalBody } from "../../src/domain/journal-entry.ts";

/** A change of its own for so many, as somebody who adds customers day by day has. */
const CHANGE_CUSTOMERS = 20_000;

export async function storeCustomers(
  services: Services,
  input: { readonly from: number; readonly to: number },
): Promise<void> {
  const { journal } = services;
  for (let from = input.from; from < input.to; from += CHANGE_CUSTOMERS) {
    const to = Math.min(from + CHANGE_CUSTOMERS, input.to);
    if ((await journal.append({ head: await journal.head(), bodies: changeOf(from, to) })) === null)
      throw new Error("somebody else appended to the journal");
  }
  await services.project();
}

function changeOf(from: number, to: number): JournalBody[] {
  const change = `customers-${from}`;
  const versions = Array.from({ length: to - from }, (_, index) => {
    const key = `c${from + index}`;
    const definition = { key, name: key, aliases: [], currency: "EUR", timeZone: "UTC" };
    const wanted = { kind: "customer" as const, key, at: key, definition };
    return { ...planStep({ wanted, version: 1, current: undefined }).version, change };
  });
  return [...versions, { kind: "catalog.commit", change, versions: versions.length }];
}
