const KEY = "continuum.name";

/** The name last used on this site; a frame without storage remembers none. */
export function recallName(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch (error) {
    if (error instanceof DOMException) return "";
    throw error;
  }
}

export function rememberName(name: string): void {
  try {
    localStorage.setItem(KEY, name);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}
