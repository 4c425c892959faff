/**
 * The session: an access token in memory, and a refresh token in a cookie that no script can read.
 */

interface Granted {
  access_token: string;
  expires: number;
}

/** Ask for another token when the one there is ends within so many milliseconds. */
const MARGIN = 10_000;

/** The server has refused, and says why. */
export class Refused extends Error {}

export class Session {
  #token = "";
  #endsAt = 0;
  #renewal: Promise<void> | undefined;

  private constructor(granted: Granted) {
    this.#take(granted);
  }

  /** Log in. */
  static async begin(email: string, password: string): Promise<Session> {
    return new Session(await post("/auth/login", { email, password, mode: "cookie" }));
  }

  /** Go on with the session that the cookie is of, if there is one. */
  static async resume(): Promise<Session | undefined> {
    try {
      return new Session(await post("/auth/refresh", { mode: "cookie" }));
    } catch (error) {
      if (error instanceof Refused) return undefined;
      throw error;
    }
  }

  /** Return a token that is good for some time; several callers at once ask the server once. */
  async token(): Promise<string> {
    if (Date.now() > this.#endsAt - MARGIN) {
      this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined));
      await this.#renewal;
    }
    return this.#token;
  }

  /** Trust the token no more: the server has refused it. */
  doubt(): void {
    this.#endsAt = 0;
  }

  /** Log out. */
  async end(): Promise<void> {
    await fetch("/auth/logout", request({ mode: "cookie" }));
  }

  async #renew(): Promise<void> {
    this.#take(await post("/auth/refresh", { mode: "cookie" }));
  }

  #take({ access_token, expires }: Granted): void {
    this.#token = access_token;
    this.#endsAt = Date.now() + expires;
  }
}

async function post(path: string, body: object): Promise<Granted> {
  const answer = await fetch(path, request(body));
  if (answer.status >= 500) throw new Error(`The server answers ${answer.status}.`);
  const { data, errors } = await answer.json();
  if (!answer.ok) throw new Refused(errors[0].message);
  return data;
}

function request(body: object): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
