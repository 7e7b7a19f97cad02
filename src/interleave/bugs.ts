/**
 * Defects that can be put into the algorithms: those that Linux had, and one for each thing that an algorithm needs.
 * @module
 */
import type { NumbersBug } from './numbers.ts';
import type { QueueBug } from './queue/producer.ts';
import type { TableBug } from './table/writer.ts';

/** Name of a defect. */
export type BugName = QueueBug | TableBug | NumbersBug;

/** A defect. */
export interface Bug {
  /** What is wrong. */
  readonly about: string;
  /** The small scenario in which a search of all interleavings meets it soonest. */
  readonly scenario: string;
  /** The large scenario in which random schedules meet it. */
  readonly large: string;
  /** The commits of Linux that brought and fixed it. */
  readonly source?: string;
}

/** Every defect, the public ones of Linux first. */
export const BUGS: Readonly<Record<BugName, Bug>> = {
  'exclusive-unlock-clears-waiters': {
    about: 'giving the lock up forgets who waits to share it, so that others take it alone again and again',
    scenario: 'queue-full',
    large: 'queue-many',
    source: 'Linux from 5.4 (587e6c10a7ce), fixed by df180b1a4cc5',
  },
  'split-loser-forgets-to-unmap': {
    about:
      'of two that split one block, the second frees its table and returns without unmapping its page in the other one',
    scenario: 'table-split',
    large: 'table-many',
    source: 'Linux from 4.13 (2c3d273eabe8), fixed by 85c7a0f1ef62',
  },
  'number-taken-before-the-lock': {
    about: 'CMD_SYNCs are numbered before the lock is held, so that numbers do not grow along the queue',
    scenario: 'numbers',
    large: 'numbers-many',
    source: 'Linux from 4.15 (37de98f8f1cf), fixed by 0f02477d1698',
  },
  'unmap-does-not-clean': {
    about:
      'an unmapping goes through a table entry that its writer has not cleaned yet, so that memory still has the block',
    scenario: 'table-split-not-snooped',
    large: 'table-many-not-snooped',
  },
  'no-barrier-before-valid': {
    about: 'no barrier between the entries and their valid bits',
    scenario: 'queue-two-reordered',
    large: 'queue-many',
  },
  'no-shared-lock': {
    about: 'a waiter for a CMD_SYNC does not hold the lock, so that the queue may go round twice under it',
    scenario: 'queue-full',
    large: 'queue-many',
  },
  'owner-skips-its-turn': {
    about: 'an owner publishes without waiting for the owner before it',
    scenario: 'queue-two',
    large: 'queue-many',
  },
  'owner-skips-valid-bits': {
    about: 'an owner publishes without waiting until all entries are written',
    scenario: 'queue-two',
    large: 'queue-many',
  },
  'valid-bits-without-wrap': {
    about: 'the valid bits of the second round are read as those of the first',
    scenario: 'queue-full',
    large: 'queue-many',
  },
  'space-without-sync': {
    about: 'the room for the CMD_SYNC is not counted',
    scenario: 'queue-mixed',
    large: 'queue-many',
  },
  'install-without-compare': {
    about: 'a new table is written over whatever another writer has put there',
    scenario: 'table-install',
    large: 'table-many',
  },
  'loser-keeps-its-page': {
    about: 'the second writer does not free the table that it could not put in place',
    scenario: 'table-install',
    large: 'table-many',
  },
  'no-barrier-before-install': {
    about: 'no barrier between the contents of a table and the entry that leads to it',
    scenario: 'table-install-reordered',
    large: 'table-many',
  },
  'new-table-not-cleaned': {
    about: 'the contents of a new table stay in the cache when its entry is put in place',
    scenario: 'table-install-not-snooped',
    large: 'table-many-not-snooped',
  },
  'second-writer-does-not-clean': {
    about: 'a writer relies on a table entry that bears no mark and may not be cleaned yet',
    scenario: 'table-install-not-snooped',
    large: 'table-many-not-snooped',
  },
  'marked-before-cleaned': {
    about: 'a table entry is marked as cleaned before it is',
    scenario: 'table-install-not-snooped',
    large: 'table-many-not-snooped',
  },
};
