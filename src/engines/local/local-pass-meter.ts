import type { Clock } from '../../contracts/clock.ts';
import type { EngineAnatomy, MeasureOptions, MeteredPart, ModelIdentity, PassMeter, PassShape } from '../../contracts/profile.ts';
import type { TokenModel } from '../../contracts/token-model.ts';
import { InvalidOptionError } from '../../errors.ts';
import type { Sampling } from '../../maths/sampling.ts';
import { requireNumber, requireWholeNumber } from '../../options.ts';
import { LARGEST_CHUNK } from '../prefill-chunk.ts';
import type { DecodeLoop } from './decode-loop.ts';
import type { Verification } from './lane.ts';
import { fingerprintOf } from './model-fingerprint.ts';
import { DecodingPasses, DraftPasses, PrefillPasses, type TimedPasses } from './timed-passes.ts';

/** A model whose passes are timed. */
export interface MeteredModel {
  readonly name: string;
  readonly model: TokenModel;
  /** How it was loaded. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface LocalPassMeterHost {
  readonly target: MeteredModel;
  readonly draft: MeteredModel | undefined;
  readonly loop: DecodeLoop;
  readonly maxRows: number;
  readonly sampling: Sampling;
  readonly verification: Verification;
  readonly clock: Clock;
}

/** Drafts longer than this are not worth a grid point. */
const MOST_NEW_TOKENS = 17;

/** Times passes on a local engine's models, between the passes of its sessions. */
export class LocalPassMeter implements PassMeter {
  readonly #host: LocalPassMeterHost;
  #identities: Promise<Omit<EngineAnatomy, 'parts'>> | undefined;

  constructor(host: LocalPassMeterHost) {
    this.#host = host;
  }

  async anatomy({ signal }: { readonly signal?: AbortSignal } = {}): Promise<EngineAnatomy> {
    signal?.throwIfAborted();
    this.#identities ??= this.#identify();
    // One that failed is tried again.
    this.#identities.catch(() => (this.#identities = undefined));
    return { ...(await this.#identities), parts: this.#parts() };
  }

  async measure(part: MeteredPart['part'], shapes: readonly PassShape[], options: MeasureOptions): Promise<number[][]> {
    const { repetitions, warmUp, budgetMs = Infinity, signal } = options;
    requireWholeNumber('repetitions', repetitions, 1);
    requireWholeNumber('warmUp', warmUp);
    if (budgetMs !== Infinity) requireNumber('budgetMs', budgetMs, 0);
    this.#requireShapes(part, shapes);
    const startedAt = this.#host.clock.now();
    const times: number[][] = shapes.map(() => []);
    const contexts = [...new Set(shapes.map((shape) => shape.contextTokens))];
    for (const [turn, contextTokens] of contexts.entries()) {
      const endsAt = startedAt + (budgetMs * (turn + 1)) / contexts.length;
      const group = [...shapes.keys()].filter((index) => shapes[index]!.contextTokens === contextTokens);
      const rows = Math.max(...group.map((index) => shapes[index]!.rows));
      const newTokens = Math.max(...group.map((index) => shapes[index]!.newTokens));
      signal?.throwIfAborted();
      const passes = await this.#host.loop.exclusively(() => this.#open(part, { rows, newTokens, contextTokens }));
      try {
        for (let round = -warmUp; round < repetitions; round++) {
          for (const index of group) {
            if (round !== 0 && this.#host.clock.now() >= endsAt) continue;
            signal?.throwIfAborted();
            const milliseconds = await this.#host.loop.exclusively(() => passes.time(shapes[index]!));
            if (round >= 0) times[index]!.push(milliseconds);
          }
        }
      } finally {
        this.#host.loop.whenIdle(() => passes.close());
      }
    }
    return times;
  }

  #open(part: MeteredPart['part'], largest: PassShape): Promise<TimedPasses> {
    const { target, draft, sampling, verification, clock } = this.#host;
    if (part === 'draft') return DraftPasses.open(draft!.model, { target: target.model, sampling, clock }, largest);
    if (part === 'prefill' || part === 'draft-prefill') return PrefillPasses.open((part === 'prefill' ? target : draft!).model, clock, largest);
    return DecodingPasses.open(target.model, { sampling, verification, clock }, largest);
  }

  #parts(): MeteredPart[] {
    const { target, draft, maxRows } = this.#host;
    // Room for the pass itself, and one token to be drawn behind it.
    const roomOf = (model: TokenModel, newTokens: number): number => Math.max(1, model.contextTokens - newTokens - 1);
    const mostNewTokens = target.model.cannotVerify === undefined ? Math.min(MOST_NEW_TOKENS, Math.floor(target.model.contextTokens / 4)) : 1;
    const chunk = Math.min(LARGEST_CHUNK, Math.floor(target.model.contextTokens / 2));
    const prefillOf = ({ model }: MeteredModel) => ({ mostRows: 1, mostNewTokens: chunk, mostContextTokens: roomOf(model, chunk) });
    return [
      { part: 'target', mostRows: maxRows, mostNewTokens, mostContextTokens: roomOf(target.model, mostNewTokens) },
      { part: 'prefill', ...prefillOf(target) },
      ...(draft
        ? [
            { part: 'draft' as const, mostRows: maxRows, mostNewTokens: 2, mostContextTokens: roomOf(draft.model, 2) },
            { part: 'draft-prefill' as const, ...prefillOf(draft) },
          ]
        : []),
    ];
  }

  async #identify(): Promise<Omit<EngineAnatomy, 'parts'>> {
    const { target, draft, loop } = this.#host;
    const identify = async ({ name, model, settings }: MeteredModel): Promise<ModelIdentity> => ({
      name,
      fingerprint: await loop.exclusively(() => fingerprintOf(model)),
      vocabularySize: model.vocabularySize,
      contextTokens: model.contextTokens,
      ...(settings && { settings }),
    });
    return { target: await identify(target), ...(draft && { draft: await identify(draft) }) };
  }

  #requireShapes(part: MeteredPart['part'], shapes: readonly PassShape[]): void {
    const limits = this.#parts().find((found) => found.part === part);
    if (!limits) throw new InvalidOptionError('part', 'a part the engine has', part);
    for (const [index, { rows, newTokens, contextTokens }] of shapes.entries()) {
      const fields = [
        ['rows', rows, 1, limits.mostRows],
        ['newTokens', newTokens, 1, limits.mostNewTokens],
        // A drafter reads the last token of a prompt together with what is new.
        ['contextTokens', contextTokens, part === 'draft' ? 1 : 0, limits.mostContextTokens],
      ] as const;
      for (const [field, value, least, most] of fields) {
        requireWholeNumber(`shapes[${index}].${field}`, value, least);
        if (value > most) throw new InvalidOptionError(`shapes[${index}].${field}`, `at most ${most}`, value);
      }
    }
  }
}
