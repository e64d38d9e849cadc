import { Tensor, type GraphSession } from './graph-session.ts';
import { ContextLengthError, DisposedError, InvalidOptionError, ModelError, ModelLoadError } from '../errors.ts';
import { float32Values } from './float16.ts';

/** A model seen as tokens in, labels out: a reward model's head. */
export interface TextClassifier {
  /** Whether labels are given to every token or to a text as a whole. */
  readonly reads: 'tokens' | 'text';
  readonly labels: number;
  readonly contextTokens: number;
  /**
   * Logits of each row: `[tokens, labels]` where it reads tokens, else `[labels]`. One call at a time.
   *
   * @param rows - Rows of at least one token; they may differ in length.
   * @throws {ContextLengthError | ModelError | DisposedError}
   */
  classify(rows: readonly (readonly number[])[]): Promise<readonly Float32Array[]>;
  /** Frees the weights. Safe to call twice. */
  dispose(): Promise<void>;
}

/** What the files beside a classifier's graph say about it. */
export interface ClassifierFacts {
  /** Path or id, for messages. */
  readonly source: string;
  readonly contextTokens: number;
  /** The token that rows are filled up with; without it rows of a text classifier are run each by itself. */
  readonly padToken: number | undefined;
}

const KNOWN_INPUTS = ['input_ids', 'attention_mask', 'position_ids', 'token_type_ids'];

/** A graph without a cache: `input_ids` and `attention_mask` in, `logits` of two or three dimensions out. */
export class OnnxClassifier implements TextClassifier {
  readonly reads: 'tokens' | 'text';
  readonly labels: number;
  readonly contextTokens: number;
  readonly #session: GraphSession;
  readonly #facts: ClassifierFacts;
  #isDisposed = false;

  /** @throws {ModelLoadError} that names what is missing or unknown. */
  constructor(session: GraphSession, facts: ClassifierFacts) {
    const { source } = facts;
    const unknown = session.inputNames.filter((name) => !KNOWN_INPUTS.includes(name));
    const logits = session.outputMetadata.find(({ name }) => name === 'logits');
    const shape = logits?.isTensor ? logits.shape : [];
    const labels = shape.at(-1);
    if (!session.inputNames.includes('input_ids') || unknown.length > 0) {
      throw new ModelLoadError(source, `${source} is no classifier of text: it takes ${session.inputNames.join(', ')}. Export it without a cache.`);
    }
    if ((shape.length !== 2 && shape.length !== 3) || typeof labels !== 'number') {
      throw new ModelLoadError(source, `${source} has no output \`logits\` with a fixed number of labels, for each text or each token.`);
    }
    this.reads = shape.length === 3 ? 'tokens' : 'text';
    this.labels = labels;
    this.contextTokens = facts.contextTokens;
    this.#session = session;
    this.#facts = facts;
  }

  async classify(rows: readonly (readonly number[])[]): Promise<readonly Float32Array[]> {
    if (this.#isDisposed) throw new DisposedError('model');
    for (const row of rows) {
      if (row.length === 0) throw new InvalidOptionError('rows', 'rows of at least one token', row);
      if (row.length > this.contextTokens) throw new ContextLengthError(row.length, this.contextTokens);
    }
    // A text classifier of the causal kind finds the end of a row by its padding token.
    const needsPadding = rows.some(({ length }) => length !== rows[0]!.length);
    if (this.reads === 'text' && needsPadding && this.#facts.padToken === undefined) {
      const results: Float32Array[] = [];
      for (const row of rows) results.push(...(await this.#run([row])));
      return results;
    }
    return rows.length === 0 ? [] : this.#run(rows);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#session.release();
  }

  async #run(rows: readonly (readonly number[])[]): Promise<readonly Float32Array[]> {
    const width = Math.max(...rows.map(({ length }) => length));
    const dims = [rows.length, width];
    const fill = (value: (row: readonly number[], place: number) => number): Tensor =>
      new Tensor(
        'int64',
        BigInt64Array.from({ length: rows.length * width }, (_, index) => BigInt(value(rows[Math.floor(index / width)]!, index % width))),
        dims,
      );
    const offered: Readonly<Record<string, () => Tensor>> = {
      input_ids: () => fill((row, place) => row[place] ?? this.#facts.padToken ?? 0),
      attention_mask: () => fill((row, place) => (place < row.length ? 1 : 0)),
      position_ids: () => fill((_, place) => place),
      token_type_ids: () => fill(() => 0),
    };
    const feeds = Object.fromEntries(this.#session.inputNames.map((name) => [name, offered[name]!()]));
    const values = await this.#logits(feeds);
    const stride = this.reads === 'tokens' ? width * this.labels : this.labels;
    return rows.map(({ length }, row) => values.subarray(row * stride, row * stride + (this.reads === 'tokens' ? length * this.labels : this.labels)));
  }

  async #logits(feeds: Record<string, Tensor>): Promise<Float32Array> {
    try {
      return float32Values((await this.#session.run(feeds, ['logits']))['logits']!);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new ModelError(`${this.#facts.source} failed on ${feeds['input_ids']!.dims.join(' rows of ')} tokens: ${detail}`, { cause: error });
    }
  }
}
