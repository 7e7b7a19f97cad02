/**
 * What `lspci -vv` and `lspci -xxxx` print of a function beyond its name: ports, bus numbers, ACS, ATS, PASID, its IOMMU group.
 * @module
 */
import { canonicalPci } from '../../pci.ts';
import { type Acs, type ConfigFacts, PORT, readConfigSpace } from './config-space.ts';

/** One function as lspci shows it. */
export interface ListedFunction {
  readonly address: string;
  readonly config: ConfigFacts;
  readonly group: number | undefined;
  /** True where lspci ran without the right to read capabilities. */
  readonly denied: boolean;
}

/** Words of the PCIe capability's line, and the types they stand for. */
const PORTS: readonly (readonly [RegExp, number])[] = [
  [/\bRoot Port\b/, PORT.ROOT_PORT],
  [/\bUpstream Port\b/, PORT.UPSTREAM],
  [/\bDownstream Port\b/, PORT.DOWNSTREAM],
  [/\bPCI-Express to PCI\/PCI-X Bridge\b/, PORT.PCIE_TO_PCI],
  [/\bPCI\/PCI-X to PCI-Express Bridge\b/, PORT.PCI_TO_PCIE],
  [/\bRoot Complex Event Collector\b/, PORT.RC_EVENT_COLLECTOR],
  [/\bRoot Complex Integrated Endpoint\b/, PORT.RC_ENDPOINT],
  [/\bLegacy Endpoint\b/, PORT.LEGACY_ENDPOINT],
  [/\bEndpoint\b/, PORT.ENDPOINT],
];

const ACS_WORDS = ['SrcValid', 'TransBlk', 'ReqRedir', 'CmpltRedir', 'UpstreamFwd', 'EgressCtrl', 'DirectTrans'];
const HEAD = /^((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) /i;
const EXPRESS = /Capabilities: \[[0-9a-f]+\] Express(?: \(v\d+\))? ([^,]*)/;
const BUSES = /Bus: primary=[0-9a-f]+, secondary=([0-9a-f]+), subordinate=([0-9a-f]+)/;
const GROUP = /IOMMU group: (\d{1,9})/;
const HEX_LINE = /^([0-9a-f]{2,3}): ((?:[0-9a-f]{2} ?){1,16})$/i;
const LONGEST = 500;

interface Draft {
  readonly address: string;
  text: string[];
  readonly space: Uint8Array;
  filled: number;
}

function bitsOf(line: string): number {
  return ACS_WORDS.reduce((bits, word, i) => (line.includes(`${word}+`) ? bits | (1 << i) : bits), 0);
}

function lineOf(lines: readonly string[], mark: string): string | undefined {
  return lines.find((line) => line.includes(mark));
}

function acsOf(lines: readonly string[]): Acs | null {
  const [capability, control] = [lineOf(lines, 'ACSCap:'), lineOf(lines, 'ACSCtl:')];
  return capability === undefined ? null : { capability: bitsOf(capability), control: bitsOf(control ?? '') };
}

function enabled(lines: readonly string[], mark: string): boolean | null {
  const line = lineOf(lines, mark);
  return line === undefined ? null : line.includes('Enable+');
}

/** Facts of the verbose text; `-v` alone says nothing of ACS, and neither does a list without capabilities. */
function configOf(lines: readonly string[], verbose: boolean): ConfigFacts {
  const express = lines.flatMap((line) => EXPRESS.exec(line)?.[1] ?? [])[0];
  const buses = lines.flatMap((line) => {
    const [, secondary, subordinate] = BUSES.exec(line) ?? [];
    return secondary === undefined || subordinate === undefined ? [] : [[secondary, subordinate] as const];
  })[0];
  const facts: ConfigFacts = {
    buses: buses === undefined ? undefined : [Number.parseInt(buses[0], 16), Number.parseInt(buses[1], 16)],
  };
  if (!verbose) return facts;
  return {
    ...facts,
    port: express === undefined ? null : PORTS.find(([words]) => words.test(express))?.[1],
    acs: acsOf(lines),
    ats: enabled(lines, 'ATSCtl:'),
    pri: enabled(lines, 'PRICtl:'),
    pasid: enabled(lines, 'PASIDCtl:'),
  };
}

function functionOf({ address, text, space, filled }: Draft, verbose: boolean): ListedFunction {
  const denied = text.some((line) => line.includes('Capabilities: <access denied>'));
  const group = text.flatMap((line) => GROUP.exec(line)?.[1] ?? [])[0];
  const config = filled >= 64 ? readConfigSpace(space.subarray(0, filled)) : configOf(text, verbose && !denied);
  return { address, config, group: group === undefined ? undefined : Number(group), denied };
}

/** Every function of a text of lspci with more than its first line. */
export function parseLspci(text: string): ListedFunction[] {
  const drafts: Draft[] = [];
  let open: Draft | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.slice(0, LONGEST).trimEnd();
    const address = canonicalPci(HEAD.exec(line)?.[1] ?? '');
    if (address !== undefined) {
      open = { address, text: [], space: new Uint8Array(4096), filled: 0 };
      drafts.push(open);
      continue;
    }
    if (open === undefined) continue;
    const row = HEX_LINE.exec(line);
    if (row === null) open.text.push(line);
    else addRow(open, row);
  }
  // -vv prints the control registers of each capability; -v only their names
  const verbose = drafts.some((draft) => draft.text.some((line) => /\b(?:DevCtl|LnkCtl|Control|Status):/.test(line)));
  const functions = drafts.map((draft) => functionOf(draft, verbose));
  return functions.map((one) => ({ ...one, config: { ...one.config, ...multifunctionOf(one, functions) } }));
}

function addRow(draft: Draft, [, offset = '0', bytes = '']: RegExpExecArray): void {
  const at = Number.parseInt(offset, 16);
  const values = bytes
    .trim()
    .split(' ')
    .map((byte) => Number.parseInt(byte, 16));
  if (at !== draft.filled || at + values.length > draft.space.length) return;
  draft.space.set(values, at);
  draft.filled += values.length;
}

/** A text shows no header type: a slot with several functions is known, one with a single function is taken as such. */
function multifunctionOf({ address, config }: ListedFunction, all: readonly ListedFunction[]): ConfigFacts {
  if (config.multifunction !== undefined) return {};
  const slot = address.slice(0, -1);
  return { multifunction: all.some((one) => one.address !== address && one.address.startsWith(slot)) };
}
