import { PAGES, type PageId } from "./router.svelte";

export interface KeyActs {
  go(page: PageId): void;
  filter(): void;
  help(): void;
}

const CHORD_MS = 1_500;

/** Keys that move about. None sends an order. Returns the undo. */
export function listenForKeys(acts: KeyActs): () => void {
  let goUntil = 0;
  const pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || busy(event.target)) return;
    if (event.timeStamp < goUntil) {
      goUntil = 0;
      const page = PAGES.find((one) => one.key === event.key);
      if (page !== undefined) acts.go(page.id);
      return;
    }
    if (event.key === "g") goUntil = event.timeStamp + CHORD_MS;
    else if (event.key === "/") {
      event.preventDefault();
      acts.filter();
    } else if (event.key === "?") acts.help();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

/** While somebody types or a dialog is open, keys belong to that. */
function busy(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}
