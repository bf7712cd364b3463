import type { TileSize } from "./protocol.js";

const SETTLED_AFTER_MS = 200;

/** Knows how large each participant is shown, and tells the server of its slots once things have come to rest. */
export class TileSizes {
  private readonly sizes = new Map<string, TileSize>();
  private slots: ReadonlyMap<string, string> = new Map();
  private told = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tell: (slots: Record<string, TileSize>) => void) {}

  set(participant: string, size: TileSize): void {
    const known = this.sizes.get(participant);
    if (known?.width === size.width && known.height === size.height) return;
    this.sizes.set(participant, size);
    this.settle();
  }

  /** The server shows these participants now, by slot. */
  show(slots: ReadonlyMap<string, string>): void {
    this.slots = slots;
    this.settle();
  }

  /** Another server, or the same one started anew, knows nothing yet. */
  reset(): void {
    this.stop();
    this.slots = new Map();
    this.told = "";
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private settle(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const slots: Record<string, TileSize> = {};
      for (const [mid, participant] of this.slots) {
        const size = this.sizes.get(participant);
        if (size) slots[mid] = size;
      }
      const said = JSON.stringify(slots);
      if (said === this.told || said === "{}") return;
      this.told = said;
      this.tell(slots);
    }, SETTLED_AFTER_MS);
  }
}
