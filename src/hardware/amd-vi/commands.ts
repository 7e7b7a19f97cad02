/**
 * Commands of the AMD IOMMU command buffer (AMD 48882, 2.4).
 * @module
 */
import { bitsOf, type Field } from '../bits.ts';
import { CommandDecoder, type CommandType, type Scope, STAGES, sizedRange } from '../command.ts';

/** Bytes of a command. */
export const AMD_COMMAND_BYTES = 16;

const OPCODE: Field = { name: 'Opcode', at: 60, bits: 4 };
const DEVICE: Field = { name: 'DeviceID', at: 0, bits: 16 };
const PASID: Field = { name: 'PASID', at: 0, bits: 20 };
const DOMAIN: Field = { name: 'DomainID', at: 32, bits: 16 };
const S: Field = { name: 'S', at: 64, bits: 1 };
const PDE: Field = { name: 'PDE', at: 65, bits: 1 };
const GN: Field = { name: 'GN', at: 66, bits: 1 };
const ADDRESS: Field = { name: 'Address', at: 76, bits: 52, shift: 12 };

/** Pages by S: 2.4.3. */
function rangeOf(words: Uint32Array, scope: Scope): void {
  sizedRange(scope, bitsOf(words, ADDRESS.at, ADDRESS.bits), bitsOf(words, S.at, 1) === 1);
}

function pages(words: Uint32Array, scope: Scope): void {
  scope.kind = 'tlb';
  scope.domain = bitsOf(words, DOMAIN.at, DOMAIN.bits);
  scope.walk = bitsOf(words, PDE.at, 1) === 1;
  const guest = bitsOf(words, GN.at, 1) === 1;
  scope.stages = guest ? STAGES.first : STAGES.second;
  if (guest) scope.space = bitsOf(words, PASID.at, PASID.bits);
  rangeOf(words, scope);
}

function deviceTlb(words: Uint32Array, scope: Scope): void {
  scope.kind = 'device-tlb';
  scope.stream = bitsOf(words, DEVICE.at, DEVICE.bits);
  scope.streams = 1;
  if (bitsOf(words, GN.at, 1) === 1) {
    scope.substream = bitsOf(words, 16, 8) + bitsOf(words, 48, 12) * 256;
  }
  rangeOf(words, scope);
}

function deviceEntry(words: Uint32Array, scope: Scope): void {
  scope.kind = 'config';
  scope.stream = bitsOf(words, DEVICE.at, DEVICE.bits);
  scope.streams = 1;
}

function everything(_words: Uint32Array, scope: Scope): void {
  scope.kind = 'tlb';
}

function wait(words: Uint32Array, scope: Scope): void {
  scope.kind = 'completion';
  scope.signals = bitsOf(words, 1, 1) === 1;
  if (bitsOf(words, 0, 1) === 0) return;
  scope.storeBytes = 8;
  scope.storeAddress = bitsOf(words, 3, 49) * 8;
  scope.storeLow = words[2] ?? 0;
  scope.storeHigh = words[3] ?? 0;
}

const TYPES: readonly CommandType[] = [
  {
    opcode: 1,
    name: 'COMPLETION_WAIT',
    section: 'AMD 48882 2.4.1',
    fields: [
      { name: 's', at: 0, bits: 1 },
      { name: 'i', at: 1, bits: 1 },
      { name: 'f', at: 2, bits: 1 },
      { name: 'StoreAddress', at: 3, bits: 49, shift: 3 },
      { name: 'StoreData', at: 64, bits: 64 },
    ],
    scope: wait,
  },
  {
    opcode: 2,
    name: 'INVALIDATE_DEVTAB_ENTRY',
    section: 'AMD 48882 2.4.2',
    fields: [DEVICE],
    scope: deviceEntry,
  },
  {
    opcode: 3,
    name: 'INVALIDATE_IOMMU_PAGES',
    section: 'AMD 48882 2.4.3',
    fields: [PASID, DOMAIN, S, PDE, GN, ADDRESS],
    scope: pages,
  },
  {
    opcode: 4,
    name: 'INVALIDATE_IOTLB_PAGES',
    section: 'AMD 48882 2.4.4',
    fields: [
      DEVICE,
      { name: 'PASID[7:0]', at: 16, bits: 8 },
      { name: 'MaxPend', at: 24, bits: 8 },
      { name: 'QueueID', at: 32, bits: 16 },
      { name: 'PASID[19:8]', at: 48, bits: 12 },
      S,
      GN,
      { name: 'Type', at: 68, bits: 2 },
      ADDRESS,
    ],
    scope: deviceTlb,
  },
  { opcode: 5, name: 'INVALIDATE_INTERRUPT_TABLE', section: 'AMD 48882 2.4.5', fields: [DEVICE] },
  {
    opcode: 6,
    name: 'PREFETCH_IOMMU_PAGES',
    section: 'AMD 48882 2.4.6',
    fields: [DEVICE, { name: 'PFCount', at: 24, bits: 8 }, DOMAIN, S, GN, ADDRESS],
  },
  {
    opcode: 7,
    name: 'COMPLETE_PPR_REQUEST',
    section: 'AMD 48882 2.4.7',
    fields: [DEVICE, { name: 'PASID', at: 32, bits: 20 }, GN, { name: 'CompletionTag', at: 96, bits: 16 }],
  },
  { opcode: 8, name: 'INVALIDATE_IOMMU_ALL', section: 'AMD 48882 2.4.8', fields: [], scope: everything },
];

/** Decodes commands; reserved bits that are set make a command illegal. */
export const AMD_COMMANDS: CommandDecoder = new CommandDecoder(
  { unit: 'amd-vi', types: TYPES, opcode: [OPCODE], reservedMustBeZero: true },
  AMD_COMMAND_BYTES / 4,
);
