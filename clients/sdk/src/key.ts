// Keys name messages over all their retries.

/**
 * Makes a key that nobody has used before: a random UUID (version 4). Give it to `say` or `note` if
 * the key must be known before the message is sent, for example to keep both over a reload.
 */
export function newKey(): string {
  // `crypto.randomUUID` is missing on pages that came by plain HTTP.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
