import { byId, radioGroup, setText } from '../dom.ts';
import type { Panel } from '../frame.ts';
import type { Device, Drafts, Settings } from '../state.ts';

/** How many branches, which drafts, what computes. */
export function createPlanOptions(onChange: (change: Partial<Settings>) => void): Panel {
  const branches = radioGroup('branches', (value) => onChange({ branches: Number(value) }));
  const drafts = radioGroup('drafts', (value) => onChange({ drafts: value as Drafts }));
  const device = radioGroup('device', (value) => onChange({ device: value as Device }));
  const note = byId('device-note', HTMLElement);
  let shown: Settings | undefined;

  return ({ state: { settings, webgpuRefusal } }) => {
    for (const input of device.inputs) if (input.value === 'webgpu') input.disabled = webgpuRefusal !== undefined;
    setText(note, webgpuRefusal ?? '');
    if (settings === shown) return;
    shown = settings;
    branches.select(String(settings.branches));
    drafts.select(settings.drafts);
    device.select(settings.device);
  };
}
