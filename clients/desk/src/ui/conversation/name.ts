import type { Conversation } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { countryName } from "../format.ts";

/** Keys under which a site's page may tell a visitor's name. */
const NAME_KEYS = ["name", "full_name", "fullName", "email"];

/** What to call a visitor: what the page says, or else the country. */
export function visitorName(conversation: Conversation): string {
  const { data, country } = conversation.profile.value;
  for (const key of NAME_KEYS) {
    const name = data[key]?.trim();
    if (name !== undefined && name !== "") return name;
  }
  const code = country ?? conversation.card.value?.country;
  return countryName(code) ?? texts().conversation.visitor;
}
