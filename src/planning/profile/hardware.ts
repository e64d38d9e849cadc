/** Data sheets of common accelerators, in the terms of a roofline. */
import { InvalidOptionError } from '../../errors.ts';
import { requireNumber } from '../../options.ts';

/** One accelerator, or a class of them. */
export interface Hardware {
  readonly name: string;
  readonly memoryBytes: number;
  /** Of the accelerator's own memory, bytes a second. */
  readonly bandwidth: number;
  /** Dense multiply-accumulates of 16-bit numbers as the data sheet counts them: two operations each, no sparsity. */
  readonly flops: number;
  /** Between two accelerators of one machine, bytes a second in one direction. Left out: one accelerator only. */
  readonly linkBandwidth?: number;
  /** What one message between accelerators takes beside its bytes, milliseconds. @default 0.01 */
  readonly linkMs?: number;
  /**
   * Fixed cost of one layer in a pass, milliseconds: launching its kernels and waiting for the last one. No data sheet
   * has it; these are assumptions of its order, which `fitRoofline` replaces by a measurement.
   */
  readonly layerMs: number;
  /** Where each number is from. */
  readonly sources: Readonly<Record<'memoryBytes' | 'bandwidth' | 'flops' | 'layerMs', string>> & { readonly linkBandwidth?: string };
}

const GB = 1e9;
const TERA = 1e12;
const CUDA_GRAPH = 'assumption: about ten kernels a layer, replayed as one CUDA graph';
const EAGER_METAL = 'assumption: about ten kernels a layer in one command buffer';
const RTX_LINK = 'none: no NVLink on consumer cards of the Ada generation';

/** Accelerators by name. */
export const HARDWARE = {
  'h100-sxm': {
    name: 'NVIDIA H100 SXM 80 GB',
    memoryBytes: 80 * GB,
    bandwidth: 3350 * GB,
    flops: 989.4 * TERA,
    linkBandwidth: 450 * GB,
    layerMs: 0.02,
    sources: {
      memoryBytes: 'NVIDIA H100 data sheet: 80 GB',
      bandwidth: 'NVIDIA H100 data sheet: 3.35 TB/s',
      flops: 'NVIDIA H100 data sheet: BF16 1,979 TFLOPS with sparsity, half of it without',
      linkBandwidth: 'NVIDIA H100 data sheet: NVLink 900 GB/s, both directions together',
      layerMs: CUDA_GRAPH,
    },
  },
  'h200-sxm': {
    name: 'NVIDIA H200 SXM 141 GB',
    memoryBytes: 141 * GB,
    bandwidth: 4800 * GB,
    flops: 989.4 * TERA,
    linkBandwidth: 450 * GB,
    layerMs: 0.02,
    sources: {
      memoryBytes: 'NVIDIA H200 data sheet: 141 GB',
      bandwidth: 'NVIDIA H200 data sheet: 4.8 TB/s',
      flops: 'NVIDIA H200 data sheet: BF16 1,979 TFLOPS with sparsity, half of it without',
      linkBandwidth: 'NVIDIA H200 data sheet: NVLink 900 GB/s, both directions together',
      layerMs: CUDA_GRAPH,
    },
  },
  'a100-80gb': {
    name: 'NVIDIA A100 SXM 80 GB',
    memoryBytes: 80 * GB,
    bandwidth: 2039 * GB,
    flops: 312 * TERA,
    linkBandwidth: 300 * GB,
    layerMs: 0.025,
    sources: {
      memoryBytes: 'NVIDIA A100 data sheet: 80 GB',
      bandwidth: 'NVIDIA A100 data sheet: 2,039 GB/s',
      flops: 'NVIDIA A100 data sheet: BF16 312 TFLOPS without sparsity',
      linkBandwidth: 'NVIDIA A100 data sheet: NVLink 600 GB/s, both directions together',
      layerMs: CUDA_GRAPH,
    },
  },
  l40s: {
    name: 'NVIDIA L40S 48 GB',
    memoryBytes: 48 * GB,
    bandwidth: 864 * GB,
    flops: 362.05 * TERA,
    linkBandwidth: 32 * GB,
    linkMs: 0.03,
    layerMs: 0.025,
    sources: {
      memoryBytes: 'NVIDIA L40S data sheet: 48 GB',
      bandwidth: 'NVIDIA L40S data sheet: 864 GB/s',
      flops: 'NVIDIA L40S data sheet: BF16 362.05 TFLOPS without sparsity',
      linkBandwidth: 'NVIDIA L40S data sheet: PCIe Gen4 x16, 64 GB/s both directions together',
      layerMs: CUDA_GRAPH,
    },
  },
  'rtx-4090': {
    name: 'NVIDIA GeForce RTX 4090 24 GB',
    memoryBytes: 24 * GB,
    bandwidth: 1008 * GB,
    flops: 165.2 * TERA,
    layerMs: 0.025,
    sources: {
      memoryBytes: 'NVIDIA Ada architecture white paper: 24 GB',
      bandwidth: 'NVIDIA Ada architecture white paper: 1,008 GB/s',
      flops: 'NVIDIA Ada architecture white paper: FP16 with FP32 accumulation, without sparsity',
      linkBandwidth: RTX_LINK,
      layerMs: CUDA_GRAPH,
    },
  },
  'rtx-4080-16gb': {
    name: 'NVIDIA GeForce RTX 4080 16 GB',
    memoryBytes: 16 * GB,
    bandwidth: 716.8 * GB,
    flops: 97.5 * TERA,
    layerMs: 0.025,
    sources: {
      memoryBytes: 'NVIDIA Ada architecture white paper: 16 GB',
      bandwidth: 'NVIDIA Ada architecture white paper: 716.8 GB/s',
      flops: 'NVIDIA Ada architecture white paper: FP16 with FP32 accumulation, without sparsity',
      linkBandwidth: RTX_LINK,
      layerMs: CUDA_GRAPH,
    },
  },
  'apple-m2-max': {
    name: 'Apple M2 Max, 38 GPU cores, 64 GB',
    memoryBytes: 64 * GB,
    bandwidth: 400 * GB,
    flops: 13.6 * TERA,
    layerMs: 0.05,
    sources: {
      memoryBytes: 'a common configuration; the GPU shares it with everything else',
      bandwidth: 'Apple M2 Max press release: 400 GB/s',
      flops: 'assumption: 38 cores of 128 lanes at 1.4 GHz, 32-bit; the GPU has no faster 16-bit matrix unit',
      layerMs: EAGER_METAL,
    },
  },
  'phone-webgpu': {
    name: 'a recent phone, WebGPU in its browser',
    memoryBytes: 4 * GB,
    bandwidth: 68 * GB,
    flops: 2 * TERA,
    layerMs: 0.5,
    sources: {
      memoryBytes: 'assumption: what a browser lets one page use of 8 or 12 GB',
      bandwidth: 'LPDDR5X at 8533 MT/s on 64 bits: 68 GB/s',
      flops: 'assumption: the order of flagship phone GPUs at 16 bits',
      layerMs: 'assumption: ten dispatches a layer of 0.05 ms each',
    },
  },
} as const satisfies Readonly<Record<string, Hardware>>;

export type HardwareName = keyof typeof HARDWARE;

/** A listed accelerator by name, or the one that was given. @throws {InvalidOptionError} */
export function resolveHardware(hardware: HardwareName | Hardware): Hardware {
  const found = typeof hardware === 'string' ? (HARDWARE as Readonly<Record<string, Hardware>>)[hardware] : hardware;
  if (!found) throw new InvalidOptionError('hardware', `a description or one of ${Object.keys(HARDWARE).join(', ')}`, hardware);
  for (const field of ['memoryBytes', 'bandwidth', 'flops'] as const) requireNumber(`hardware.${field}`, found[field], Number.MIN_VALUE);
  requireNumber('hardware.layerMs', found.layerMs, 0);
  return found;
}
