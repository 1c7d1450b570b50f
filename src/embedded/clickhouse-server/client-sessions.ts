/** Sessions that clients keep by `session_id`: what they SET and their temporary tables stay until nobody has used them for a while. */
import type { Engine } from "./engine.ts";
import type { EngineSession } from "./engine-session.ts";
import type { HttpRequest } from "./http-request.ts";
import type { Login } from "./accounts.ts";
import { serverError } from "./server-error.ts";

export type ClientSessions = {
  /** Calls `run` with the request's session, or null when it asks for none; one request of a session at a time. */
  use<T>(login: Login, request: HttpRequest, run: (session: EngineSession | null) => Promise<T>): Promise<T>;
  close(): void;
};

type Kept = { readonly session: EngineSession; busy: boolean; timer: NodeJS.Timeout | undefined };

const TIMEOUT_DEFAULT_S = 60;
const TIMEOUT_MAX_S = 3600;
const SESSIONS_MAX = 200;

export function createClientSessions(engine: Engine): ClientSessions {
  const sessions = new Map<string, Kept>();
  const end = (key: string): void => {
    clearTimeout(sessions.get(key)?.timer);
    sessions.get(key)?.session.close();
    sessions.delete(key);
  };
  return {
    use: async (login, request, run) => {
      const { session: asked } = request;
      if (asked === null) return run(null);
      const timeoutS = timeoutOf(asked.timeout);
      const key = JSON.stringify([login.user, asked.id]);
      const kept = sessions.get(key) ?? create(key);
      if (kept.busy) throw failure(373, "SESSION_IS_LOCKED", `Session ${asked.id} is locked by a concurrent client`);
      clearTimeout(kept.timer);
      kept.busy = true;
      try {
        return await run(kept.session);
      } finally {
        kept.busy = false;
        if (asked.close) end(key);
        else kept.timer = setTimeout(end, timeoutS * 1000, key).unref();
      }

      function create(name: string): Kept {
        if (asked?.check === true) throw failure(372, "SESSION_NOT_FOUND", `Session ${asked.id} not found`);
        if (sessions.size >= SESSIONS_MAX)
          throw failure(202, "TOO_MANY_SIMULTANEOUS_QUERIES", `There are ${SESSIONS_MAX} sessions already: close some`);
        const made: Kept = { session: engine.openSession(login.role), busy: false, timer: undefined };
        sessions.set(name, made);
        return made;
      }
    },
    close: () => {
      for (const key of [...sessions.keys()]) end(key);
    },
  };
}

function timeoutOf(text: string | null): number {
  if (text === null) return TIMEOUT_DEFAULT_S;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(seconds)) throw failure(374, "INVALID_SESSION_TIMEOUT", `Invalid session timeout: '${text}'`);
  if (seconds > TIMEOUT_MAX_S) {
    const text = `Session timeout '${seconds}' is larger than max_session_timeout: ${TIMEOUT_MAX_S}. Maximum session timeout can be modified in configuration file.`;
    throw failure(374, "INVALID_SESSION_TIMEOUT", text);
  }
  return seconds;
}

function failure(code: number, name: string, text: string): Error {
  return serverError({ code, name, text });
}
