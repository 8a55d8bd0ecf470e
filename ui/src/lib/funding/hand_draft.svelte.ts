import type { CommandBody } from "../commands/command_desk";
import { live } from "../live.svelte";
import type { OrderRow, PreviewRow, Saga } from "../messages";
import { speech } from "../speech.svelte";
import { toasts } from "../toasts.svelte";
import { sentence } from "../words";
import { DRAFT, advance, isUnderWay, legsBetween, type CommandEvent, type CommandState } from "./command_state";
import { NO_PREVIEW, PreviewDesk, isBound, type PreviewRequest, type PreviewView } from "./preview_desk";
import { STEP_WORDS, actWords, gateWords } from "./words";

const SCOPE = "funding:hand";
const STALE = "stale_preview";
const MOVED = "The market moved beyond the preview, so nothing was sent. Here is a new preview: confirm again.";
const PASSING = new Set(["busy", "closing", "no_data", "not_connected", "connection_lost", "no_answer"]);
/** At most one refresh of an ageing preview in this time of the reader's. */
const REFRESH_GAP_MS = 2_000;

/** One act by hand from its form to its end: what is asked, its preview, and how far the command got. */
export class HandDraft {
  wanted = $state.raw<PreviewRequest | null>(null);
  view = $state.raw<PreviewView>(NO_PREVIEW);
  command = $state.raw<CommandState>(DRAFT);
  /** Said to the reader beside the preview, when something happened by itself. */
  note = $state("");
  /** The preview that was confirmed, and the act in words. */
  confirmed = $state.raw<{ row: PreviewRow; words: string } | null>(null);

  // Getters, not derived values: those would end with the dialog that made the draft.
  get underWay(): boolean {
    return isUnderWay(this.command);
  }

  get bound(): boolean {
    return this.wanted !== null && isBound(this.view, this.wanted, live.marketNow);
  }

  /** Why the act can't be confirmed now; null where it can. */
  get why(): string | null {
    if (live.blocked !== null) return live.blocked;
    if (this.command.step === "unknown") return "It is not known what became of it: watch the orders before you ask again.";
    if (this.underWay) return "It is under way.";
    if (acts.busy) return "Another act by hand is under way.";
    if (this.wanted === null) return "No size that could be previewed.";
    if (this.view.problem !== null && !this.view.asking) return "There is no preview of it.";
    const refused = this.view.row?.refused ?? null;
    if (this.bound && refused !== null) return `${sentence(refused.gate)} refuses: ${gateWords(refused)}.`;
    return this.bound ? null : "The preview is being made.";
  }

  #desk = new PreviewDesk({
    ask: ({ of, market, size }) => live.ask({ action: "PREVIEW", of, market, size }, "funding:preview"),
    changed: (view) => this.#previewed(view),
  });
  #freshUntil = 0;
  #askedAt = 0;
  #shown = true;

  /** Preview this from now on; null: nothing that could be asked. */
  want(request: PreviewRequest | null, now = false): void {
    if (this.underWay) return;
    this.note = "";
    this.#step({ type: "edited" });
    this.wanted = request;
    if (request === null) this.#desk.stop();
    else this.#desk.want(request, now);
  }

  /**
   * Renew the preview in the second half of its life, so that one that can be named is always at hand; and ask again
   * where there was none for a reason that passes by itself.
   */
  keepFresh(marketNow: number): void {
    const { wanted, view } = this;
    if (wanted === null || view.asking || this.confirmed !== null || live.blocked !== null) return;
    if (view.row === null ? !PASSING.has(view.problem?.code ?? "") : marketNow < this.#freshUntil) return;
    if (live.now - this.#askedAt >= REFRESH_GAP_MS) this.#desk.want(wanted, true);
  }

  /** Stop asking for previews; what was sent goes on. */
  close(): void {
    this.#shown = false;
    if (!this.underWay) this.wanted = null;
    this.#desk.stop();
  }

  async confirm(): Promise<void> {
    const { row } = this.view;
    if (this.why !== null || row === null) return;
    this.note = "";
    this.confirmed = { row, words: actWords(row) };
    acts.current = this;
    this.#step({ type: "sent", needs: legsBetween(row.before, row.after) });
    const result = await live.ask(command(row), SCOPE);
    this.#step({ type: "answered", result });
    if (this.command.step === "failed") this.#askAnew(result.code === STALE ? MOVED : this.command.message);
  }

  see(orders: readonly OrderRow[], saga: Saga | null): void {
    this.#step({ type: "seen", orders, saga });
  }

  /** Refused: nothing was sent, and it can be tried again on a new preview. */
  #askAnew(why: string): void {
    this.confirmed = null;
    this.want(this.wanted, true);
    this.note = why;
  }

  #previewed(view: PreviewView): void {
    this.view = view;
    if (view.asking) return;
    this.#askedAt = Date.now();
    this.#freshUntil = view.row === null ? 0 : (live.marketNow + view.row.expires_ts) / 2;
    this.#step({ type: "previewed", allowed: view.row !== null && view.row.refused === null });
  }

  #step(event: CommandEvent): void {
    const before = this.command.step;
    this.command = advance(this.command, event);
    if (this.command.step !== before && event.type !== "previewed" && event.type !== "edited") this.#tell(event);
  }

  #tell(event: CommandEvent): void {
    const { step, message } = this.command;
    const words = this.confirmed?.words ?? "";
    speech.say(`${words}: ${STEP_WORDS[step]}. ${message}`);
    // An open dialog says a refusal itself.
    if (event.type === "answered" && step === "failed" && this.#shown) return;
    if (step === "done") toasts.good(words, "Done.");
    else if (step === "failed" || step === "unknown") toasts.bad(`${words}: ${STEP_WORDS[step]}`, message);
  }
}

function command(row: PreviewRow): CommandBody {
  const { market, size, hash } = row;
  switch (row.of) {
    case "TAKE_POSITION":
      return { action: "TAKE_POSITION", market, size, preview_hash: hash };
    case "LEAVE_POSITION":
      return { action: "LEAVE_POSITION", market, preview_hash: hash };
    default:
      return { action: row.of, amount: size };
  }
}

/** The last act this browser sent: it goes on when its dialog is closed. */
class Acts {
  current = $state.raw<HandDraft | null>(null);
  busy = $derived(this.current !== null && this.current.underWay && this.current.command.step !== "unknown");
}

export const acts = new Acts();
