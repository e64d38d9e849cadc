import type { MachineIdentity } from './profile-data.ts';

/** What a browser tells of the machine. In Node the package root has one that knows the processor. */
export function describeMachine(): MachineIdentity {
  const { hardwareConcurrency, userAgent } = globalThis.navigator ?? {};
  return { ...(hardwareConcurrency && { cores: hardwareConcurrency }), ...(userAgent && { platform: userAgent }) };
}
