// Waiting for a condition outside of pages, where Playwright's own waiting does not reach.

const TRIES_EVERY_MS = 20;

/** The first answer that is not undefined; what it was that did not come, after `within` ms. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  within = 10_000,
): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${within} ms`);
    await new Promise((resolve) => setTimeout(resolve, TRIES_EVERY_MS));
  }
}
