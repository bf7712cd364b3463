/** A round number, with a round half, that is not below `most`; `least` where there is nothing. */
export function niceTop(most: number, least: number): number {
  if (!(most > least)) return least;
  const power = 10 ** Math.floor(Math.log10(most));
  // 0.3 / 0.1 is more than 3 by a rounding error.
  const step = [1, 2, 3, 4, 6, 8, 10].find((step) => most / power <= step * (1 + 1e-9))!;
  return step * power;
}

/** The largest of those that are numbers; `-Infinity` where there are none. */
export function most(values: Iterable<number>): number {
  let found = -Infinity;
  for (const value of values) if (value > found) found = value;
  return found;
}

export function least(values: Iterable<number>): number {
  let found = Infinity;
  for (const value of values) if (value < found) found = value;
  return found;
}

/** The last that is a number, NaN without one. */
export function latest(values: readonly number[]): number {
  for (let index = values.length - 1; index >= 0; index -= 1)
    if (!Number.isNaN(values[index]!)) return values[index]!;
  return NaN;
}

const WINDOWS_MS = [60_000, 120_000, 300_000];

/** What is shown of `ages`: a minute, two or five, so that a short history is not a corner of an empty plot. */
export function windowOf(ages: readonly number[]): number {
  const oldest = ages[0] ?? 0;
  return WINDOWS_MS.find((window) => oldest <= window) ?? WINDOWS_MS.at(-1)!;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Ms that the width shows; the newest is at the right. */
  readonly windowMs: number;
  /** What the height shows, from zero. */
  readonly top: number;
}

/**
 * An SVG path of a series; where a value is not known it is broken. A value with none beside it is a short dash.
 */
export function linePath(ages: readonly number[], values: readonly number[], frame: Frame): string {
  const x = (index: number) => frame.width * (1 - ages[index]! / frame.windowMs);
  const y = (index: number) => frame.height * (1 - Math.min(1, Math.max(0, values[index]! / frame.top)));
  let path = "";
  let drawing = false;
  for (let index = 0; index < values.length; index += 1) {
    if (Number.isNaN(values[index]!) || ages[index]! > frame.windowMs) {
      drawing = false;
      continue;
    }
    const alone = !drawing && (index + 1 >= values.length || Number.isNaN(values[index + 1]!));
    path += `${drawing ? "L" : "M"}${x(index).toFixed(1)} ${y(index).toFixed(1)}`;
    if (alone) path += "h0.1";
    drawing = true;
  }
  return path;
}

/** The index of the point nearest to an age. */
export function nearest(ages: readonly number[], ageMs: number): number {
  let found = 0;
  for (let index = 1; index < ages.length; index += 1)
    if (Math.abs(ages[index]! - ageMs) < Math.abs(ages[found]! - ageMs)) found = index;
  return found;
}

/** Heights of a histogram's bars, 0 to 1, logarithmic: a few late ticks of thousands are to be seen. */
export function logHeights(counts: readonly number[]): number[] {
  const all = Math.log10(1 + Math.max(0, most(counts)));
  return counts.map((count) => (count > 0 ? Math.max(0.04, Math.log10(1 + count) / (all || 1)) : 0));
}
