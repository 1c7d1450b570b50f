/** Which customers a query asks for, and which of the rows that it gives are theirs. */
/** Customers named in a query travel in its URL, of which servers take some 16 KB; beyond this a range of them is read and the others left out. */
const CUSTOMERS_TEXT_MAX = 2_000;
/** No customer's key begins beyond it: keys begin with a letter or a digit. */
const AFTER_ALL_CUSTOMERS = "~";

export type CustomerFilter = {
  readonly params: {
    readonly customers: readonly string[];
    readonly customer_from: string;
    readonly customer_to: string;
  };
  includes(customer: string): boolean;
};

/** The range from the first to the last of them is always asked for: rows lie in the order of customers, so that a part of them costs its part. */
export function customerFilter(customers: readonly string[]): CustomerFilter {
  const textLength = customers.reduce((length, customer) => length + encodeURIComponent(customer).length, 0);
  const names = new Set(customers);
  const sorted = customers.toSorted();
  return {
    params: {
      customers: textLength <= CUSTOMERS_TEXT_MAX ? customers : [],
      customer_from: sorted[0] ?? "",
      customer_to: sorted.at(-1) ?? AFTER_ALL_CUSTOMERS,
    },
    includes: (customer) => names.size === 0 || names.has(customer),
  };
}
