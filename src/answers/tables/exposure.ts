/**
 * Devices whose DMA the IOMMU does not restrict: contexts that bypass, and domains that map all memory to itself.
 * @module
 */
import { formatSize, hex } from '../../address.ts';
import type { Decoding, DomainMappings } from '../../dump/decode.ts';
import type { Extent } from '../../dump/types.ts';
import type { MachineNames } from '../../machine/names.ts';
import { devicesText, idText } from './subject.ts';

/** A finding about protection, for JSON and for tables. */
export interface Exposure {
  readonly rule: 'bypass' | 'identity-domain';
  readonly severity: 'warning';
  /** PCI address, where it is known; otherwise the id in words. */
  readonly device: string;
  readonly streams: readonly number[];
  readonly meaning: string;
  readonly source: string;
}

/** Least of system memory that a domain must map to itself to count as an identity domain. */
const LEAST_SHARE = 0.5;
/** The same in bytes, where the dump does not say how much memory there is. */
const LEAST_BYTES = 2 ** 28;

function isIdentity(bytes: number, ram: readonly Extent[]): boolean {
  const total = ram.reduce((sum, extent) => sum + extent.bytes, 0);
  return total > 0 ? bytes >= total * LEAST_SHARE : bytes >= LEAST_BYTES;
}

function identityDomain(
  decoding: Pick<Decoding, 'iommu'>,
  domain: DomainMappings,
  bytes: number,
  names: MachineNames,
): Exposure {
  const { iommu } = decoding;
  const devices = devicesText(iommu, domain.streams, names);
  return {
    rule: 'identity-domain',
    severity: 'warning',
    device: devices,
    streams: domain.streams,
    meaning: `${domain.id} maps ${formatSize(bytes)} to itself: its devices reach that memory as without an IOMMU`,
    source: 'isolation',
  };
}

const SOURCES: Readonly<Record<string, string>> = {
  'arm-smmu-v3': 'IHI 0070 5.2, STE.Config',
  'intel-vtd': 'VT-d 9.3, Translation Type',
  'amd-vi': 'AMD 48882 2.2.2, DTE V and Mode',
  'riscv-iommu': 'RISC-V IOMMU 3.1, iohgatp and fsc modes',
};

function bypass(
  decoding: Pick<Decoding, 'iommu'>,
  stream: number,
  substream: number | undefined,
  names: MachineNames,
): Exposure {
  const { iommu } = decoding;
  const pasid = substream === undefined ? '' : `, PASID ${hex(substream)}`;
  const address = names.addressOf(iommu, stream);
  const id = `${idText(iommu, stream)}${pasid}`;
  const who = address === undefined ? id : `${names.title(address)}, ${id},`;
  return {
    rule: 'bypass',
    severity: 'warning',
    device: address ?? idText(iommu, stream),
    streams: [stream],
    meaning: `${who} bypasses the IOMMU: its DMA reaches every physical address`,
    source: SOURCES[iommu] ?? 'the device table',
  };
}

/** Every exposure, bypassing devices first. */
export function exposuresOf(
  decoding: Pick<Decoding, 'iommu' | 'contexts' | 'domains'>,
  ram: readonly Extent[],
  names: MachineNames,
): Exposure[] {
  const passing = decoding.contexts.filter(({ action }) => action === 'bypass');
  const identity = decoding.domains
    .map((domain) => ({ domain, bytes: domain.ranges.toSelf() }))
    .filter(({ bytes }) => isIdentity(bytes, ram));
  return [
    ...passing.map(({ stream, substream }) => bypass(decoding, stream, substream, names)),
    ...identity.map(({ domain, bytes }) => identityDomain(decoding, domain, bytes, names)),
  ];
}

/** The first sentence of a verdict about exposed devices; empty where there are none. */
export function exposureSentence(exposures: readonly Exposure[], devices: number): string {
  const passing = exposures.filter(({ rule }) => rule === 'bypass');
  const identity = exposures.length - passing.length;
  const who = passing.slice(0, 3).map(({ device }) => device);
  const rest = passing.length > who.length ? ` and ${passing.length - who.length} more` : '';
  const all = passing.length === devices && devices > 1 ? `All ${devices} devices bypass` : undefined;
  const some = `${who.join(', ')}${rest} ${passing.length === 1 ? 'bypasses' : 'bypass'}`;
  const first = passing.length === 0 ? '' : `${all ?? some} the IOMMU: their DMA is not restricted. `;
  const second =
    identity === 0 ? '' : `${identity === 1 ? '1 domain maps' : `${identity} domains map`} memory to itself. `;
  return `${passing.length === 1 ? first.replace('their', 'its') : first}${second}`;
}
