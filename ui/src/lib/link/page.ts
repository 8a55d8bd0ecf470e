/** What the server put into the page: the token of this start, and the WebSocket's port. */
export interface PageAccess {
  readonly token: string;
  readonly url: string;
}

/** Null where the page was not served by Phantom Arbiter. */
export function readAccess(page: Document, host: string): PageAccess | null {
  const token = meta(page, "phantom-token");
  const port = meta(page, "phantom-ws-port");
  return token && port ? { token, url: `ws://${host}:${port}/` } : null;
}

function meta(page: Document, name: string): string {
  return page.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";
}
