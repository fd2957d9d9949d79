/** The desk's sounds, made by WebAudio: short, soft, no file. */

import { signal } from "@preact/signals";
import type { AlertKind, Sound, SoundRequest } from "./types.ts";

/** The name of the event on `window` that tells of each sound that was asked for. */
export const SOUND_EVENT = "vigie:sound";

/** What that event's `detail` holds. */
export interface SoundDetail extends SoundRequest {
  /** Whether the browser let it be heard. */
  readonly heard: boolean;
}

/** A note: pitch in Hz, when it begins and how long it rings, in seconds. */
interface Note {
  readonly pitch: number;
  readonly at: number;
  readonly length: number;
}

/** Loudness of a note at its beginning. */
const LOUDNESS = 0.14;

const SOUNDS: Record<AlertKind, readonly Note[]> = {
  message: [{ pitch: 880, at: 0, length: 0.16 }],
  new: [
    { pitch: 659.3, at: 0, length: 0.22 },
    { pitch: 987.8, at: 0.11, length: 0.34 },
  ],
  waiting: [
    { pitch: 659.3, at: 0, length: 0.22 },
    { pitch: 830.6, at: 0.13, length: 0.22 },
    { pitch: 987.8, at: 0.26, length: 0.42 },
  ],
  unknown: [{ pitch: 880, at: 0, length: 0.16 }],
};

/** The sound of this window. */
export function windowSound(window: Window & typeof globalThis): Sound & { stop(): void } {
  const ready = signal(false);
  let context: AudioContext | undefined;
  const follow = () => {
    ready.value = context?.state === "running";
  };
  const open = (): AudioContext | undefined => {
    if (context === undefined && typeof window.AudioContext === "function") {
      context = new window.AudioContext({ latencyHint: "interactive" });
      context.addEventListener("statechange", follow);
    }
    return context;
  };
  const unlock = async () => {
    await open()
      ?.resume()
      .catch(() => {
        // Still blocked; `ready` says so.
      });
    follow();
  };
  // Any click or key press will do: who works in the desk need not look for a button.
  const touched = () => {
    if (!ready.value) {
      void unlock();
    }
  };
  window.addEventListener("pointerdown", touched, { capture: true, passive: true });
  window.addEventListener("keydown", touched, { capture: true, passive: true });
  open();
  follow();
  return {
    ready,
    unlock,
    play: (request) => {
      const heard = ready.value;
      const detail: SoundDetail = { ...request, heard };
      window.dispatchEvent(new CustomEvent(SOUND_EVENT, { detail }));
      if (heard && context !== undefined) {
        ring(context, SOUNDS[request.kind] ?? SOUNDS.unknown);
      }
    },
    stop: () => {
      window.removeEventListener("pointerdown", touched, { capture: true });
      window.removeEventListener("keydown", touched, { capture: true });
      void context?.close();
    },
  };
}

function ring(context: AudioContext, notes: readonly Note[]): void {
  for (const { pitch, at, length } of notes) {
    const begin = context.currentTime + at;
    const volume = context.createGain();
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(LOUDNESS, begin + 0.012);
    volume.gain.exponentialRampToValueAtTime(0.0001, begin + length);
    volume.connect(context.destination);
    const tone = context.createOscillator();
    tone.type = "sine";
    tone.frequency.value = pitch;
    tone.connect(volume);
    tone.start(begin);
    tone.stop(begin + length);
  }
}
