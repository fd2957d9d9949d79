// Dates and times as the visitor's language writes them.

import type { Texts } from "../texts/texts.ts";

const DAY = 24 * 60 * 60 * 1000;

/** Hours and minutes of a message. */
export function clockTime(time: number, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).format(time);
}

/** The day of a message, as its separator shows it. */
export function dayName(time: number, now: number, texts: Texts): string {
  const days = Math.round((midnight(now) - midnight(time)) / DAY);
  if (days === 0) {
    return texts.today;
  }
  if (days === 1) {
    return texts.yesterday;
  }
  const year =
    new Date(time).getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" };
  return new Intl.DateTimeFormat(texts.tag, {
    weekday: "long",
    day: "numeric",
    month: "long",
    ...(year as { year?: "numeric" }),
  }).format(time);
}

/** Whether two moments lie on the same day where the visitor is. */
export function sameDay(a: number, b: number): boolean {
  return midnight(a) === midnight(b);
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
