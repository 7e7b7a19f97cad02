/**
 * One address, level by level, in one domain or in all.
 * @module
 */
import { hex } from '../address.ts';
import { type DomainTables, type IommuModel, walkerOf } from '../hardware/iommu.ts';
import { type Access, type Fault, type Leaf, READ, type Step } from '../hardware/walk/types.ts';
import { type DecodeInput, type GeometrySource, groupContexts, modelOf } from './decode.ts';

/** The walk of an address for one stream, or in one domain's tables. */
export interface AddressWalk {
  /** Streams of the domain. */
  readonly streams: readonly number[];
  readonly domain: string | undefined;
  readonly geometry: { readonly summary: string; readonly from: GeometrySource } | undefined;
  readonly steps: readonly Step[];
  readonly result: Leaf | Fault;
}

/** Which walk is wanted. */
export interface WalkOptions {
  readonly stream?: number | undefined;
  readonly substream?: number | undefined;
  readonly access?: Access;
}

function walkTables(
  input: DecodeInput,
  tables: DomainTables,
  streams: readonly number[],
  from: GeometrySource,
  iova: bigint,
  access: Access,
): AddressWalk {
  const walk = walkerOf(input.reader, tables).walk(iova, access);
  return { streams, domain: tables.id, geometry: { summary: tables.regime.summary, from }, ...walk };
}

function walkStream(input: DecodeInput, model: IommuModel, iova: bigint, options: WalkOptions): AddressWalk {
  const { stream = 0, substream, access = READ } = options;
  const { result } = model.translate(stream, iova, access, substream);
  const { tables } = model.context(stream, substream);
  if (tables === undefined) return { streams: [stream], domain: undefined, geometry: undefined, steps: [], result };
  return { ...walkTables(input, tables, [stream], 'from dump', iova, access), result };
}

/**
 * Walks an address for a stream, or, without one, in every domain: first those that translate it.
 * @throws InputError `MISSING_VALUE` without registers, `UNSUPPORTED_INPUT` for an IOMMU that is not read here.
 */
export function walkAddress(input: DecodeInput, iova: bigint, options: WalkOptions = {}): AddressWalk[] {
  const model = modelOf(input);
  if (options.stream !== undefined) return [walkStream(input, model, iova, options)];
  const access = options.access ?? READ;
  const walks = groupContexts(model.contexts().contexts).map(({ tables, streams }) => {
    const walk = walkTables(input, tables, streams, 'from dump', iova, access);
    if (walk.result.ok) return walk;
    const named = model.translate(streams[0] ?? 0, iova, access).result;
    return named.ok ? walk : { ...walk, result: { ...walk.result, syndrome: named.syndrome } };
  });
  return walks.sort((a, b) => Number(b.result.ok) - Number(a.result.ok));
}

/** Walks an address in given tables. */
export function walkGiven(
  input: DecodeInput,
  tables: DomainTables,
  from: GeometrySource,
  iova: bigint,
  access: Access = READ,
): AddressWalk {
  return walkTables(input, tables, [], from, iova, access);
}

function resultJson(result: Leaf | Fault): object {
  if (result.ok) {
    const { perms, memoryType, level } = result;
    return {
      pa: hex(result.output),
      leaf: { base: hex(result.base), size: hex(result.size), level, perms, memoryType },
    };
  }
  const { reason, stage, level, syndrome, entryAddress, entry, ipa, during } = result;
  return {
    fault: {
      reason,
      stage,
      level,
      syndrome,
      ...(entryAddress === undefined ? {} : { entryAddress: hex(entryAddress) }),
      ...(entry === undefined ? {} : { entry: hex(entry) }),
      ...(ipa === undefined ? {} : { ipa: hex(ipa), during }),
    },
  };
}

function walkBody({ domain, streams, geometry, steps, result }: AddressWalk): object {
  return {
    ...(domain === undefined ? {} : { domain }),
    streams,
    ...(geometry === undefined ? {} : { geometry }),
    steps: steps.map(({ entryAddress, entry, ...step }) => ({
      ...step,
      entryAddress: hex(entryAddress),
      entry: hex(entry),
    })),
    ...resultJson(result),
  };
}

/** The data of the answer `iommu.walk`: the first walk's keys, and all walks where there are several. */
export function walkData(iova: bigint, walks: readonly AddressWalk[]): object {
  const [first] = walks;
  return {
    iova: hex(iova),
    ...(first === undefined ? { steps: [] } : walkBody(first)),
    ...(walks.length > 1 ? { walks: walks.map(walkBody) } : {}),
  };
}
