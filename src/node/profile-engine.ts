import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { versions } from 'node:process';
import type { Engine } from '../contracts/engine.ts';
import type { MeasuredProfile } from '../planning/profile/measured-profile.ts';
import type { MachineIdentity } from '../planning/profile/profile-data.ts';
import { profileEngine as profilePortably, type ProfileEngineOptions } from '../planning/profile/profile-engine.ts';
import { VERSION } from '../version.ts';

/** The machine that this process runs on, for profiles. */
export function describeMachine(): MachineIdentity {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${platform()} ${arch()}`,
    versions: { 'latency-tts': VERSION, node: versions.node, ...runtimeVersion() },
  };
}

/** Of the local runtime, where it is installed. */
function runtimeVersion(): Readonly<Record<string, string>> {
  try {
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { readonly version: string };
    return { 'onnxruntime-node': version };
  } catch {
    return {};
  }
}

/** `profileEngine` of the portable root, with this machine's description. @throws {InvalidOptionError | ModelError | DisposedError} */
export function profileEngine(engine: Engine, options: ProfileEngineOptions = {}): Promise<MeasuredProfile> {
  return profilePortably(engine, { machine: describeMachine(), ...options });
}
