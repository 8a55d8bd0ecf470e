import { announce } from "./announce";
import type { AppState } from "./store/state";

const MIN_GAP_MS = 2_000;

/** The texts of the two live regions. Polite news come at most every two seconds, the newest of them. */
class Speech {
  polite = $state("");
  urgent = $state("");
  #waiting: ReturnType<typeof setTimeout> | undefined;
  #next = "";

  say(text: string): void {
    this.#next = text;
    this.#waiting ??= setTimeout(() => {
      this.#waiting = undefined;
      this.polite = this.#next;
    }, MIN_GAP_MS);
  }

  changes(before: AppState, after: AppState): void {
    const { polite, urgent } = announce(before, after);
    if (polite) this.say(polite);
    if (urgent) this.urgent = urgent;
  }
}

export const speech = new Speech();
