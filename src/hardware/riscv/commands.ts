/**
 * Commands of the RISC-V IOMMU command queue (RISC-V IOMMU 1.0, 4.1).
 * @module
 */
import { bitsOf, type Field } from '../bits.ts';
import { CommandDecoder, type CommandLimits, type CommandType, type Scope, STAGES, sizedRange } from '../command.ts';

/** Bytes of a command. */
export const RISCV_COMMAND_BYTES = 16;
/** Tag of first-stage entries that belong to no guest. */
export const HOST_DOMAIN = 0x10000;

const OPCODE: readonly [Field, Field] = [
  { name: 'func3', at: 7, bits: 3 },
  { name: 'opcode', at: 0, bits: 7 },
];
const AV: Field = { name: 'AV', at: 10, bits: 1 };
const PSCID: Field = { name: 'PSCID', at: 12, bits: 20 };
const PSCV: Field = { name: 'PSCV', at: 32, bits: 1 };
const GV: Field = { name: 'GV', at: 33, bits: 1 };
const NL: Field = { name: 'NL', at: 34, bits: 1 };
const GSCID: Field = { name: 'GSCID', at: 44, bits: 16 };
const S: Field = { name: 'S', at: 73, bits: 1 };
const ADDRESS: Field = { name: 'ADDR', at: 74, bits: 52, shift: 12 };
const INVALIDATE: readonly Field[] = [AV, PSCID, PSCV, GV, NL, GSCID, S, ADDRESS];
const PID: Field = { name: 'PID', at: 12, bits: 20 };
const DV: Field = { name: 'DV', at: 33, bits: 1 };
const DID: Field = { name: 'DID', at: 40, bits: 24 };

/** func3 and opcode as one number. */
const code = (opcode: number, func3: number): number => func3 * 2 ** 7 + opcode;

/** An address with S is a power of two of pages: the lowest 0 bit X of the page number gives 2^(X + 1) (4.1.1). */
function range(words: Uint32Array, scope: Scope): void {
  scope.walk = bitsOf(words, NL.at, 1) === 1;
  sizedRange(scope, bitsOf(words, ADDRESS.at, ADDRESS.bits), bitsOf(words, S.at, 1) === 1);
}

function firstStage(words: Uint32Array, scope: Scope): void {
  scope.kind = 'tlb';
  scope.stages = STAGES.first;
  scope.domain = bitsOf(words, GV.at, 1) === 1 ? bitsOf(words, GSCID.at, GSCID.bits) : HOST_DOMAIN;
  if (bitsOf(words, PSCV.at, 1) === 1) {
    scope.space = bitsOf(words, PSCID.at, PSCID.bits);
    scope.globals = false;
  }
  if (bitsOf(words, AV.at, 1) === 1) range(words, scope);
}

function secondStage(words: Uint32Array, scope: Scope): void {
  const guest = bitsOf(words, GV.at, 1) === 1;
  scope.kind = bitsOf(words, PSCV.at, 1) === 1 ? 'illegal' : 'tlb';
  scope.stages = STAGES.second;
  if (guest) scope.domain = bitsOf(words, GSCID.at, GSCID.bits);
  if (guest && bitsOf(words, AV.at, 1) === 1) range(words, scope);
}

function device(words: Uint32Array, scope: Scope): void {
  scope.kind = 'config';
  if (bitsOf(words, DV.at, 1) === 0) return;
  scope.stream = bitsOf(words, DID.at, DID.bits);
  scope.streams = 1;
}

function process(words: Uint32Array, scope: Scope): void {
  device(words, scope);
  if (bitsOf(words, DV.at, 1) === 0) scope.kind = 'illegal';
  scope.substream = bitsOf(words, PID.at, PID.bits);
  scope.directory = false;
}

/** Of an ATS invalidation, the payload is a PCIe invalidation request: S in bit 11, address in 63:12. */
function deviceTlb(words: Uint32Array, scope: Scope): void {
  scope.kind = 'device-tlb';
  const segment = bitsOf(words, 33, 1) === 1 ? bitsOf(words, 56, 8) : 0;
  scope.stream = bitsOf(words, 40, 16) + segment * 2 ** 16;
  scope.streams = 1;
  if (bitsOf(words, 32, 1) === 1) scope.substream = bitsOf(words, PID.at, PID.bits);
  sizedRange(scope, bitsOf(words, 76, 52), bitsOf(words, 75, 1) === 1);
}

function fence(words: Uint32Array, scope: Scope): void {
  scope.kind = 'completion';
  scope.signals = bitsOf(words, 11, 1) === 1;
  if (bitsOf(words, AV.at, 1) === 0) return;
  scope.storeBytes = 4;
  scope.storeAddress = bitsOf(words, 64, 32) * 4 + bitsOf(words, 96, 30) * 2 ** 34;
  scope.storeLow = words[1] ?? 0;
}

const ATS: readonly Field[] = [
  PID,
  { name: 'PV', at: 32, bits: 1 },
  { name: 'DSV', at: 33, bits: 1 },
  { name: 'RID', at: 40, bits: 16 },
  { name: 'DSEG', at: 56, bits: 8 },
  { name: 'PAYLOAD', at: 64, bits: 64 },
];

/** NL and S are reserved without their capability (4.1.1), and a reserved bit that is set makes a command illegal (4.1). */
function withoutCapability(words: Uint32Array, { nonLeaf, naturalRanges }: CommandLimits): readonly string[] {
  const refused: string[] = [];
  if (nonLeaf === false && bitsOf(words, NL.at, 1) === 1) refused.push('NL is set, and capabilities.NL is 0');
  if (naturalRanges === false && bitsOf(words, S.at, 1) === 1) refused.push('S is set, and capabilities.S is 0');
  return refused;
}

const TYPES: readonly CommandType[] = [
  {
    opcode: code(1, 0),
    name: 'IOTINVAL.VMA',
    section: 'RISC-V IOMMU 4.1.1',
    fields: INVALIDATE,
    scope: firstStage,
    refused: withoutCapability,
  },
  {
    opcode: code(1, 1),
    name: 'IOTINVAL.GVMA',
    section: 'RISC-V IOMMU 4.1.1',
    fields: INVALIDATE,
    scope: secondStage,
    refused: withoutCapability,
  },
  {
    opcode: code(2, 0),
    name: 'IOFENCE.C',
    section: 'RISC-V IOMMU 4.1.2',
    fields: [
      AV,
      { name: 'WSI', at: 11, bits: 1 },
      { name: 'PR', at: 12, bits: 1 },
      { name: 'PW', at: 13, bits: 1 },
      { name: 'DATA', at: 32, bits: 32 },
      { name: 'ADDR', at: 64, bits: 62, shift: 2 },
    ],
    scope: fence,
  },
  {
    opcode: code(3, 0),
    name: 'IODIR.INVAL_DDT',
    section: 'RISC-V IOMMU 4.1.3',
    fields: [PID, DV, DID],
    scope: device,
  },
  {
    opcode: code(3, 1),
    name: 'IODIR.INVAL_PDT',
    section: 'RISC-V IOMMU 4.1.3',
    fields: [PID, DV, DID],
    scope: process,
  },
  { opcode: code(4, 0), name: 'ATS.INVAL', section: 'RISC-V IOMMU 4.1.4', fields: ATS, scope: deviceTlb },
  { opcode: code(4, 1), name: 'ATS.PRGR', section: 'RISC-V IOMMU 4.1.4', fields: ATS },
];

/** Decodes commands; reserved bits that are set make a command illegal. */
export const RISCV_COMMANDS: CommandDecoder = new CommandDecoder(
  { unit: 'riscv-iommu', types: TYPES, opcode: OPCODE, reservedMustBeZero: true },
  RISCV_COMMAND_BYTES / 4,
);
