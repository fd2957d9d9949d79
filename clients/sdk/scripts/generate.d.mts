/** Where the types are written to. */
export const TARGET: URL;
/** Reads the schema and returns the text of src/protocol.ts. */
export function generate(): Promise<string>;
