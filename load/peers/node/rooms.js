// What `../rust/src/language.rs` describes: `j` and a room joins it; `p`, the length of a room's name,
// the name, and what is to be said there goes to all who joined.

const JOIN = 0x6a;
const PUBLISH = 0x70;

/** Reads one command; nothing if it is none. */
export function command(bytes) {
  if (bytes[0] === JOIN) return { join: bytes.toString("latin1", 1) };
  if (bytes[0] !== PUBLISH || bytes.length < 2) return undefined;
  const end = 2 + bytes[1];
  return { publish: bytes.toString("latin1", 2, end), payload: bytes.subarray(end) };
}

/** What joining is answered with. */
export const JOINED = Buffer.from([JOIN]);

/** Listens on any free port of this machine, and says on which. */
export function listen(server) {
  server.listen(0, "127.0.0.1", () => {
    console.log(`listening 127.0.0.1:${server.address().port}`);
  });
}
