import { ApiError } from './api-error.ts';

/** Compares bearer tokens with a key, in a time that says nothing about the key: digests are compared, whole. */
export class ApiKey {
  readonly #digest: Promise<Uint8Array>;

  constructor(key: string) {
    this.#digest = digestOf(key);
  }

  /** @throws {ApiError} unless the request carries the key. */
  async check(headers: Headers): Promise<void> {
    const [, given] = /^Bearer +(.+)$/i.exec(headers.get('authorization') ?? '') ?? [];
    const [expected, found] = await Promise.all([this.#digest, digestOf(given ?? '')]);
    let difference = given === undefined ? 1 : 0;
    for (const [index, byte] of expected.entries()) difference |= byte ^ found[index]!;
    if (difference === 0) return;
    const message = given === undefined ? 'This server needs an API key: `Authorization: Bearer …`.' : 'The API key is wrong.';
    throw new ApiError(401, 'invalid_api_key', message);
  }
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}
