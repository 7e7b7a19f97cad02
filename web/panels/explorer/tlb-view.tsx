/**
 * The TLB beside the walk player: what it holds, and where the tables have changed since.
 * @module
 */
import type { JSX } from 'preact';
import { formatSize, hex } from '../../../src/address.ts';
import type { Fault, Leaf } from '../../../src/hardware/walk/types.ts';
import { hit, invalidateTlb, tlbLeaves } from './session.ts';

function stateOf(held: Leaf, now: Leaf | Fault | undefined): string {
  if (now === undefined) return '';
  if (!now.ok) return 'stale: the tables fault';
  const same = now.base === held.base && now.size === held.size && now.attributes === held.attributes;
  return same ? 'as the tables' : `stale: the tables say ${hex(now.base)} ${now.perms}`;
}

/** The TLB; `now`: what its addresses are translated to now. */
export function TlbView({ now }: { readonly now: readonly (Leaf | Fault)[] }): JSX.Element | null {
  const held = tlbLeaves.value;
  if (held.length === 0) return null;
  return (
    <section class="tlb" aria-label="TLB">
      <h2>
        TLB <span>{held.length} of 4 entries, the oldest goes first</span>
      </h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">iova</th>
              <th scope="col">pa</th>
              <th scope="col">size</th>
              <th scope="col">perms</th>
              <th scope="col">state</th>
            </tr>
          </thead>
          <tbody>
            {held.map((leaf, i) => {
              const state = stateOf(leaf, now[i]);
              return (
                <tr aria-current={hit.value === leaf ? 'true' : undefined}>
                  <td data-label="iova">{hex(leaf.iova)}</td>
                  <td data-label="pa">{hex(leaf.base)}</td>
                  <td data-label="size">{formatSize(leaf.size)}</td>
                  <td data-label="perms">{leaf.perms}</td>
                  <td data-label="state" class={state.startsWith('stale') ? 'warning' : ''}>
                    {state}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <button type="button" onClick={invalidateTlb}>
        Invalidate all
      </button>
    </section>
  );
}
