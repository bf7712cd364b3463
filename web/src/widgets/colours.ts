/** Text colours that reach WCAG AA on the light and on the dark surface; a test holds them to it. */
export const PALETTE: readonly { readonly light: string; readonly dark: string }[] = [
  { light: "#1f5fbf", dark: "#8ab8ff" },
  { light: "#8a3b9a", dark: "#dfa6ec" },
  { light: "#a3411a", dark: "#f5a47c" },
  { light: "#55620f", dark: "#c3d06a" },
  { light: "#b02a5b", dark: "#ff9bbd" },
  { light: "#4a4fb5", dark: "#b0b4ff" },
  { light: "#7d5500", dark: "#e9bd63" },
  { light: "#0c657a", dark: "#74cfe6" },
  { light: "#2c6b31", dark: "#8fd694" },
];

/** FNV-1a, 32 bit. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/** A place in the palette for each name: the same one every time, so Ada is blue today and tomorrow. */
export function colourIndex(name: string): number {
  return hash(name.normalize("NFKC").trim().toLowerCase()) % PALETTE.length;
}

/** Who has which place in one room: by name, and the next free one where two names fall on the same. */
export class Colours {
  private readonly given = new Map<string, number>();

  /** The CSS colour of participant `id`; it stays while the room is open. */
  of(id: string, name: string): string {
    const { light, dark } = PALETTE[this.index(id, name)]!;
    return `light-dark(${light}, ${dark})`;
  }

  index(id: string, name: string): number {
    const known = this.given.get(id);
    if (known !== undefined) return known;
    const taken = new Set(this.given.values());
    let index = colourIndex(name);
    for (let tries = 0; taken.has(index) && tries < PALETTE.length; tries += 1)
      index = (index + 1) % PALETTE.length;
    this.given.set(id, index);
    return index;
  }
}
