/** Something that is measured. */
export interface Case {
  name: string;
  code: string;
  external: string[];
  limit: number;
  without?: string[];
}
/** Everything that is measured. */
export const CASES: Case[];
/** Bundles a case as a page would. */
export function bundle(what: Pick<Case, "code" | "external">): Promise<string>;
