// Dates and times as the visitor's language writes them.

const DAY = 24 * 60 * 60 * 1000;

/** Hours and minutes of a message. */
export function clockTime(time: number, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).format(time);
}

/** The day of a message, as its separator shows it: "yesterday", or the date. */
export function dayName(time: number, now: number, language: string): string {
  // A server's clock may be ahead of the visitor's.
  const days = Math.min(0, Math.round((midnight(time) - midnight(now)) / DAY));
  if (days >= -1) {
    return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
  }
  return new Intl.DateTimeFormat(language, { dateStyle: "full" }).format(time);
}

/** Whether two moments lie on the same day where the visitor is. */
export function sameDay(a: number, b: number): boolean {
  return midnight(a) === midnight(b);
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
