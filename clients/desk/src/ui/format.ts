/** Dates, durations, numbers and names of countries, by `Intl`, in the language of the texts. */

import { locale, texts } from "../texts.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long, for a place that ticks: `0:42`, `12:05`, `1:04:05`; days in words. */
export function elapsed(ms: number): string {
  const length = Math.max(0, ms);
  if (length >= DAY) return `${unit("day", length / DAY)} ${unit("hour", (length % DAY) / HOUR)}`;
  const hours = Math.floor(length / HOUR);
  const minutes = Math.floor((length % HOUR) / MINUTE);
  const seconds = String(Math.floor((length % MINUTE) / SECOND)).padStart(2, "0");
  return hours > 0
    ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}`
    : `${minutes}:${seconds}`;
}

/** How long, in a sentence: `42 s`, `3 min`, `2 h 5 min`. */
export function duration(ms: number): string {
  const length = Math.max(0, ms);
  if (length < MINUTE) return unit("second", length / SECOND);
  if (length < HOUR) return unit("minute", length / MINUTE);
  if (length < DAY) {
    const minutes = Math.floor((length % HOUR) / MINUTE);
    return minutes === 0
      ? unit("hour", length / HOUR)
      : `${unit("hour", length / HOUR)} ${unit("minute", minutes)}`;
  }
  return `${unit("day", length / DAY)} ${unit("hour", (length % DAY) / HOUR)}`;
}

/** How long ago: `2 minutes ago`. */
export function ago(time: number, now: number): string {
  const length = Math.max(0, now - time);
  const relative = formatter(
    "ago",
    (language) => new Intl.RelativeTimeFormat(language, { numeric: "auto" }),
  );
  if (length < MINUTE) return relative.format(-Math.max(1, Math.floor(length / SECOND)), "second");
  if (length < HOUR) return relative.format(-Math.floor(length / MINUTE), "minute");
  if (length < DAY) return relative.format(-Math.floor(length / HOUR), "hour");
  return relative.format(-Math.floor(length / DAY), "day");
}

/** `14:05` */
export function clockTime(time: number): string {
  return dates("time", { hour: "2-digit", minute: "2-digit" }).format(time);
}

/** `today`, `yesterday`, or the date. */
export function day(time: number, now: number): string {
  const days = daysBetween(time, now);
  if (days <= 1) {
    const relative = formatter(
      "day",
      (language) => new Intl.RelativeTimeFormat(language, { numeric: "auto" }),
    );
    return capital(relative.format(-days, "day"));
  }
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return capital(
    sameYear
      ? dates("day-year", { weekday: "long", day: "numeric", month: "long" }).format(time)
      : dates("day-other", { day: "numeric", month: "long", year: "numeric" }).format(time),
  );
}

/** A date with its time, short. */
export function moment(time: number): string {
  return dates("moment", { dateStyle: "medium", timeStyle: "short" }).format(time);
}

/** Whether both are on the same day where the operator is. */
export function sameDay(one: number, other: number): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

export function number(value: number): string {
  return formatter("number", (language) => new Intl.NumberFormat(language)).format(value);
}

/** The name of a country by its two letters; the letters where there is no name. */
export function countryName(code: string | undefined): string | undefined {
  return named("region", code?.toUpperCase());
}

/** The name of a language by its tag. */
export function languageName(tag: string | undefined): string | undefined {
  const name = named("language", tag);
  return name === undefined ? undefined : capital(name);
}

function named(type: "region" | "language", code: string | undefined): string | undefined {
  if (code === undefined || code === "") return undefined;
  try {
    return (
      formatter(type, (language) => new Intl.DisplayNames(language, { type })).of(code) ?? code
    );
  } catch {
    return code;
  }
}

function unit(name: "second" | "minute" | "hour" | "day", value: number): string {
  return formatter(
    `unit-${name}`,
    (language) =>
      new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short" }),
  ).format(Math.floor(value));
}

function dates(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return formatter(name, (language) => new Intl.DateTimeFormat(language, options));
}

function daysBetween(time: number, now: number): number {
  const start = (value: number) => new Date(value).setHours(0, 0, 0, 0);
  return Math.max(0, Math.round((start(now) - start(time)) / DAY));
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(texts().language) + text.slice(1);
}

/** Making a formatter is a hundred times dearer than using it. */
const formatters = new Map<string, unknown>();

function formatter<T>(name: string, make: (language: string) => T): T {
  const key = `${locale()} ${name}`;
  let made = formatters.get(key) as T | undefined;
  if (made === undefined) {
    made = make(locale());
    formatters.set(key, made);
  }
  return made;
}
