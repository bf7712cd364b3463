/** The room that an address names: `/r/NAME`, else `?room=NAME`, else the lobby. */
export function roomOfAddress(address: URL): string {
  const inPath = /^\/r\/([^/]+)\/?$/.exec(address.pathname)?.[1];
  if (inPath !== undefined) {
    try {
      return decodeURIComponent(inPath);
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
      return inPath;
    }
  }
  return address.searchParams.get("room") || "lobby";
}
