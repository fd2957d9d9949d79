// A bot that thinks aloud: operators see its answer grow, and it stops when it is no longer wanted.
import { type BotClient, type BotOptions, connectBot } from "@vigie/client";

type Think = (question: string, signal: AbortSignal) => AsyncIterable<string>;

export function bot(options: BotOptions, think: Think): BotClient {
  const client = connectBot(options);
  client.serve({
    async turn({ messages }, reply) {
      const said = messages.findLast(({ author }) => author.kind === "visitor")?.body;
      let answer = "";
      for await (const word of think(said?.type === "message" ? said.text : "", reply.signal)) {
        answer += word;
        reply.draft(answer);
      }
      await reply.answer(answer, [{ label: "Talk to a human", action: "request_human" }]);
    },
  });
  return client;
}
