import { Problem } from "./problem.js";

export interface Device {
  readonly id: string;
  readonly label: string;
}

export interface Devices {
  readonly microphones: readonly Device[];
  readonly cameras: readonly Device[];
  readonly speakers: readonly Device[];
}

export type CaptureKind = "microphone" | "camera";

const NAMES = { audioinput: "Microphone", videoinput: "Camera", audiooutput: "Speaker" } as const;

/** Puts a failed `getUserMedia` into one of this library's codes. */
export function captureProblem(kind: CaptureKind, error: unknown): Problem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  const message = error instanceof Error ? error.message : String(error);
  if (name === "NotFoundError" || name === "OverconstrainedError")
    return new Problem(`${kind}-missing`, message);
  if (name === "NotReadableError" || name === "AbortError") return new Problem(`${kind}-busy`, message);
  return new Problem(`${kind}-denied`, message);
}

async function capture(kind: CaptureKind, constraints: MediaStreamConstraints): Promise<MediaStreamTrack> {
  // Browsers take the whole API away on pages that came over plain HTTP from another machine.
  if (!navigator.mediaDevices) throw new Problem("insecure", "this page is not a secure context");
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    const track = stream.getTracks()[0];
    if (!track) throw new Problem(`${kind}-missing`, "the device gave no track");
    return track;
  } catch (error) {
    throw error instanceof Problem ? error : captureProblem(kind, error);
  }
}

export function openMicrophone(
  deviceId: string | undefined,
  noiseSuppression: boolean,
): Promise<MediaStreamTrack> {
  return capture("microphone", {
    audio: {
      channelCount: 1,
      echoCancellation: true,
      noiseSuppression,
      autoGainControl: true,
      ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
    },
  });
}

export function openCamera(deviceId?: string): Promise<MediaStreamTrack> {
  return capture("camera", {
    video: {
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 24, max: 30 },
      ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" }),
    },
  });
}

/** What can be chosen from. Labels are empty until the user has granted a device; they are numbered then. */
export async function listDevices(): Promise<Devices> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const of = (kind: MediaDeviceKind) =>
    all
      .filter((device) => device.kind === kind && device.deviceId !== "")
      .map((device, index) => ({
        id: device.deviceId,
        label: device.label || `${NAMES[kind]} ${index + 1}`,
      }));
  return { microphones: of("audioinput"), cameras: of("videoinput"), speakers: of("audiooutput") };
}
