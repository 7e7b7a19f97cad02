/**
 * Which IOMMU a machine has, from the files that stand beside its traces: the metadata of a recording, a register file, the
 * kernel's log.
 * @module
 */

import { LOG_LINES } from './setup/log-lines.ts';

/** Texts of files beside a trace; each may be missing. */
export interface HardwareTexts {
  /** `metadata.json` of `iommu record`. */
  readonly metadata?: string | undefined;
  /** A register file. */
  readonly registers?: string | undefined;
  /** The kernel's log since boot. */
  readonly log?: string | undefined;
  /** `/proc/version`. */
  readonly version?: string | undefined;
}

/** What is known of the hardware. */
export interface Hardware {
  /** Id of its driver; undefined where nothing says. */
  readonly driver: string | undefined;
  /** Table format that Linux uses for DMA there, where it is known. */
  readonly format: string | undefined;
  /** Release of the kernel. */
  readonly release: string | undefined;
  /** Size of the kernel's pages, bytes, where `metadata.json` or the name of the release says it. */
  readonly pageSize: number | undefined;
  /** Features that decide which commands are sent, as options of the driver. */
  readonly features: Readonly<Record<string, boolean | number>>;
  /** What says so: `metadata.json`, `the log`. */
  readonly from: readonly string[];
}

const UNKNOWN: Hardware = {
  driver: undefined,
  format: undefined,
  release: undefined,
  pageSize: undefined,
  features: {},
  from: [],
};
/** Page sizes of kernels that Linux is built with. */
const PAGE_SIZES: readonly unknown[] = [4096, 16384, 65536];

/** Lines of the log that only one driver prints, and that driver. */
const DRIVER_LINES = [
  ['smmu3', 'arm-smmu-v3'],
  ['smmu', 'arm-smmu'],
  ['intelUnit', 'intel-vtd'],
  ['amdUnit', 'amd-vi'],
  ['riscv', 'riscv-iommu'],
  ['virtio', 'virtio-iommu'],
] as const;

/** Kinds of IOMMU that a driver of this library drives. */
const KINDS: readonly string[] = DRIVER_LINES.map(([, kind]) => kind);

function object(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isKind(value: unknown): value is string {
  return typeof value === 'string' && KINDS.includes(value);
}

function fromMetadata(text: string | undefined): Partial<Hardware> & { readonly kinds: readonly string[] } {
  const { iommu, release, pageSize } = object(text);
  const named = typeof iommu === 'object' && iommu !== null ? (iommu as { kinds?: unknown }).kinds : [];
  const kinds = Array.isArray(named) ? named.filter(isKind) : [];
  return {
    kinds,
    release: typeof release === 'string' ? release : undefined,
    pageSize: PAGE_SIZES.includes(pageSize) ? (pageSize as number) : undefined,
  };
}

/** Page size in the name of a release, such as `6.12.107+deb13-arm64-16k` or `6.11.4-301.fc41.aarch64+64k`. */
function pageSizeIn(release: string | undefined): number | undefined {
  const [, kib] = /[-+.](4|16|64)k\b/i.exec(release ?? '') ?? [];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** Registers by name, as a register file has them. */
function registersOf(text: string | undefined): ReadonlyMap<string, bigint> {
  const { named } = object(text);
  if (typeof named !== 'object' || named === null) return new Map();
  return new Map(
    Object.entries(named).flatMap(([name, value]): [string, bigint][] =>
      typeof value === 'string' && /^0x[0-9a-f]{1,16}$/i.test(value) ? [[name, BigInt(value)]] : [],
    ),
  );
}

function bit(value: bigint | undefined, at: number): boolean | undefined {
  return value === undefined ? undefined : ((value >> BigInt(at)) & 1n) === 1n;
}

function given(features: Readonly<Record<string, boolean | number | undefined>>): Record<string, boolean | number> {
  return Object.fromEntries(
    Object.entries(features).filter((one): one is [string, boolean | number] => one[1] !== undefined),
  );
}

type Details = Pick<Hardware, 'format' | 'features'>;

/** Bits of the driver's own word in `(features 0x…)`: stage 1, stage 2, range invalidation (arm-smmu-v3.h). */
const SMMU_V3_FEATURES = { stage1: 9, stage2: 10, ranges: 15 } as const;

/** IHI 0070 6.3.1 IDR0.S1P, 6.3.4 IDR3.RIL; or the driver's own line. */
function smmuV3(registers: ReadonlyMap<string, bigint>, log: string): Details {
  const line = LOG_LINES.smmu3.exec(log)?.[4];
  const features = line === undefined ? undefined : BigInt(line);
  const stage1 = bit(registers.get('IDR0'), 1) ?? bit(features, SMMU_V3_FEATURES.stage1);
  const ranges = bit(registers.get('IDR3'), 10) ?? bit(features, SMMU_V3_FEATURES.ranges);
  const format = stage1 === undefined ? undefined : stage1 ? 'arm-64-lpae-s1' : 'arm-64-lpae-s2';
  return { format, features: given({ rangeInvalidation: ranges }) };
}

/** VT-d 11.4.2 CAP: CM, PSI, MAMV, DWD and DRD, RWBF; 11.4.3 ECAP: SMTS, FSTS; scalable mode from RTADDR or the log. */
function vtd(registers: ReadonlyMap<string, bigint>, log: string): Details {
  const [, , , printedCap, printedEcap] = LOG_LINES.intelUnit.exec(log) ?? [];
  const cap = registers.get('CAP') ?? (printedCap === undefined ? undefined : BigInt(`0x${printedCap}`));
  const ecap = registers.get('ECAP') ?? (printedEcap === undefined ? undefined : BigInt(`0x${printedEcap}`));
  const asked = /\bDMAR: Enable scalable mode if hardware supports/.test(log);
  const scalable = bit(registers.get('RTADDR'), 10) ?? (asked ? bit(ecap, 43) : log === '' ? undefined : false);
  const first = scalable === true && bit(ecap, 47) === true;
  const draining = bit(cap, 54);
  return {
    format: scalable === undefined ? undefined : first ? 'x86-64' : 'vtd-ss',
    features: given({
      scalable,
      cachingMode: bit(cap, 7),
      pageSelective: bit(cap, 39),
      writeBuffer: bit(cap, 4),
      draining,
      mamv: cap === undefined ? undefined : Number((cap >> 48n) & 63n),
    }),
  };
}

/** Linux says that it stays strict where the unit caches what is not there (NpCache). */
function amdVi(log: string): Details {
  const npCache = log === '' ? undefined : LOG_LINES.amdGuest.test(log);
  return { format: 'amd-v1', features: given({ npCache }) };
}

/** RISC-V IOMMU 6.3: capabilities.Sv39, Sv48, Sv57, NL, S. */
function riscv(registers: ReadonlyMap<string, bigint>): Details {
  const capabilities = registers.get('CAPABILITIES') ?? registers.get('capabilities');
  const widest = [
    ['riscv-sv57', 11],
    ['riscv-sv48', 10],
    ['riscv-sv39', 9],
  ] as const;
  return {
    format: widest.find(([, at]) => bit(capabilities, at) === true)?.[0],
    features: given({ nonLeaf: bit(capabilities, 42), naturalRanges: bit(capabilities, 43) }),
  };
}

function detailsOf(driver: string | undefined, registers: ReadonlyMap<string, bigint>, log: string): Details {
  if (driver === 'arm-smmu-v3') return smmuV3(registers, log);
  if (driver === 'intel-vtd') return vtd(registers, log);
  if (driver === 'amd-vi') return amdVi(log);
  return driver === 'riscv-iommu' ? riscv(registers) : { format: undefined, features: {} };
}

/** Kinds that the log names, in the order of {@link DRIVER_LINES}. */
function logKinds(log: string): string[] {
  return DRIVER_LINES.filter(([line]) => LOG_LINES[line].test(log)).map(([, kind]) => kind);
}

/**
 * The hardware that a machine's files speak of. Where they name several IOMMUs, none is chosen: `driver` is undefined.
 * Files that cannot be read as what they should be are passed over.
 */
export function hardwareOf(texts: HardwareTexts): Hardware {
  const { metadata, registers, log = '', version } = texts;
  const recorded = fromMetadata(metadata);
  const { iommu } = object(registers);
  const sources: readonly (readonly [string, readonly string[]])[] = [
    ['metadata.json', recorded.kinds],
    ['the register file', isKind(iommu) ? [iommu] : []],
    ['the log', logKinds(log)],
  ];
  const [from, kinds] = sources.find(([, found]) => found.length > 0) ?? ['', []];
  const release = recorded.release ?? /Linux version (\S{1,80})/.exec(`${version ?? ''}\n${log}`)?.[1];
  const pageSize = recorded.pageSize ?? pageSizeIn(release);
  if (kinds.length !== 1) return { ...UNKNOWN, release, pageSize };
  const driver = kinds[0] as string;
  return { driver, release, pageSize, from: [from], ...detailsOf(driver, registersOf(registers), log) };
}
