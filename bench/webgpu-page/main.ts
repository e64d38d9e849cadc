/** Decodes on WebGPU and watches the browser's own interface to it: what goes to the device, what comes back, and when. */
/// <reference types="@webgpu/types" />
import { bundledModels, Decoder } from 'latency-tts';
import { InferenceSession } from 'onnxruntime-web/webgpu';
import { inLayout, type Layout } from '../../test/browser/app/hub-layouts.ts';

export interface Workload {
  readonly model: 'target' | 'draft';
  readonly layout: Layout;
  readonly branches: number;
  readonly tokens: number;
  readonly prompt: string;
}

/** Milliseconds and bytes of the whole of a workload after its prompt has been read. */
export interface Measured {
  readonly written: readonly (readonly number[])[];
  readonly passes: number;
  readonly totalMs: number;
  /** Handing buffers to the device's queue. */
  readonly uploadMs: number;
  /** Within ONNX Runtime: everything but uploads and waiting. */
  readonly dispatchMs: number;
  /** From asking for a buffer of the device to having it: the device's own work is in here. */
  readonly readBackMs: number;
  readonly uploadedBytes: number;
  readonly readBackBytes: number;
  readonly adapter: string;
}

const counts = { uploadMs: 0, readBackMs: 0, runMs: 0, runs: 0, uploadedBytes: 0, readBackBytes: 0 };

/** Replaces a method by one that calls it and sees its arguments. */
function watch<Key extends string>(
  owner: { [K in Key]: (...given: never[]) => unknown },
  name: Key,
  around: (call: () => unknown, given: readonly unknown[], self: unknown) => unknown,
): void {
  const original = owner[name];
  owner[name] = function (this: unknown, ...given: never[]) {
    return around(() => original.apply(this, given), given, this);
  };
}

const READ = GPUMapMode.READ;

watch(GPUQueue.prototype, 'writeBuffer', (call, [, , data, , size]) => {
  const startedAt = performance.now();
  const result = call();
  counts.uploadMs += performance.now() - startedAt;
  counts.uploadedBytes += (size as number | undefined) ?? (data as ArrayBuffer).byteLength;
  return result;
});
watch(GPUBuffer.prototype, 'mapAsync', async (call, [mode, , size], self) => {
  const startedAt = performance.now();
  await call();
  if (mode !== READ) return;
  counts.readBackMs += performance.now() - startedAt;
  counts.readBackBytes += (size as number | undefined) ?? (self as GPUBuffer).size;
});
const sessions = InferenceSession as unknown as { readonly prototype: { run: (...given: never[]) => unknown } };
watch(sessions.prototype, 'run', async (call) => {
  const startedAt = performance.now();
  const result = await call();
  counts.runMs += performance.now() - startedAt;
  counts.runs++;
  return result;
});

async function adapterName(): Promise<string> {
  const adapter = await navigator.gpu.requestAdapter();
  return adapter ? `${adapter.info.vendor} ${adapter.info.architecture} ${adapter.info.description}`.trim() : 'none';
}

async function measure({ model, layout, branches, tokens, prompt }: Workload): Promise<Measured> {
  const models = await bundledModels({ baseURL: 'models/', device: 'webgpu' });
  const engine = new Decoder({ model: await inLayout(models, model, layout, 'webgpu') });
  const decode = async (): Promise<Measured> => {
    const session = await engine.open(prompt, { seed: 1, sampling: { temperature: 0 } });
    const opened = session.branch(branches);
    const before = { ...counts, forwards: session.usage().forwardCount };
    const startedAt = performance.now();
    const segments = await Promise.all(opened.map((branch) => branch.advance({ until: { tokens } })));
    const totalMs = performance.now() - startedAt;
    const passes = session.usage().forwardCount - before.forwards;
    await session.dispose();
    const [uploadMs, readBackMs, runMs] = [counts.uploadMs - before.uploadMs, counts.readBackMs - before.readBackMs, counts.runMs - before.runMs];
    return {
      written: segments.map((segment) => segment.tokens),
      passes,
      totalMs,
      uploadMs,
      readBackMs,
      dispatchMs: runMs - uploadMs - readBackMs,
      uploadedBytes: counts.uploadedBytes - before.uploadedBytes,
      readBackBytes: counts.readBackBytes - before.readBackBytes,
      adapter: await adapterName(),
    };
  };
  // The first time shaders are compiled for this number of rows.
  await decode();
  const measured = await decode();
  await engine.dispose();
  return measured;
}

const tests = { measure };

declare global {
  interface Window {
    readonly bench: typeof tests;
  }
}

Object.assign(window, { tests, bench: tests });
