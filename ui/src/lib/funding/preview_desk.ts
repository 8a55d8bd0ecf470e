import type { CommandResult, Preview, PreviewRow } from "../messages";

export interface PreviewRequest {
  readonly of: Preview["of"];
  readonly market: string;
  /** Base units for a take, quote units for a transfer; null where there is none. */
  readonly size: number | null;
}

/** `request` is what `row` or `problem` answers. `asking`: a newer answer is to come. */
export interface PreviewView {
  readonly request: PreviewRequest | null;
  readonly row: PreviewRow | null;
  readonly problem: { readonly code: string; readonly message: string } | null;
  readonly asking: boolean;
}

export interface PreviewParts {
  ask(request: PreviewRequest): Promise<CommandResult>;
  changed(view: PreviewView): void;
}

export const NO_PREVIEW: PreviewView = { request: null, row: null, problem: null, asking: false };
export const DEBOUNCE_MS = 250;

/** Asks for previews while somebody changes a size: debounced, one at a time, and only the answer to the last counts. */
export class PreviewDesk {
  #view = NO_PREVIEW;
  #wanted: PreviewRequest | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #out = false;

  constructor(private readonly parts: PreviewParts) {}

  /** Ask, after a pause in which nothing else is asked for; at once with `now`. */
  want(request: PreviewRequest, now = false): void {
    this.#wanted = request;
    this.#tell({ ...this.#view, asking: true });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#send(), now ? 0 : DEBOUNCE_MS);
  }

  /** Forget what was asked; a late answer changes nothing. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#wanted = null;
    this.#tell(NO_PREVIEW);
  }

  async #send(): Promise<void> {
    const request = this.#wanted;
    // While one is out the newest waits: its answer starts the next.
    if (this.#out || request === null) return;
    this.#out = true;
    const result = await this.parts.ask(request);
    this.#out = false;
    if (this.#wanted === request) this.#answer(request, result);
    else if (this.#wanted !== null) void this.#send();
  }

  #answer(request: PreviewRequest, result: CommandResult): void {
    const { code, message, preview } = result;
    const good = result.success && preview !== null;
    const problem = good ? null : { code, message: message || "The answer held no preview." };
    this.#tell({ request, row: good ? preview : null, problem, asking: false });
  }

  #tell(view: PreviewView): void {
    this.#view = view;
    this.parts.changed(view);
  }
}

/** Whether the preview shown is of exactly this act and can still be named: the button may be pressed. */
export function isBound(view: PreviewView, wanted: PreviewRequest, now: number): boolean {
  const { request, row } = view;
  if (request === null || row === null) return false;
  const same = request.of === wanted.of && request.market === wanted.market && request.size === wanted.size;
  return same && row.expires_ts > now;
}
