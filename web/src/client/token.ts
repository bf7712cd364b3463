import { Problem } from "./problem.js";

/** Gives a `join` token; called again when an earlier one is refused. */
export type TokenSource = () => Promise<string>;

export interface TokenRequest {
  /** Origin of the server, such as `https://host`. */
  readonly server: string;
  readonly room: string;
  readonly name: string;
  /** A secret that this browser made once and keeps: by it the personas know the same person again. */
  readonly person?: string;
  /** A room's invitation, exchanged for a seat; without one only a loopback page gets a token. */
  readonly invite?: string;
}

/** Asks the server for a seat (`POST /api/token`). Raises `Problem` unauthorized, bad-request or unreachable. */
export async function requestToken(request: TokenRequest, fetcher: typeof fetch = fetch): Promise<string> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (request.invite) headers.authorization = `Bearer ${request.invite}`;
  let response: Response;
  try {
    response = await fetcher(new URL("/api/token", request.server), {
      method: "POST",
      headers,
      body: JSON.stringify({ room: request.room, name: request.name, person: request.person }),
      credentials: "omit",
      signal: AbortSignal.timeout(10_000),
    });
  } catch (error) {
    throw new Problem("unreachable", error instanceof Error ? error.message : String(error));
  }
  const body = (await response.json().catch(() => null)) as { token?: unknown; message?: unknown } | null;
  const said = typeof body?.message === "string" ? body.message : `status ${response.status}`;
  if (response.status === 401 || response.status === 403) throw new Problem("unauthorized", said);
  if (response.status === 422) throw new Problem("bad-request", said);
  if (!response.ok || typeof body?.token !== "string") throw new Problem("unreachable", said);
  return body.token;
}

/** The invitation in a page's fragment (`#invite=…`): a fragment never leaves the browser. */
export function inviteOf(fragment: string): string | undefined {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("invite") ?? undefined;
}
