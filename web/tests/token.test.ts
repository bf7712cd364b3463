import { describe, expect, it, vi } from "vitest";
import { inviteOf, requestToken } from "../src/client/token.js";
import { roomOfAddress } from "../src/page/address.js";

const REQUEST = { server: "https://host", room: "lobby", name: "Ada" };
const answering = (status: number, body: unknown) =>
  vi.fn<typeof fetch>(() => Promise.resolve(new Response(JSON.stringify(body), { status })));

describe("asking for a token", () => {
  it("shows the invitation, where there is one", async () => {
    const fetcher = answering(200, { token: "t" });
    await expect(requestToken({ ...REQUEST, invite: "inv" }, fetcher)).resolves.toBe("t");
    const [url, init] = fetcher.mock.calls[0]!;
    expect(String(url)).toBe("https://host/api/token");
    expect(init?.headers).toMatchObject({ authorization: "Bearer inv" });
    expect(JSON.parse(String(init?.body))).toEqual({ room: "lobby", name: "Ada" });
  });

  it("without an invitation claims none", async () => {
    const fetcher = answering(200, { token: "t" });
    await requestToken(REQUEST, fetcher);
    expect(fetcher.mock.calls[0]![1]?.headers).not.toHaveProperty("authorization");
  });

  it.each([
    [401, "unauthorized"],
    [422, "bad-request"],
    [503, "unreachable"],
    [200, "unreachable"],
  ])("answered with %i and no token is the problem %s", async (status, code) => {
    await expect(requestToken(REQUEST, answering(status, {}))).rejects.toMatchObject({ code });
  });

  it("answered with something that is no JSON is a problem, not an exception of the parser", async () => {
    const fetcher = () => Promise.resolve(new Response("<html>", { status: 502 }));
    await expect(requestToken(REQUEST, fetcher)).rejects.toMatchObject({ code: "unreachable" });
  });

  it("of a server that is not there says so", async () => {
    const fetcher = () => Promise.reject(new TypeError("fetch failed"));
    await expect(requestToken(REQUEST, fetcher)).rejects.toMatchObject({ code: "unreachable" });
  });
});

it("an invitation is read from the fragment", () => {
  expect(inviteOf("#invite=abc.def")).toBe("abc.def");
  expect(inviteOf("")).toBeUndefined();
});

it.each([
  ["https://host/", "lobby"],
  ["https://host/?room=kitchen", "kitchen"],
  ["https://host/?room=", "lobby"],
  ["https://host/r/kitchen", "kitchen"],
  ["https://host/r/a%20b/", "a b"],
  ["https://host/r/%zz", "%zz"],
  ["https://host/r/one/two", "lobby"],
])("the address %s names the room %s", (address, room) => {
  expect(roomOfAddress(new URL(address))).toBe(room);
});
