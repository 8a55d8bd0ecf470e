import type { ClientMessage, CommandResult } from "../messages";

type WithoutId<T> = T extends { id: string } ? Omit<T, "id"> : never;

/** A command as the pages write it: without the id, which is given here. */
export type CommandBody = WithoutId<ClientMessage>;

/** The server answers within 5 s; later than this nothing more is to be expected. */
export const ANSWER_LIMIT_MS = 7_000;

export interface DeskParts {
  send(text: string): boolean;
  newId(): string;
  changed(inFlight: ReadonlySet<string>): void;
}

interface Pending {
  readonly action: string;
  readonly scope: string;
  readonly settle: (result: CommandResult) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Commands under way. A `scope` ("engine:lst", "kill") has at most one: its buttons are disabled meanwhile. */
export class CommandDesk {
  readonly #pending = new Map<string, Pending>();

  constructor(private readonly parts: DeskParts) {}

  /** Resolves with the server's answer, or with one made here that says why there is none. Never rejects. */
  send(body: CommandBody, scope: string): Promise<CommandResult> {
    const id = this.parts.newId();
    if ([...this.#pending.values()].some((one) => one.scope === scope)) {
      return Promise.resolve(refusal(id, body.action, "in_flight", "The command before is still under way."));
    }
    if (!this.parts.send(JSON.stringify({ id, ...body }))) {
      return Promise.resolve(refusal(id, body.action, "not_connected", "Not sent: there is no connection."));
    }
    return new Promise((settle) => {
      const timer = setTimeout(() => this.#settle(refusal(id, body.action, "no_answer", UNKNOWN)), ANSWER_LIMIT_MS);
      this.#pending.set(id, { action: body.action, scope, settle, timer });
      this.#tell();
    });
  }

  /** A COMMAND_RESULT came. */
  answered(result: CommandResult): void {
    this.#settle(result);
  }

  /** The connection is gone: what was under way will have no answer. */
  connectionLost(): void {
    for (const [id, { action }] of [...this.#pending]) {
      this.#settle(refusal(id, action, "connection_lost", UNKNOWN));
    }
  }

  #settle(result: CommandResult): void {
    const pending = this.#pending.get(result.id);
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    this.#pending.delete(result.id);
    this.#tell();
    pending.settle(result);
  }

  #tell(): void {
    this.parts.changed(new Set([...this.#pending.values()].map((one) => one.scope)));
  }
}

const UNKNOWN = "No answer came. It is not known whether it took effect: watch the engine's state and its orders.";

function refusal(id: string, action: string, code: string, message: string): CommandResult {
  return { id, action, success: false, code, message, tx_signature: null, preview: null };
}
