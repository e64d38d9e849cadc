import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const DATA_DIRECTORY = fileURLToPath(new URL('./data/', import.meta.url));

/**
 * Collects token sequences with a mark for each token and writes them as three little-endian files:
 * `NAME.tokens` (uint16), `NAME.loss` (uint8, the marks) and `NAME.starts` (uint32, where each example begins).
 */
export class ExampleWriter {
  readonly #tokens: number[] = [];
  readonly #marks: number[] = [];
  readonly #starts: number[] = [];

  add(tokens: readonly number[], mark: (position: number) => number): void {
    this.#starts.push(this.#tokens.length);
    tokens.forEach((token, position) => {
      this.#tokens.push(token);
      this.#marks.push(mark(position));
    });
  }

  write(name: string): void {
    writeFileSync(`${DATA_DIRECTORY}${name}.tokens`, Uint16Array.from(this.#tokens));
    writeFileSync(`${DATA_DIRECTORY}${name}.loss`, Uint8Array.from(this.#marks));
    writeFileSync(`${DATA_DIRECTORY}${name}.starts`, Uint32Array.from(this.#starts));
    console.log(`${name}: ${this.#starts.length} examples, ${this.#tokens.length} tokens`);
  }
}
