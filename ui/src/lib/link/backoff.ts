const FIRST_MS = 500;
const MAX_MS = 15_000;

/** How long to wait before try number `attempt` (from 1): doubling to 15 s, ±20 % so that pages don't come together. */
export function retryDelay(attempt: number, random: () => number): number {
  const base = Math.min(FIRST_MS * 2 ** Math.min(attempt - 1, 10), MAX_MS);
  return Math.round(base * (0.8 + 0.4 * random()));
}
