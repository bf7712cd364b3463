export {
  ContinuumClient,
  type ContinuumClientOptions,
  type ContinuumEvents,
  type JoinOptions,
} from "./client.js";
export type { Caption } from "./captions.js";
export type { ConnectionState } from "./connection.js";
export type { Device, Devices } from "./devices.js";
export { breakdown, type Breakdown, type Stage, type StageName } from "./latency.js";
export type {
  ExplainedPart,
  ExplainedPiece,
  ExplainedSource,
  Explanation,
  Memories,
  Memory,
  Openness,
} from "./memories.js";
export { Problem, type ProblemCode } from "./problem.js";
export { cleanName, MAX_CHAT_LENGTH, MAX_NAME_LENGTH, MAX_VOICES } from "./protocol.js";
export type {
  Card,
  CardEvent,
  Floor,
  Latency,
  Level,
  Line,
  Participant,
  ParticipantKind,
  ParticipantStatus,
  Presence,
  Reasoned,
  Standing,
} from "./protocol.js";
export type { ChatLine, RoomState } from "./room.js";
export type { MediaStatistics } from "./statistics.js";
export { inviteOf, requestToken, type TokenRequest, type TokenSource } from "./token.js";
