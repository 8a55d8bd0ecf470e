import type { PageAccess } from "./page";
import { retryDelay } from "./backoff";

/** Where the connection stands. `at` and `retryAt` are wall-clock milliseconds. */
export type LinkStatus =
  | { readonly kind: "connecting" }
  | { readonly kind: "live"; readonly since: number }
  | { readonly kind: "lost"; readonly since: number; readonly retryAt: number; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

/** The part of a WebSocket that is used here. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface LinkEvents {
  /** Takes a message; whether it is the SNAPSHOT, with which the connection is live. */
  message(data: unknown): boolean;
  status(status: LinkStatus): void;
}

export interface LinkParts {
  open(url: string): Socket;
  now(): number;
  random(): number;
}

/** The server's close code for "not authenticated": the page is of an earlier start. */
export const CLOSE_UNAUTHENTICATED = 4401;
const OPEN_LIMIT_MS = 8_000;
const SILENCE_LIMIT_MS = 20_000;

/**
 * Keeps one connection open: authenticates first, reconnects with back-off, and gives up a connection that is silent
 * for 20 s. It is live when the SNAPSHOT came: a refusal is also a message.
 */
export class Link {
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #live = false;
  #lostSince: number | null = null;

  constructor(
    private readonly access: PageAccess,
    private readonly events: LinkEvents,
    private readonly parts: LinkParts,
  ) {}

  /** Connect now; also "try again now". */
  connect(): void {
    this.#drop();
    this.#attempt += 1;
    this.events.status({ kind: "connecting" });
    const socket = this.parts.open(this.access.url);
    this.#socket = socket;
    this.#limit(OPEN_LIMIT_MS, "no answer");
    socket.onopen = () => socket.send(JSON.stringify({ action: "AUTH", token: this.access.token }));
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#closed(event.code, event.reason);
  }

  /** Send a text; false where there is no live connection. */
  send(text: string): boolean {
    if (!this.#live || this.#socket === null) return false;
    this.#socket.send(text);
    return true;
  }

  /** Close for good. */
  stop(): void {
    this.#drop();
  }

  #received(data: unknown): void {
    const first = this.events.message(data) && !this.#live;
    if (first) {
      this.#live = true;
      this.#attempt = 0;
      this.#lostSince = null;
    }
    if (this.#live) this.#limit(SILENCE_LIMIT_MS, `nothing came for ${SILENCE_LIMIT_MS / 1_000} s`);
    if (first) this.events.status({ kind: "live", since: this.parts.now() });
  }

  #closed(code: number, reason: string): void {
    this.#drop();
    if (code === CLOSE_UNAUTHENTICATED) {
      this.events.status({ kind: "refused", reason: "Phantom Arbiter was started anew; this page is of an earlier start." });
      return;
    }
    this.#lostSince ??= this.parts.now();
    const wait = retryDelay(Math.max(this.#attempt, 1), this.parts.random);
    const why = reason || (code === 1006 ? "the server can't be reached" : `the server closed it (code ${code})`);
    this.events.status({ kind: "lost", since: this.#lostSince, retryAt: this.parts.now() + wait, reason: why });
    this.#timer = setTimeout(() => this.connect(), wait);
  }

  #limit(ms: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#closed(1006, reason), ms);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#live = false;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
