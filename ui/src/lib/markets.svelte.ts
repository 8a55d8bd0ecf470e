import type { MarketsResponse, Unavailable } from "./messages";

export const REFRESH_MS = 30_000;
const LIMIT_MS = 8_000;

/** The perp market table of `GET /api/drift/markets`, asked for every 30 s while somebody looks at it. */
class Markets {
  data = $state.raw<MarketsResponse | null>(null);
  failure = $state<string | null>(null);
  loading = $state(false);
  /** Wall time of the last good answer, and of the next question. */
  receivedAt = $state<number | null>(null);
  nextAt = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchers = 0;

  /** Refresh while shown; returns the undo. */
  watch(): () => void {
    this.#watchers += 1;
    if (this.#watchers === 1) void this.refresh();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  async refresh(): Promise<void> {
    if (this.loading) return;
    clearTimeout(this.#timer);
    this.loading = true;
    try {
      const answer = await fetch("api/drift/markets", { signal: AbortSignal.timeout(LIMIT_MS) });
      if (answer.ok) this.#take((await answer.json()) as MarketsResponse);
      else this.failure = await reasonOf(answer);
    } catch (error) {
      this.failure = unreachable(error);
    }
    this.loading = false;
    this.nextAt = Date.now() + REFRESH_MS;
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.refresh(), REFRESH_MS);
  }

  #take(table: MarketsResponse): void {
    this.data = table;
    this.failure = null;
    this.receivedAt = Date.now();
  }
}

function unreachable(error: unknown): string {
  const late = error instanceof DOMException && error.name === "TimeoutError";
  return late ? `no answer within ${LIMIT_MS / 1_000} s` : "Phantom Arbiter can't be reached";
}

async function reasonOf(answer: Response): Promise<string> {
  try {
    const { reason } = (await answer.json()) as Unavailable;
    return reason || `HTTP ${answer.status}`;
  } catch {
    return `HTTP ${answer.status}`;
  }
}

export const markets = new Markets();
