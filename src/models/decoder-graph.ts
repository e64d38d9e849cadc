/**
 * Decoder graphs as exporters of the Hugging Face hub write them: what their inputs and outputs are, and one pass through them.
 *
 * @module
 */
import { Tensor, type GraphSession, type Tensors } from './graph-session.ts';
import { ModelLoadError } from '../errors.ts';
import type { Sampling } from '../maths/sampling.ts';
import type { Logits } from '../contracts/token-model.ts';
import { asDeviceError } from './device-errors.ts';
import { float16Tensor, float16Words } from './float16.ts';
import { keptColumns, paddedTokens, wantedIndices, wantedLogits, widthOf, type PassRow } from './forward-rows.ts';
import { encodePickGraph } from './pick-graph.ts';
import type { GraphDevice } from './graph-device.ts';
import { freeTensors } from './shared-tensors.ts';

/** What the files beside a graph say about it. */
export interface GraphFacts {
  /** Path or id, for messages. */
  readonly source: string;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
  /** Length of a row of logits, where the graph itself does not fix it. */
  readonly vocabularySize?: number | undefined;
  /** Sizes of a cache, where the graph itself does not fix them. */
  readonly keyValueHeads?: number | undefined;
  readonly headWidth?: number | undefined;
}

/** One tensor of a cache: an input that comes back, longer, as an output. */
export interface CachePart {
  readonly input: string;
  readonly output: string;
  readonly type: CacheType;
  /** `[batch, kvHeads, positions, headWidth]` for keys and values; names stand for sizes that neither graph nor files fix. */
  readonly shape: readonly (number | string)[];
}

export type CacheType = 'float32' | 'float16';
/** Values of a cache; words where it is of half precision. */
export type CacheData = Float32Array | Uint16Array;

/** One pass: `rows` × `width` new tokens behind what their caches hold. */
export interface GraphPass {
  readonly rows: number;
  readonly width: number;
  /** `[rows, width]`. */
  readonly tokens: BigInt64Array;
  /** `[rows, width]`; used where the graph takes positions. */
  readonly positions: BigInt64Array;
  /** `[rows, total]`, 1 where a token is. */
  readonly mask: BigInt64Array;
  /** How many of the last columns logits are wanted for; 0 for all. Used where the graph can leave the others out. */
  readonly keep: number;
  /** By input name. */
  readonly caches: Readonly<Record<string, Tensor>>;
  /** Tensors that outputs are written into. */
  readonly fetches?: Readonly<Record<string, Tensor | null>>;
}

const PAST = /^past_(key_values|\w+)/;
const KNOWN_INPUTS = new Set(['input_ids', 'attention_mask', 'position_ids', 'num_logits_to_keep', 'use_cache_branch']);
/** What other inputs tell about an export that is not a decoder of its own. */
const TELLING_INPUTS: Readonly<Record<string, string>> = {
  inputs_embeds: 'takes embeddings in place of token ids: one part of a model that was exported in several',
  encoder_hidden_states: 'is the decoder of an encoder–decoder model',
  encoder_outputs: 'is the decoder of an encoder–decoder model',
};

/** A session with the inputs and outputs of a causal language model that keeps a cache. */
export class DecoderGraph {
  readonly facts: GraphFacts;
  readonly parts: readonly CachePart[];
  readonly vocabularySize: number;
  readonly #logitsType: CacheType;
  readonly #session: GraphSession;
  readonly #inputs: ReadonlySet<string>;
  /** Takes rows out of logits that are on a device. */
  #picker: GraphSession | undefined;
  /** The runtime's own class, which may be another copy than ours; it takes tensors of any as inputs, but none but its own to write into. */
  #tensorClass: typeof Tensor = Tensor;

  /** @throws {ModelLoadError} that names what is missing or unknown. */
  private constructor(session: GraphSession, facts: GraphFacts) {
    this.#session = session;
    this.#inputs = new Set(session.inputNames);
    this.facts = facts;
    this.parts = this.#describeParts();
    const { vocabularySize, type } = this.#describeLogits();
    this.vocabularySize = vocabularySize;
    this.#logitsType = type;
  }

  /**
   * @param device - Where the session's outputs stay, all of them.
   * @throws {ModelLoadError} that names what is missing or unknown.
   */
  static async open(session: GraphSession, facts: GraphFacts, device?: GraphDevice): Promise<DecoderGraph> {
    const graph = new DecoderGraph(session, facts);
    graph.#picker = await device?.open(encodePickGraph(graph.#logitsType), undefined);
    return graph;
  }

  /** @throws {ModelError} when the runtime fails. */
  async run(pass: GraphPass): Promise<Tensors> {
    const { rows, width } = pass;
    const total = pass.mask.length / rows;
    const feeds: Record<string, Tensor> = { ...pass.caches, input_ids: new Tensor('int64', pass.tokens, [rows, width]) };
    const offer = (name: string, make: () => Tensor): void => {
      if (this.#inputs.has(name)) feeds[name] = make();
    };
    offer('attention_mask', () => new Tensor('int64', pass.mask, [rows, total]));
    offer('position_ids', () => new Tensor('int64', pass.positions, [rows, width]));
    offer('num_logits_to_keep', () => new Tensor('int64', BigInt64Array.of(BigInt(pass.keep)), []));
    offer('use_cache_branch', () => new Tensor('bool', Uint8Array.of(total > width ? 1 : 0), [1]));
    try {
      const outputs = await (pass.fetches ? this.#session.run(feeds, pass.fetches) : this.#session.run(feeds));
      this.#tensorClass = outputs['logits']!.constructor as typeof Tensor;
      return outputs;
    } catch (error) {
      throw asDeviceError(error, `${this.facts.source} failed on ${rows} rows of ${width} tokens`);
    }
  }

  /** One pass over rows of any lengths, padded on the right. @throws {ModelError} when the runtime fails. */
  forward(rows: readonly PassRow[], inputs: Pick<GraphPass, 'mask' | 'caches' | 'fetches'>): Promise<Tensors> {
    const width = widthOf(rows);
    return this.run({ rows: rows.length, width, ...paddedTokens(rows, width, this.facts.contextTokens), keep: keptColumns(rows, width), ...inputs });
  }

  /** A tensor over cache values, without copying them. One to be written into must be made after the first pass. */
  cacheTensor(data: CacheData, dims: readonly number[]): Tensor {
    return data instanceof Uint16Array ? float16Tensor(this.#tensorClass, data, dims) : new this.#tensorClass('float32', data, dims);
  }

  /** The caches that a pass has given, by the names of the inputs they are for. */
  cachesOf(outputs: Tensors): Readonly<Record<string, Tensor>> {
    return Object.fromEntries(
      this.parts.map(({ input, output }) => {
        const tensor = outputs[output]!;
        return [input, tensor.location === 'gpu-buffer' ? tensor : this.cacheTensor(cacheData(tensor), tensor.dims)];
      }),
    );
  }

  /** The wanted rows of a pass's logits: the only numbers that leave a device. Call it once for a pass. */
  async wanted(outputs: Tensors, rows: readonly PassRow[]): Promise<Logits> {
    const width = widthOf(rows);
    const logits = outputs['logits']!;
    if (!this.#picker) return wantedLogits(logits, rows, width);
    try {
      const wanted = Int32Array.from(wantedIndices(rows, width, logits.dims[1]!));
      if (wanted.length === 0) return new Float32Array(0);
      const picked = await this.#picker.run({ logits, wanted: new Tensor('int32', wanted, [wanted.length]) });
      return picked['rows']!.data as Float32Array;
    } catch (error) {
      throw asDeviceError(error, `${this.facts.source} could not give its logits`);
    } finally {
      freeTensors([logits]);
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
    await this.#picker?.release();
  }

  #describeParts(): CachePart[] {
    const { inputNames, outputNames, inputMetadata } = this.#session;
    for (const [name, meaning] of Object.entries(TELLING_INPUTS)) if (this.#inputs.has(name)) throw this.#unsupported(`It ${meaning}.`);
    if (!this.#inputs.has('input_ids')) throw this.#unsupported('It has no input `input_ids`.');
    const past = inputNames.filter((name) => PAST.test(name));
    if (past.length === 0)
      throw this.#unsupported('It has no inputs for past keys and values. Export it with its cache (Optimum: `text-generation-with-past`).');
    const unknown = inputNames.filter((name) => !KNOWN_INPUTS.has(name) && !PAST.test(name));
    if (unknown.length > 0) throw this.#unsupported(`Its inputs ${unknown.join(', ')} are not known here.`);
    return past.map((input) => {
      const output = input.replace(PAST, (_, rest: string) => (rest === 'key_values' ? 'present' : `present_${rest}`));
      if (!outputNames.includes(output)) throw this.#unsupported(`It has an input ${input} but no output ${output}.`);
      const metadata = inputMetadata.find(({ name }) => name === input);
      if (!metadata?.isTensor || (metadata.type !== 'float32' && metadata.type !== 'float16')) {
        throw this.#unsupported(`Its cache ${input} is ${metadata?.isTensor ? metadata.type : 'no tensor'}; float32 and float16 are supported.`);
      }
      return { input, output, type: metadata.type, shape: isKeyOrValue(input) ? this.#cacheShape(metadata.shape) : metadata.shape };
    });
  }

  #cacheShape(declared: readonly (number | string)[]): readonly (number | string)[] {
    const [batch, heads, positions, width, ...more] = declared;
    if (width === undefined || more.length > 0) return declared;
    const { keyValueHeads, headWidth } = this.facts;
    return [batch!, typeof heads === 'number' ? heads : (keyValueHeads ?? heads!), positions!, typeof width === 'number' ? width : (headWidth ?? width)];
  }

  #describeLogits(): { readonly vocabularySize: number; readonly type: CacheType } {
    const logits = this.#session.outputMetadata.find(({ name }) => name === 'logits');
    const size = logits?.isTensor ? (logits.shape[2] ?? undefined) : undefined;
    const vocabularySize = typeof size === 'number' ? size : this.facts.vocabularySize;
    if (!logits || vocabularySize === undefined) throw this.#unsupported('It has no output `logits` with a known vocabulary.');
    return { vocabularySize, type: logits.isTensor && logits.type === 'float16' ? 'float16' : 'float32' };
  }

  #unsupported(reason: string): ModelLoadError {
    return new ModelLoadError(this.facts.source, `The graph of ${this.facts.source} is of no layout this library can drive. ${reason}`);
  }
}

/** `[kvHeads, headWidth]` of keys and values whose sizes are known. */
export function headsOf({ shape }: CachePart): readonly [number, number] {
  return [shape[1] as number, shape[3] as number];
}

/** Whether a cache input is named as keys or values of a layer's attention. */
export function isKeyOrValue(input: string): boolean {
  return /^past_key_values\.\d+\.(key|value)$/.test(input);
}

/** The values of a cache that came out of a pass, as they are. */
export function cacheData(tensor: Tensor): CacheData {
  return tensor.type === 'float16' ? float16Words(tensor.data as ArrayBufferView) : (tensor.data as Float32Array);
}

/** An array for this many values of a cache. */
export function allocateCache(type: CacheType, size: number): CacheData {
  return type === 'float16' ? new Uint16Array(size) : new Float32Array(size);
}
