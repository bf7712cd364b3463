/** What the voice's Opus stream shall be: one channel, sent without pause, able to repair single losses. */
const OPUS_PARAMETERS: Readonly<Record<string, string>> = {
  stereo: "0",
  "sprop-stereo": "0",
  usedtx: "0",
  useinbandfec: "1",
};

/**
 * Sets the Opus format parameters (RFC 7587 §6.1) in a session description, whatever it said before; everything
 * else stays as it was. A description says what its *author* wants to receive: the server's answer rules what
 * this browser sends, so it is applied to both.
 */
export function constrainOpus(sdp: string): string {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => constrainSection(section.split("\r\n")).join("\r\n"))
    .join("");
}

/** Sections of a bundle must agree on what a payload type is, so that each has its own lines set. */
function constrainSection(lines: string[]): string[] {
  const payloads = lines.flatMap((line) => /^a=rtpmap:(\d+) opus\/48000/i.exec(line)?.[1] ?? []);
  for (const payload of payloads) {
    const prefix = `a=fmtp:${payload} `;
    const index = lines.findIndex((line) => line.startsWith(prefix));
    const given = index >= 0 ? lines[index]!.slice(prefix.length).split(";") : [];
    const parameters = new Map<string, string | undefined>();
    for (const item of given) {
      const [key = "", value] = item.trim().split("=", 2);
      parameters.set(key, value);
    }
    for (const [key, value] of Object.entries(OPUS_PARAMETERS)) parameters.set(key, value);
    const text = [...parameters]
      .map(([key, value]) => (value === undefined ? key : `${key}=${value}`))
      .join(";");
    if (index >= 0) lines[index] = prefix + text;
    else
      lines.splice(lines.findIndex((line) => line.startsWith(`a=rtpmap:${payload} `)) + 1, 0, prefix + text);
  }
  return lines;
}
