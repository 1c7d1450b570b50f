/** SVG elements as text. */

type Attributes = Readonly<Record<string, string | number>>;

/** With two decimal places for positions, so that the same drawing has the same bytes everywhere. */
export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(attributeText(value))}"`);
  const open = `<${name}${written.join("")}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join("")}</${name}>`;
}

export function text(attributes: Attributes, content: string): string {
  return element("text", attributes, [escaped(content)]);
}

/** What a pointer that rests on an element is told. */
export function title(content: string): string {
  return element("title", {}, [escaped(content)]);
}

/** A line through points, from the page's top left corner. */
export function linePath(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${positionText(x)} ${positionText(y)}`).join("");
}

function attributeText(value: string | number): string {
  return typeof value === "number" ? positionText(value) : value;
}

function positionText(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
