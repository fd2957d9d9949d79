/** Runs what may fail and has no place of its own to say so. */

import { texts } from "../texts.ts";
import { toast } from "./state.ts";

/** Waits for it in the background; a failure is told at the foot of the page. */
export function attempt(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    const detail = error instanceof Error && error.message !== "" ? ` ${error.message}` : "";
    toast.value = texts().somethingFailed + detail;
  });
}
