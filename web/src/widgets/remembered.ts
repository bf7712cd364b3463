const NAME = "continuum.name";
const PERSON = "continuum.person";
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

/** What the personas know this browser's person by; undefined where nothing can be kept. */
export function recallPerson(): string | undefined {
  const known = recall(PERSON);
  if (known !== null && /^[A-Za-z0-9_-]{22,64}$/.test(known)) return known;
  const made = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  remember(PERSON, made);
  return recall(PERSON) === made ? made : undefined;
}

/** Whether noise is to be taken out of one's sound; it is unless it was switched off here. */
export function recallNoiseSuppression(): boolean {
  return recall(NOISE_SUPPRESSION) !== "off";
}

export function rememberNoiseSuppression(on: boolean): void {
  remember(NOISE_SUPPRESSION, on ? "on" : "off");
}
