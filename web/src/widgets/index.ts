export * from "../client/index.js";
export { ContinuumCall } from "./continuum-call.js";
export { ContinuumCaptions } from "./continuum-captions.js";
export { ContinuumChat } from "./continuum-chat.js";
export { PersonaCard } from "./persona-card.js";
export { ParticipantTile } from "./participant-tile.js";
