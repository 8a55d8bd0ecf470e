import type { CarryLabResponse, NotFound, Unavailable } from "../messages";

/** Why there is no answer, and what the reader is to look at: a parameter's name, or none. */
export interface LabFailure {
  readonly code: string;
  readonly message: string;
  readonly field: string;
}

export type Answer = { readonly result: CarryLabResponse } | { readonly failure: LabFailure };

export interface Line {
  fetch(address: string): Promise<Response>;
  wait(ms: number): Promise<void>;
}

export const LIMIT_MS = 60_000;
/** How often the question is put again while another backtest runs: a reload leaves one behind. */
export const BUSY_TRIES = 5;

/** The server's answer; one that is busy is asked again a few times, after the pause that it names. */
export async function ask(address: string, line: Line): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    let answer: Response;
    try {
      answer = await line.fetch(address);
    } catch (error) {
      return { failure: unreachable(error) };
    }
    const body = await bodyOf(answer);
    if (answer.ok && isResult(body)) return { result: body };
    const busy = answer.status === 503 && isUnavailable(body) && body.code === "busy";
    if (!busy || tries >= BUSY_TRIES) return { failure: failureOf(answer.status, body) };
    await line.wait(body.retry_after_s * 1_000);
  }
}

function failureOf(status: number, body: unknown): LabFailure {
  const told = (typeof body === "object" && body !== null ? body : {}) as Partial<NotFound & Unavailable & { field: string }>;
  return {
    code: told.code ?? `http_${status}`,
    message: told.message || told.reason || `HTTP ${status} without an answer that can be read`,
    field: told.field ?? "",
  };
}

function unreachable(error: unknown): LabFailure {
  const late = error instanceof DOMException && error.name === "TimeoutError";
  const message = late ? `no answer within ${LIMIT_MS / 1_000} s` : "Phantom Arbiter can't be reached";
  return { code: late ? "late" : "unreachable", message, field: "" };
}

async function bodyOf(answer: Response): Promise<unknown> {
  try {
    return (await answer.json()) as unknown;
  } catch {
    return null;
  }
}

function isResult(body: unknown): body is CarryLabResponse {
  return typeof body === "object" && body !== null && "policies" in body && "verdict" in body;
}

function isUnavailable(body: unknown): body is Unavailable {
  return typeof body === "object" && body !== null && "retry_after_s" in body;
}
