/**
 * The v3d driver (Broadcom VideoCore V and later).
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultKind } from '../incident.ts';
import { deviceMmu, printedFields } from './printed.ts';

function classOf(draft: Draft): readonly [string, FaultKind, string] {
  if (draft.text('invalid') !== undefined) return ['pte invalid', 'translation', 'the page is not mapped on the GPU'];
  if (draft.text('violation') !== undefined) return ['write violation', 'permission', 'the page may not be written'];
  if (draft.text('cap') !== undefined)
    return ['cap exceeded', 'input-range', 'the address is beyond the limit of the MMU'];
  return ['MMU error', 'unknown', 'the line gives no reason'];
}

function decode(draft: Draft): Decoded {
  const [name, kind, meaning] = classOf(draft);
  return {
    kind,
    name,
    meaning,
    device: draft.unit,
    iova: draft.hex('iova'),
    access: draft.text('violation') === undefined ? undefined : 'write',
    fields: printedFields(draft, { client: ['client', 'block of the GPU that made the access'], axi: ['AXI id', ''] }),
  };
}

/** The v3d driver. */
export const v3d: FaultDriver = deviceMmu({
  id: 'v3d',
  title: 'Broadcom VideoCore, v3d',
  source: 'Linux drivers/gpu/drm/v3d/v3d_irq.c',
  marks: ['MMU error from client'],
  heads: ['v3d {unit:s}: <[drm] >', '[drm<:{function:text}>] '],
  layouts: [
    {
      id: 'fault',
      starts: true,
      text: 'MMU error from client {client:text} ({axi}) at {iova}<, {violation:write violation}><, {invalid:pte invalid}><, {cap:cap exceeded}>',
    },
  ],
  quiet: [],
  functions: ['v3d_hub_irq'],
  decode,
});
