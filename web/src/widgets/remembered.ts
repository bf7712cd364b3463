const NAME = "continuum.name";
const NOISE_SUPPRESSION = "continuum.noise-suppression";

/** What was kept on this site under a key; a frame without storage remembers nothing. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

/** The name last used here. */
export function recallName(): string {
  return recall(NAME) ?? "";
}

export function rememberName(name: string): void {
  remember(NAME, name);
}

/** Whether noise is to be taken out of one's sound; it is unless it was switched off here. */
export function recallNoiseSuppression(): boolean {
  return recall(NOISE_SUPPRESSION) !== "off";
}

export function rememberNoiseSuppression(on: boolean): void {
  remember(NOISE_SUPPRESSION, on ? "on" : "off");
}
