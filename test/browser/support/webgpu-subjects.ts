/** Models that are put through the laws on WebGPU, and what else is checked. */
interface Subject {
  readonly path: string;
  /** Loaded as models of the hub are. */
  readonly isHub: boolean;
  /** Class of the model. */
  readonly expected: string;
}

const HUB = 'test/fixtures/hub';

export const WEBGPU_SUBJECTS = {
  native: { path: 'models/draft', isHub: false, expected: 'DeviceTokenModel' },
  'a hub export that goes by the mask': { path: `${HUB}/llama-optimum`, isHub: true, expected: 'MaskedTokenModel' },
  'a hub export with GroupQueryAttention': { path: `${HUB}/qwen3-gqa`, isHub: true, expected: 'BlockGqaTokenModel' },
} as const satisfies Readonly<Record<string, Subject>>;

export type WebgpuSubject = keyof typeof WEBGPU_SUBJECTS;

export const FURTHER_CHECKS = [
  'gives the logits of the CPU',
  'brings nothing back but the wanted logits, and frees what is replaced',
  'engines of one process take turns',
] as const;
