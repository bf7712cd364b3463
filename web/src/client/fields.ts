/** Fields of a message, checked one by one; each of these raises `Malformed`. */

/** What a message is whose fields are not as they should be. */
export class Malformed extends Error {}

/** A JSON object. */
export type Fields = Record<string, unknown>;

/** A JSON object; raises `Malformed` for anything else. */
export function fields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Malformed(`${what} is no object`);
  return value as Fields;
}

export function text(from: Fields, key: string): string {
  const value = from[key];
  if (typeof value !== "string") throw new Malformed(`${key} is no text`);
  return value;
}

export function flag(from: Fields, key: string, otherwise?: boolean): boolean {
  const value = from[key] ?? otherwise;
  if (typeof value !== "boolean") throw new Malformed(`${key} is no boolean`);
  return value;
}

export function list<T>(from: Fields, key: string, parse: (item: unknown) => T): T[] {
  const value = from[key];
  if (!Array.isArray(value)) throw new Malformed(`${key} is no list`);
  return value.map(parse);
}

export function number(from: Fields, key: string, least: number, most: number): number {
  const value = from[key];
  if (typeof value !== "number" || !(value >= least && value <= most))
    throw new Malformed(`${key} is no share`);
  return value;
}

export function optional(from: Fields, key: string): string | null {
  return from[key] == null ? null : text(from, key);
}

export function tally(from: Fields, key: string): number {
  return number(from, key, 0, Number.MAX_SAFE_INTEGER);
}
