// An operator who greets everybody who asks for a human, unless somebody else is quicker.
import { type Card, connectOperator, type OperatorOptions } from "@vigie/client";

export function desk(options: OperatorOptions, print: (line: string) => void) {
  const operator = connectOperator(options);
  async function greet({ session }: Card): Promise<void> {
    const { offset } = await operator.takeOver(session);
    await operator.say(session, "Hello, how can I help?", { seen: offset });
  }
  operator.watch(
    { sort: "waiting", alerts: "new" },
    {
      change: ({ cards }) => {
        for (const { control, country = "??", last } of cards) {
          const holder = control.holder.kind === "bot" ? "bot" : control.holder.name;
          print(`${country}  ${holder}: ${last?.text ?? ""}`);
        }
      },
      alert: ({ kind, card }) => {
        if (kind === "waiting") {
          greet(card).catch((error: Error) => print(`not greeted: ${error.message}`));
        }
      },
    },
  );
  return operator;
}
