/** A number of things in words for people: "1 line", "2 lines", "0 lines". */
export function counted(count: number | bigint | string, one: string, many = `${one}s`): string {
  const text = String(count);
  return `${text} ${text === "1" ? one : many}`;
}
