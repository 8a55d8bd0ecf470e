export interface Toast {
  readonly id: number;
  readonly good: boolean;
  readonly title: string;
  readonly text: string;
}

const MAX_TOASTS = 4;
const GOOD_MS = 5_000;

/** Short notes at the edge of the page. A failure stays until it is closed. */
class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;

  good(title: string, text: string): void {
    const id = this.#add({ good: true, title, text });
    setTimeout(() => this.close(id), GOOD_MS);
  }

  bad(title: string, text: string): void {
    this.#add({ good: false, title, text });
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, "id">): number {
    const id = this.#next++;
    this.list = [...this.list, { id, ...toast }].slice(-MAX_TOASTS);
    return id;
  }
}

export const toasts = new Toasts();
