/** Numbers and times as text. A value that is not known is a dash; the caller says why. */

export const DASH = "–";
const MINUS = "−";

const formats = new Map<string, Intl.NumberFormat>();

function fixed(value: number, decimals: number): string {
  const key = `fixed ${decimals}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    formats.set(key, format);
  }
  const text = format.format(Math.abs(value));
  // What rounds to nothing has no sign.
  return value < 0 && /[1-9]/.test(text) ? `${MINUS}${text}` : text;
}

type Known = number | null | undefined;

function known(value: Known): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Fixed decimals, thousands separated. */
export function number(value: Known, decimals = 2): string {
  return known(value) ? fixed(value, decimals) : DASH;
}

/** With a plus where it is positive. */
export function signed(value: Known, decimals = 2): string {
  if (!known(value)) return DASH;
  const text = fixed(value, decimals);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function usd(value: Known, decimals = 2): string {
  return known(value) ? withDollar(fixed(value, decimals)) : DASH;
}

export function signedUsd(value: Known, decimals = 2): string {
  return known(value) ? withDollar(signed(value, decimals)) : DASH;
}

function withDollar(text: string): string {
  return /^[+−]/.test(text) ? `${text[0]}$${text.slice(1)}` : `$${text}`;
}

/** Large dollar amounts: $1.23 M. */
export function compactUsd(value: Known): string {
  if (!known(value)) return DASH;
  const size = Math.abs(value);
  if (size >= 1e9) return `${usd(value / 1e9)} B`;
  if (size >= 1e6) return `${usd(value / 1e6)} M`;
  if (size >= 1e4) return `${usd(value / 1e3, 1)} k`;
  return usd(value, 0);
}

/** A price with six significant digits, however small: a memecoin at 1e-8 keeps its digits. */
export function price(value: Known): string {
  return known(value) ? fixed(value, priceDecimals(value)) : DASH;
}

export function priceDecimals(value: number): number {
  const size = Math.abs(value);
  if (size === 0) return 2;
  return Math.min(Math.max(5 - Math.floor(Math.log10(size)), 2), 14);
}

/** A size in base units: four decimals, none where it is large, six digits where it is tiny. */
export function size(value: Known): string {
  if (!known(value)) return DASH;
  const abs = Math.abs(value);
  if (abs >= 100_000) return fixed(value, 0);
  return abs >= 0.01 || abs === 0 ? fixed(value, 4) : fixed(value, priceDecimals(value));
}

/** A fraction as percent. */
export function percent(fraction: Known, decimals = 1): string {
  return known(fraction) ? `${fixed(fraction * 100, decimals)} %` : DASH;
}

export function signedPercent(fraction: Known, decimals = 1): string {
  return known(fraction) ? `${signed(fraction * 100, decimals)} %` : DASH;
}

export function bps(value: Known, decimals = 1): string {
  return known(value) ? `${signed(value, decimals)} bps` : DASH;
}

export function bytes(value: Known): string {
  if (!known(value)) return DASH;
  if (value >= 1e9) return `${fixed(value / 1e9, 2)} GB`;
  return value >= 1e6 ? `${fixed(value / 1e6, 1)} MB` : `${fixed(value / 1e3, 0)} kB`;
}

export function micros(value: Known): string {
  if (!known(value)) return DASH;
  return value >= 1_000 ? `${fixed(value / 1_000, 2)} ms` : `${fixed(value, 0)} µs`;
}

/** How long: "3 s", "2 min 5 s", "4 h 3 min", "2 d 4 h". */
export function duration(ms: number): string {
  const seconds = Math.max(Math.floor(ms / 1_000), 0);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return pair(hours, "h", minutes % 60, "min");
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

function pair(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** How long ago; what lies ahead by a little is now. */
export function ago(ms: number): string {
  return ms < 1_000 ? "now" : `${duration(ms)} ago`;
}

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY_TIME = new Intl.DateTimeFormat("en-GB", {
  day: "2-digit",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** Local time of day. */
export function time(ts: number): string {
  return TIME.format(ts);
}

/** Local day and time. */
export function dayTime(ts: number): string {
  return DAY_TIME.format(ts);
}

/** UTC, for the hover of a local time. */
export function utc(ts: number): string {
  return `${new Date(ts).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A gate's number in its unit, as people read it: usd_micros in dollars, lamports in SOL, ns as a duration; without a unit
 * there is nothing to compare, and no number. */
export function measure(value: Known, unit: string): string {
  if (!known(value)) return DASH;
  switch (unit) {
    case "usd_micros":
      return cents(value / 1e6);
    case "usd":
      return cents(value);
    case "lamports":
      return `${fixed(value / 1e9, 4)} SOL`;
    case "ns":
      return nanos(value);
    case "ms":
      return nanos(value * 1e6);
    case "bps":
      return `${fixed(value, 1)} bps`;
    case "":
      return DASH;
    case "text":
    case "count":
      return fixed(value, Number.isInteger(value) ? 0 : 2);
    default:
      return `${fixed(value, Number.isInteger(value) ? 0 : 2)} ${unit.replaceAll("_", " ")}`;
  }
}

/** Four decimals below a dollar, where gates measure in parts of a cent. */
function cents(value: number): string {
  return usd(value, value !== 0 && Math.abs(value) < 1 ? 4 : 2);
}

function nanos(value: number): string {
  const size = Math.abs(value);
  if (size < 1e6) return `${fixed(value / 1e3, 0)} µs`;
  if (size < 1e9) return `${fixed(value / 1e6, 0)} ms`;
  return size < 1e11 ? `${fixed(value / 1e9, 1)} s` : `${value < 0 ? MINUS : ""}${duration(size / 1e6)}`;
}
