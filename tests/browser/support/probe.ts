// A look at the live list without a desk: one JSON connection that watches once and goes.

import { WebSocket } from "ws";

const CARDS_MAX = 50;
const ANSWER_WITHIN_MS = 5_000;

export interface Card {
  session: string;
  online: boolean;
  messages: number;
  [field: string]: unknown;
}

export async function liveCards(port: number, token: string): Promise<Card[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, "vigie.v1.json");
  try {
    return await new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error("the engine did not answer a watch")),
        ANSWER_WITHIN_MS,
      );
      const ask = (id: number, method: string, params: object) =>
        socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
      socket.on("open", () => {
        ask(1, "connect", { protocol: 1, token });
        ask(2, "watch", { window: { first: CARDS_MAX } });
      });
      socket.on("error", reject);
      socket.on("message", (data) => {
        const message = JSON.parse(String(data)) as {
          id?: number;
          error?: object;
          result?: { cards?: Card[] };
        };
        if (message.error) reject(new Error(JSON.stringify(message.error)));
        if (message.id !== 2) return;
        clearTimeout(late);
        resolve(message.result?.cards ?? []);
      });
    });
  } finally {
    socket.terminate();
  }
}
