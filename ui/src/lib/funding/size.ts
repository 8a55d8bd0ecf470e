import { number } from "../format";

/** What a size may be, as the last preview said. */
export interface SizeBounds {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** A size as it was typed: the number, or in words what is wrong with it. */
export type TypedSize = { readonly size: number } | { readonly problem: string };

const LARGEST = 1e12;

/** Only what can't be a size is refused here: whether it is too small or too large is the venue's and the gates' to say. */
export function readSize(typed: string, unit: string): TypedSize {
  const text = typed.trim().replaceAll(",", "");
  if (text === "") return { problem: `Size: nothing entered, expected a number of ${unit} above 0.` };
  const size = Number(text);
  if (!Number.isFinite(size)) return { problem: `Size: “${typed.trim()}” is not a number; expected ${unit} above 0.` };
  if (size <= 0) return { problem: `Size: ${text} is not above 0.` };
  if (size > LARGEST) return { problem: `Size: ${text} is beyond any market; expected at most ${number(LARGEST, 0)}.` };
  return { size };
}

/** Decimals that a step needs: 0.01 → 2. */
export function stepDecimals(step: number): number {
  if (!(step > 0) || step >= 1) return 0;
  return Math.min(Math.ceil(-Math.log10(step) - 1e-9), 9);
}

/** The nearest whole number of steps at or below, without float noise. */
export function snap(size: number, step: number): number {
  if (!(step > 0)) return size;
  return Number((Math.floor(size / step + 1e-9) * step).toFixed(stepDecimals(step)));
}

/** Within the bounds, in whole steps. */
export function fit(size: number, bounds: SizeBounds): number {
  return snap(Math.min(Math.max(size, bounds.min), Math.max(bounds.max, bounds.min)), bounds.step);
}

/** A modest size to begin with: about `usd` worth, one significant digit. */
export function firstSize(price: number | null, usd = 500): number {
  if (price === null || !(price > 0)) return 1;
  return Number((usd / price).toPrecision(1));
}
