import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TileSize } from "../src/client/protocol.js";
import { TileSizes } from "../src/client/tile-sizes.js";

describe("the sizes of tiles", () => {
  const told: Record<string, TileSize>[] = [];
  const small = { width: 160, height: 90 };
  const large = { width: 1280, height: 720 };
  let sizes: TileSizes;

  beforeEach(() => {
    vi.useFakeTimers();
    told.length = 0;
    sizes = new TileSizes((slots) => told.push(slots));
  });
  afterEach(() => void vi.useRealTimers());

  it("are told by slot, once they have come to rest", () => {
    sizes.show(new Map([["2", "ada"]]));
    sizes.set("ada", small);
    sizes.set("bob", small);
    vi.advanceTimersByTime(150);
    sizes.set("ada", large);
    vi.advanceTimersByTime(150);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(told).toEqual([{ "2": large }]);
  });

  it("are told again for another slot, and not where nothing changed", () => {
    sizes.set("ada", small);
    sizes.show(new Map([["2", "ada"]]));
    vi.advanceTimersByTime(300);
    sizes.set("ada", { ...small });
    sizes.show(new Map([["2", "ada"]]));
    vi.advanceTimersByTime(300);
    sizes.show(new Map([["3", "ada"]]));
    vi.advanceTimersByTime(300);
    expect(told).toEqual([{ "2": small }, { "3": small }]);
  });

  it("are told anew after a reset, and never after the end", () => {
    sizes.set("ada", small);
    sizes.show(new Map([["2", "ada"]]));
    vi.advanceTimersByTime(300);
    sizes.reset();
    sizes.show(new Map([["2", "ada"]]));
    vi.advanceTimersByTime(300);
    expect(told).toHaveLength(2);
    sizes.set("ada", large);
    sizes.stop();
    vi.advanceTimersByTime(300);
    expect(told).toHaveLength(2);
  });
});
