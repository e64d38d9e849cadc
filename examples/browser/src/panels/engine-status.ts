import { byId, setText } from '../dom.ts';
import type { Panel } from '../frame.ts';

export function createEngineStatus(): Panel {
  const status = byId('engine-status', HTMLElement);
  const text = byId('engine-text', HTMLElement);
  return ({ state: { engine } }) => {
    status.dataset['status'] = engine.status;
    setText(text, engine.status === 'idle' ? 'Models load on the first run' : engine.text);
  };
}
