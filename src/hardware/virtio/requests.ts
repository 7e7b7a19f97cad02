/**
 * Requests of a virtio-iommu: the part that the device reads, without the status that it writes behind it
 * (Virtual I/O Device (VIRTIO) 1.2, 5.13.6).
 * @module
 */
import { bitsOf, type Field } from '../bits.ts';
import { CommandDecoder, type CommandType, type Scope } from '../command.ts';

/** Bytes of the longest request without its tail: MAP. */
export const VIRTIO_REQUEST_BYTES = 36;
/** Bytes of the tail that the device writes: status and padding. */
export const VIRTIO_TAIL_BYTES = 4;

/** Request types (5.13.6). */
export const VIRTIO_REQUEST = { attach: 1, detach: 2, map: 3, unmap: 4, probe: 5 } as const;

/** Status of a request (5.13.6). */
export const VIRTIO_STATUS = {
  ok: 0,
  ioError: 1,
  unsupported: 2,
  deviceError: 3,
  invalid: 4,
  range: 5,
  noEntry: 6,
  fault: 7,
  noMemory: 8,
} as const;

/** Flags of a mapping (5.13.6.5), and of an attachment. */
export const VIRTIO_FLAGS = { read: 1, write: 2, mmio: 4, bypass: 1 } as const;

const TYPE: Field = { name: 'type', at: 0, bits: 8 };
const RESERVED: Field = { name: 'reserved', at: 8, bits: 24 };
const DOMAIN: Field = { name: 'domain', at: 32, bits: 32 };
const ENDPOINT: Field = { name: 'endpoint', at: 64, bits: 32 };
const START: Field = { name: 'virt_start', at: 64, bits: 64, shift: 0 };
const END: Field = { name: 'virt_end', at: 128, bits: 64, shift: 0 };

function endpoint(words: Uint32Array, scope: Scope): void {
  scope.kind = 'config';
  scope.stream = bitsOf(words, ENDPOINT.at, ENDPOINT.bits);
  scope.streams = 1;
}

/** An unmapping takes effect before its request is answered; ends are inclusive. */
function unmap(words: Uint32Array, scope: Scope): void {
  scope.kind = 'tlb';
  scope.domain = bitsOf(words, DOMAIN.at, DOMAIN.bits);
  scope.first = bitsOf(words, START.at + 12, 52);
  scope.pages = bitsOf(words, END.at + 12, 52) - scope.first + 1;
}

const TYPES: readonly CommandType[] = [
  {
    opcode: VIRTIO_REQUEST.attach,
    name: 'ATTACH',
    section: 'VIRTIO 5.13.6.3',
    fields: [RESERVED, DOMAIN, ENDPOINT, { name: 'flags', at: 96, bits: 32 }],
    scope: endpoint,
  },
  {
    opcode: VIRTIO_REQUEST.detach,
    name: 'DETACH',
    section: 'VIRTIO 5.13.6.4',
    fields: [RESERVED, DOMAIN, ENDPOINT],
    scope: endpoint,
  },
  {
    opcode: VIRTIO_REQUEST.map,
    name: 'MAP',
    section: 'VIRTIO 5.13.6.5',
    fields: [
      RESERVED,
      DOMAIN,
      START,
      END,
      { name: 'phys_start', at: 192, bits: 64, shift: 0 },
      { name: 'flags', at: 256, bits: 32 },
    ],
  },
  {
    opcode: VIRTIO_REQUEST.unmap,
    name: 'UNMAP',
    section: 'VIRTIO 5.13.6.6',
    fields: [RESERVED, DOMAIN, START, END],
    scope: unmap,
  },
  {
    opcode: VIRTIO_REQUEST.probe,
    name: 'PROBE',
    section: 'VIRTIO 5.13.6.7',
    fields: [RESERVED, { name: 'endpoint', at: 32, bits: 32 }],
  },
];

/** Decodes requests; an unknown type is answered `unsupported`, and reserved fields are ignored or answered. */
export const VIRTIO_REQUESTS: CommandDecoder = new CommandDecoder(
  { unit: 'virtio-iommu', types: TYPES, opcode: [TYPE], reservedMustBeZero: false },
  VIRTIO_REQUEST_BYTES / 4,
);
