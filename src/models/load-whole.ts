import type { Tokenizer } from '../contracts/tokenizer.ts';

/** What is loaded, and must be freed. */
interface Source<Model extends { dispose(): Promise<void> }> {
  load(): Promise<Model>;
  loadTokenizer(): Promise<Tokenizer>;
}

/**
 * A model and its tokenizer. Where one fails the other is waited for and freed: a worker that ends while its runtime still
 * loads a graph takes the process with it.
 */
export async function loadWhole<Model extends { dispose(): Promise<void> }>(
  source: Source<Model>,
): Promise<{ readonly model: Model; readonly tokenizer: Tokenizer }> {
  const [model, tokenizer] = await Promise.allSettled([source.load(), source.loadTokenizer()]);
  if (model.status === 'rejected') throw model.reason;
  if (tokenizer.status === 'fulfilled') return { model: model.value, tokenizer: tokenizer.value };
  await model.value.dispose();
  throw tokenizer.reason;
}
