/**
 * Tags in use: an ASID, VMID, domain id or PSCID may stand for other tables only after everything cached under it is gone.
 * @module
 */
import { ANY, type Scope } from '../../hardware/command.ts';
import type { TranslationTag } from '../../hardware/iommu.ts';
import type { TagUse } from './types.ts';

interface TagState {
  readonly tag: TranslationTag;
  root: number;
  readonly users: Set<string>;
  /** How far an invalidation of the whole tag has come since its last user left. */
  flush: 'none' | 'asked' | 'clean';
}

const keyOf = ({ domain, space, stages }: TranslationTag): string => `${domain}/${space}/${stages}`;

/** Who uses which tag. */
export class Tags {
  readonly #tags: Map<string, TagState> = new Map();

  /**
   * A stream starts to use a tag.
   * @returns false where the tag stood for other tables before, of which something may still be cached
   */
  use({ tag, root }: TagUse, user: string): boolean {
    const key = keyOf(tag);
    const known = this.#tags.get(key);
    if (known === undefined) {
      this.#tags.set(key, { tag, root, users: new Set([user]), flush: 'none' });
      return true;
    }
    const reused = known.root !== root;
    const clean = known.users.size === 0 && known.flush === 'clean';
    if (reused) known.root = root;
    if (known.users.size === 0) known.flush = 'none';
    known.users.add(user);
    return !reused || clean;
  }

  /** A stream stops to use a tag. */
  leave({ tag }: TagUse, user: string): void {
    const known = this.#tags.get(keyOf(tag));
    if (known?.users.delete(user) === true && known.users.size === 0) known.flush = 'none';
  }

  /** A command was consumed; returns whether it took a whole tag that nobody uses. */
  consumed(scope: Scope): boolean {
    if (scope.kind !== 'tlb' || scope.pages !== Number.POSITIVE_INFINITY || !scope.walk) return false;
    let took = false;
    for (const state of this.#tags.values()) {
      if (state.users.size > 0 || !names(scope, state.tag)) continue;
      took = true;
      if (state.flush === 'none') state.flush = 'asked';
    }
    return took;
  }

  /** A completion. */
  completed(): void {
    for (const state of this.#tags.values()) if (state.flush === 'asked') state.flush = 'clean';
  }
}

function names(scope: Scope, { domain, space, stages }: TranslationTag): boolean {
  const inside = (scope.domain === ANY || scope.domain === domain) && (scope.stages & stages) !== 0;
  return inside && (scope.space === ANY || scope.space === space);
}
