import { CommandDesk, type CommandBody } from "./commands/command_desk";
import { Link, type LinkStatus, type Socket } from "./link/link";
import { readAccess } from "./link/page";
import type { CommandResult, ServerFrame } from "./messages";
import { speech } from "./speech.svelte";
import { parseFrame } from "./store/parse";
import { reduce } from "./store/reduce";
import { emptyState, type AppState } from "./store/state";
import { toasts } from "./toasts.svelte";

const BATCH_MS = 50;
const MAX_BATCH = 500;
const STALE_AFTER_MS = 5_000;
const RELOADED_KEY = "phantom-reloaded";
const RELOAD_PAUSE_MS = 30_000;

/** The page's connection to the run: the folded state, how fresh it is, and commands. One for the page. */
class Live {
  state = $state.raw<AppState>(emptyState());
  status = $state.raw<LinkStatus>({ kind: "connecting" });
  /** Wall time, once a second: what ages are measured against. */
  now = $state(Date.now());
  inFlight = $state.raw<ReadonlySet<string>>(new Set());
  /** The last answer that said no, by scope, until it is dismissed or the next command of that scope. */
  failures = $state.raw<Readonly<Record<string, CommandResult>>>({});
  /** Messages that were refused because they broke the contract. */
  refusedMessages = $state.raw<{ count: number; last: string } | null>(null);

  engines = $derived(this.state.engines);
  panels = $derived(this.state.panels);
  market = $derived(this.state.market);
  vault = $derived(this.state.vault);
  system = $derived(this.state.system);
  orders = $derived(this.state.orders);
  fills = $derived(this.state.fills);
  refusals = $derived(this.state.refusals);
  candles = $derived(this.state.candles);
  equity = $derived(this.state.equity);
  alerts = $derived(this.state.alerts);
  logs = $derived(this.state.logs);
  ready = $derived(this.state.ready);
  mode = $derived(this.state.run?.mode ?? null);
  kill = $derived(this.state.system?.kill ?? null);

  /** Milliseconds since the last message; null before the first. */
  age = $derived(this.state.receivedAt === null ? null : Math.max(this.now - this.state.receivedAt, 0));
  stale = $derived(this.ready && (this.status.kind !== "live" || (this.age ?? 0) > STALE_AFTER_MS));
  /** Why no command can be sent now; null where one can. */
  blocked = $derived(this.status.kind === "live" && this.ready ? null : "There is no connection to Phantom Arbiter.");
  /** Market seconds in one of ours. */
  speed = $derived(this.state.market?.clock.speed ?? 1);

  /** Market time now: the clock goes on between messages at its own speed, and stands still when the data are old. */
  marketNow = $derived.by(() => {
    const { market, clockAt } = this.state;
    if (market === null || clockAt === null) return this.now;
    const since = this.stale ? 0 : Math.min(Math.max(this.now - clockAt, 0), STALE_AFTER_MS);
    return market.clock.now_ms + since * market.clock.speed;
  });

  #queue: ServerFrame[] = [];
  #flushing: ReturnType<typeof setTimeout> | undefined;
  #link: Link | null = null;
  #desk = new CommandDesk({
    send: (text) => this.#link?.send(text) ?? false,
    newId: () => `ui-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`,
    changed: (inFlight) => (this.inFlight = inFlight),
  });

  /** Connect, and keep the clock of the ages. Returns the undo. */
  start(): () => void {
    const ticking = setInterval(() => (this.now = Date.now()), 1_000);
    const access = readAccess(document, location.hostname);
    if (access === null) {
      const reason = "This page was not served by Phantom Arbiter: open the address that `phantom run` prints.";
      this.status = { kind: "refused", reason };
    } else {
      this.#link = new Link(
        access,
        { message: (data) => this.#message(data), status: (status) => this.#status(status) },
        { open: (url) => new WebSocket(url) as unknown as Socket, now: Date.now, random: Math.random },
      );
      this.#link.connect();
    }
    return () => {
      clearInterval(ticking);
      this.#link?.stop();
    };
  }

  retryNow(): void {
    this.#link?.connect();
  }

  /** Send a command. What it changes is shown when the server says so, not before. */
  async send(body: CommandBody, scope: string, done: string): Promise<CommandResult> {
    this.dismiss(scope);
    const result = await this.#desk.send(body, scope);
    if (result.success) {
      toasts.good(done, result.message);
      speech.say(`${done}: accepted.`);
    } else {
      this.failures = { ...this.failures, [scope]: result };
      toasts.bad(`${done}: refused`, `${result.code}: ${result.message}`);
    }
    return result;
  }

  /** Send a command whose answer the caller shows itself. */
  ask(body: CommandBody, scope: string): Promise<CommandResult> {
    return this.#desk.send(body, scope);
  }

  dismiss(scope: string): void {
    const { [scope]: _, ...others } = this.failures;
    this.failures = others;
  }

  #message(data: unknown): boolean {
    const parsed = parseFrame(data);
    if ("problem" in parsed) {
      this.refusedMessages = { count: (this.refusedMessages?.count ?? 0) + 1, last: parsed.problem };
      return false;
    }
    if (parsed.frame.type === "COMMAND_RESULT") this.#desk.answered(parsed.frame.data);
    this.#queue.push(parsed.frame);
    if (this.#queue.length >= MAX_BATCH) this.#flush();
    else this.#flushing ??= setTimeout(() => this.#flush(), BATCH_MS);
    return parsed.frame.type === "SNAPSHOT";
  }

  #flush(): void {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    const frames = this.#queue;
    this.#queue = [];
    const at = Date.now();
    this.now = at;
    const before = this.state;
    this.state = frames.reduce((state, frame) => reduce(state, frame, at), before);
    if (before.ready) speech.changes(before, this.state);
  }

  #status(status: LinkStatus): void {
    this.status = status;
    this.now = Date.now();
    if (status.kind === "live") return;
    this.#desk.connectionLost();
    if (status.kind === "refused") reloadOnce();
  }
}

/** A new start has a new token, which comes with the page. Not again at once, should that not help. */
function reloadOnce(): void {
  const last = Number(sessionStorage.getItem(RELOADED_KEY) ?? 0);
  if (Date.now() - last < RELOAD_PAUSE_MS) return;
  sessionStorage.setItem(RELOADED_KEY, String(Date.now()));
  location.reload();
}

export const live = new Live();
