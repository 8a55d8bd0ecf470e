import type { CarryLabResponse, LabPolicy } from "../messages";
import { speech } from "../speech.svelte";
import { ask, LIMIT_MS, type LabFailure } from "./ask";
import { addressOf, FIRST_QUESTION, problemOf, sameQuestion, type Question } from "./question";

/** What the Lab page asks and shows. It outlives the page, so coming back finds the last result. */
class LabDesk {
  draft = $state.raw<Question>(FIRST_QUESTION);
  /** The last good result and the question it answers. */
  result = $state.raw<CarryLabResponse | null>(null);
  of = $state.raw<Question | null>(null);
  /** Why the last question has no answer, and which one it was. */
  failure = $state.raw<{ why: LabFailure; of: Question } | null>(null);
  /** Wall time of the start of the run under way. */
  since = $state<number | null>(null);
  /** The policy whose causes and decisions are shown. */
  chosen = $state<LabPolicy["policy"]>("hold");
  #opened = false;

  get running(): boolean {
    return this.since !== null;
  }

  /** What is shown answers another question than the form asks. */
  get outdated(): boolean {
    return this.of !== null && (problemOf(this.draft) !== null || !sameQuestion(this.of, this.draft));
  }

  /** The first time that somebody looks, it runs by itself. */
  open(): void {
    if (this.#opened) return;
    this.#opened = true;
    void this.run();
  }

  /** Ask what the form says. */
  async run(): Promise<void> {
    if (problemOf(this.draft) === null) await this.#run(this.draft);
  }

  /** Ask the question that failed once more. */
  async retry(): Promise<void> {
    if (this.failure !== null) await this.#run(this.failure.of);
  }

  async #run(question: Question): Promise<void> {
    if (this.running) return;
    this.since = Date.now();
    speech.say(`Backtest of ${question.market} started.`);
    const answer = await ask(addressOf(question), {
      fetch: (address) => fetch(address, { signal: AbortSignal.timeout(LIMIT_MS) }),
      wait: (ms) => new Promise((done) => setTimeout(done, ms)),
    });
    this.since = null;
    if ("result" in answer) this.#take(answer.result, question);
    else this.failure = { why: answer.failure, of: question };
  }

  #take(result: CarryLabResponse, question: Question): void {
    this.result = result;
    this.of = question;
    this.failure = null;
    this.chosen = result.ranking[0] ?? "hold";
    speech.say(`Backtest of ${question.market} done: ${result.verdict[0] ?? ""}`);
  }
}

export const lab = new LabDesk();
