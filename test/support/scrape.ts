/** What a running role shows on its port. */
import { valueIn } from "./metric-samples.ts";

type Labels = Readonly<Record<string, string | number>>;
export type Scrape = (name: string, labels?: Labels) => number | undefined;

/** One scrape, to be asked for values without a shift in time between them. */
export async function scrape(httpUrl: string): Promise<Scrape> {
  const response = await fetch(`${httpUrl}/metrics`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`scrape: ${String(response.status)} ${text}`);
  return (name, labels) => valueIn(text, name, labels);
}

export type Readiness = {
  readonly status: number;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly message: string }>>;
};

export async function readiness(httpUrl: string): Promise<Readiness> {
  const response = await fetch(`${httpUrl}/health/ready`);
  const { checks } = (await response.json()) as Pick<Readiness, "checks">;
  return { status: response.status, checks };
}
