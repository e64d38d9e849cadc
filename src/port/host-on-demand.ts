import type { WorkerPort } from '../models/local-model.ts';

/** What a worker is told first: what to host. */
export interface StartMessage {
  readonly hosts: 'engine' | 'scorer';
}

/** A worker's side, before it knows what it is for. @param hosts - Each takes the first message, and serves what follows. */
export function hostOnDemand(port: WorkerPort, hosts: Readonly<Record<StartMessage['hosts'], (start: StartMessage) => void>>): void {
  port.onMessage((message) => {
    const start = message as StartMessage;
    hosts[start.hosts](start);
  });
}
