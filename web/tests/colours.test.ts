import { describe, expect, it } from "vitest";
import { colourIndex, Colours, PALETTE } from "../src/widgets/colours.js";

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const value = parseInt(hex.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe("the colours of names", () => {
  it("reach AA on every ground that they stand on", () => {
    for (const { light, dark } of PALETTE) {
      for (const ground of ["#ffffff", "#f4f5f1"])
        expect(contrast(light, ground), light).toBeGreaterThanOrEqual(4.5);
      for (const ground of ["#181d1b", "#0f1312"])
        expect(contrast(dark, ground), dark).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("are the same for a name each time, however it is written", () => {
    expect(colourIndex("Ada")).toBe(colourIndex(" ada "));
    expect(new Colours().of("p1", "Ada")).toBe(new Colours().of("p9", "Ada"));
  });

  it("differ between participants as long as there are colours left", () => {
    const colours = new Colours();
    const given = new Set(PALETTE.map((_, index) => colours.of(`p${index}`, "Ada")));
    expect(given.size).toBe(PALETTE.length);
  });

  it("stay with a participant, and never run out", () => {
    const colours = new Colours();
    const first = colours.of("p0", "Ada");
    for (let index = 1; index < 30; index += 1) colours.of(`p${index}`, `Guest ${index}`);
    expect(colours.of("p0", "Somebody else")).toBe(first);
  });
});
