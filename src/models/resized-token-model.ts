import type { ForwardRow, Logits } from '../contracts/token-model.ts';
import { WrappedTokenModel } from './wrapped-token-model.ts';

/**
 * A model with rows of logits of another length. Exports of one family pad the same vocabulary to different sizes
 * (Qwen2.5: 151 936 and 152 064); tokens behind the vocabulary mean nothing and are left out, or added as impossible.
 */
export class ResizedTokenModel extends WrappedTokenModel {
  #logits: Float32Array = new Float32Array(0);

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    const logits = await this.model.forward(rows);
    const [given, wanted] = [this.model.vocabularySize, this.vocabularySize];
    const count = logits.length / given;
    if (this.#logits.length < count * wanted) this.#logits = new Float32Array(count * wanted);
    const resized = this.#logits.subarray(0, count * wanted);
    for (let row = 0; row < count; row++) {
      resized.set(logits.subarray(row * given, row * given + Math.min(given, wanted)), row * wanted);
      resized.fill(-Infinity, row * wanted + Math.min(given, wanted), (row + 1) * wanted);
    }
    return resized;
  }
}
