/** Recorded hours are told in UTC, as the form's days are. */

export function utcDay(ts: number): string {
  return new Date(ts).toISOString().slice(0, 10);
}

export function utcMinute(ts: number): string {
  return new Date(ts).toISOString().slice(0, 16).replace("T", " ");
}

const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" });

/** "May"; the year too where it begins. */
export function monthName(ts: number): string {
  const date = new Date(ts);
  return date.getUTCMonth() === 0 ? `${MONTH.format(ts)} ${date.getUTCFullYear()}` : MONTH.format(ts);
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** A mark on the time axis; `weight` as lightweight-charts has it: 0 year, 1 month, 2 day, else a time of day. */
export function axisLabel(ts: number, weight: number): string {
  if (weight === 0) return String(new Date(ts).getUTCFullYear());
  if (weight === 1) return MONTH.format(ts);
  return weight === 2 ? DAY.format(ts) : utcMinute(ts).slice(11);
}
