import type { CaptionMessage, Line } from "./protocol.js";

/** What one participant said in one utterance, as far as it is known. */
export interface Caption {
  /** Unique in the room: participant and utterance. */
  readonly key: string;
  readonly from: string;
  /** By what feedback names it: the id of a line, or of an utterance. */
  readonly line: string;
  readonly name: string;
  readonly text: string;
  readonly final: boolean;
  /** It was cut off; `text` is what was heard. */
  readonly interrupted: boolean;
  /** It was for some alone, us among them. */
  readonly whispered: boolean;
  /** Id of the voice, at a microphone that several share; `name` is what it is called. */
  readonly voice?: string | undefined;
}

export const MAX_CAPTIONS = 200;

/** The captions that a room's history gives back, oldest first. */
export function captionsOfHistory(history: readonly Line[]): readonly Caption[] {
  return history
    .filter((line) => line.kind === "speech")
    .map((line) => ({
      key: `line/${line.id}`,
      line: line.id,
      from: line.from,
      name: line.name,
      text: line.text,
      final: true,
      interrupted: line.interrupted,
      whispered: line.to !== undefined,
    }))
    .slice(-MAX_CAPTIONS);
}

/**
 * Puts one caption into the list. A later caption of the same utterance replaces the earlier in its place; an
 * empty one takes it back (what sounded like speech was none, or nothing of it was heard).
 */
export function mergeCaption(
  captions: readonly Caption[],
  message: CaptionMessage,
  name: string,
): readonly Caption[] {
  const key = `${message.id}/${message.utterance}`;
  const index = captions.findIndex((caption) => caption.key === key);
  if (message.text.trim() === "") return index < 0 ? captions : captions.toSpliced(index, 1);
  const caption: Caption = {
    key,
    line: message.utterance,
    from: message.id,
    name: message.speaker?.label ?? name,
    text: message.text,
    final: message.final,
    interrupted: message.interrupted,
    whispered: message.to !== undefined,
    voice: message.speaker?.id,
  };
  if (index >= 0) return captions.with(index, caption);
  return [...captions, caption].slice(-MAX_CAPTIONS);
}

/** What a participant was saying when they left stays as it was, and grows no more. */
export function settleCaptions(captions: readonly Caption[], from: string): readonly Caption[] {
  if (!captions.some((caption) => caption.from === from && !caption.final)) return captions;
  return captions.map((caption) =>
    caption.from === from && !caption.final ? { ...caption, final: true, interrupted: true } : caption,
  );
}
