/** What went wrong, as a code: the server's own (docs/protocol.md) or one found here. */
export type ProblemCode =
  // found here
  | "unreachable"
  | "unauthorized"
  | "bad-request"
  | "insecure"
  | "microphone-denied"
  | "microphone-missing"
  | "microphone-busy"
  | "microphone-lost"
  | "camera-denied"
  | "camera-missing"
  | "camera-busy"
  | "camera-lost"
  | "media-failed"
  // any code of the server's `error` and `bye`
  | (string & {});

/** An error with a code that a user interface can put into words. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    message: string,
  ) {
    super(message);
    this.name = "Problem";
  }
}

export function asProblem(error: unknown, otherwise: ProblemCode): Problem {
  if (error instanceof Problem) return error;
  return new Problem(otherwise, error instanceof Error ? error.message : String(error));
}
