export const PAGES = [
  { id: "overview", title: "Overview", key: "o" },
  { id: "funding", title: "Funding", key: "f" },
  { id: "lst", title: "LST", key: "l" },
  { id: "scalp", title: "Scalp", key: "s" },
  { id: "arb", title: "Arb", key: "a" },
  { id: "risk", title: "Risk", key: "r" },
  { id: "lab", title: "Lab", key: "b" },
  { id: "log", title: "Log", key: "j" },
] as const;

export type PageId = (typeof PAGES)[number]["id"];

/** The page that a hash names; the overview where it names none. */
export function pageOf(hash: string): PageId {
  const name = hash.replace(/^#\/?/, "").split(/[/?]/)[0];
  return PAGES.find((page) => page.id === name)?.id ?? "overview";
}

/** Which page is shown, by the address's hash. */
class Router {
  page = $state<PageId>(pageOf(location.hash));

  start(): () => void {
    const changed = (): void => {
      this.page = pageOf(location.hash);
    };
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }

  go(page: PageId): void {
    location.hash = `#/${page}`;
  }
}

export const router = new Router();
