/** Hands the model down to every component. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Desk, SiteDesk } from "../model/types.ts";

const DeskContext = createContext<Desk | null>(null);
const SiteContext = createContext<SiteDesk | null>(null);

export const DeskProvider = DeskContext.Provider;
export const SiteProvider = SiteContext.Provider;

/** The desk that the component is part of. */
export function useDesk(): Desk {
  return given(useContext(DeskContext));
}

/** The site whose desk is shown. */
export function useSite(): SiteDesk {
  return given(useContext(SiteContext));
}

function given<T>(value: T | null): T {
  if (value === null) throw new Error("a part of the desk was rendered outside of it");
  return value;
}
