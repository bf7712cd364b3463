import type { ContinuumClient } from "../client/index.js";
import { ContinuumCall } from "../widgets/index.js";
import { roomOfAddress } from "./address.js";

declare global {
  interface Window {
    /** The client of the present call, for the console and for tests. */
    continuum?: ContinuumClient;
  }
}

const room = roomOfAddress(new URL(location.href));
document.title = `${room} · Continuum`;
document.addEventListener("continuum-client", (event) => {
  window.continuum = (event as CustomEvent<ContinuumClient>).detail;
});

const call = new ContinuumCall();
call.room = room;
document.body.append(call);
