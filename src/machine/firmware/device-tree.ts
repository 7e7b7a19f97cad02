/**
 * IOMMUs in the device tree of a machine: `iommus` of devices and `iommu-map` of PCI hosts (Devicetree bindings
 * `iommu/iommu.txt`, `pci/pci-iommu.txt`). Cells are big-endian.
 * @module
 */
import type { DeviceScope } from './tables.ts';

/** A unit of the device tree. */
export interface TreeUnit {
  /** Path of its node. */
  readonly path: string;
  readonly compatible: readonly string[];
  /** False where `status` is neither `okay` nor missing. */
  readonly enabled: boolean;
  readonly scopes: readonly DeviceScope[];
}

/** A device that names a unit which is not there. */
export interface TreeProblem {
  readonly path: string;
  readonly text: string;
}

/** What the device tree says of IOMMUs. */
export interface DeviceTree {
  readonly units: readonly TreeUnit[];
  readonly problems: readonly TreeProblem[];
}

/** Nodes that are looked at; a device tree of a large board has some thousands. */
const MOST_NODES = 20_000;
const DEEPEST = 16;

/** The files of a device tree, as folders of nodes. */
export interface TreeFiles {
  names(folder: string): readonly string[];
  bytes(path: string): Uint8Array | undefined;
}

interface Node {
  readonly path: string;
  readonly names: ReadonlySet<string>;
}

/** The nodes below a folder, itself among them. */
function nodesBelow(files: TreeFiles, root: string): Node[] {
  const nodes: Node[] = [];
  const waiting: { readonly path: string; readonly depth: number }[] = [{ path: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined && nodes.length < MOST_NODES; next = waiting.pop()) {
    const names = files.names(next.path);
    nodes.push({ path: next.path, names: new Set(names) });
    if (next.depth === DEEPEST) continue;
    const { path, depth } = next;
    // nodes have a unit address or children; a property is a file, and lists nothing
    for (const name of names)
      if (files.names(`${path}/${name}`).length > 0) waiting.push({ path: `${path}/${name}`, depth: depth + 1 });
  }
  return nodes;
}

function cells(bytes: Uint8Array | undefined): number[] {
  if (bytes === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => view.getUint32(i * 4));
}

function texts(bytes: Uint8Array | undefined): string[] {
  return bytes === undefined
    ? []
    : new TextDecoder()
        .decode(bytes)
        .split('\0')
        .filter((text) => text !== '');
}

class Reader {
  readonly problems: TreeProblem[] = [];
  readonly #files: TreeFiles;
  readonly #root: string;
  readonly #byHandle = new Map<number, Node>();
  readonly #scopes = new Map<Node, DeviceScope[]>();

  constructor(files: TreeFiles, root: string, nodes: readonly Node[]) {
    this.#files = files;
    this.#root = root;
    for (const node of nodes) {
      const [handle] = node.names.has('phandle') ? cells(files.bytes(`${node.path}/phandle`)) : [];
      if (handle !== undefined) this.#byHandle.set(handle, node);
      if (node.names.has('#iommu-cells')) this.#scopes.set(node, []);
    }
    for (const node of nodes) this.#links(node);
  }

  units(): TreeUnit[] {
    return [...this.#scopes].map(([node, scopes]) => {
      const [status = 'okay'] = node.names.has('status') ? texts(this.#files.bytes(`${node.path}/status`)) : [];
      const compatible = texts(this.#files.bytes(`${node.path}/compatible`));
      return { path: this.#short(node), compatible, enabled: status === 'okay' || status === 'ok', scopes };
    });
  }

  #short({ path }: Node): string {
    return path.slice(this.#root.length) || '/';
  }

  #links(node: Node): void {
    if (node.names.has('iommus')) this.#iommus(node);
    if (node.names.has('iommu-map')) this.#iommuMap(node);
  }

  /** A unit by its handle; a problem of the node where there is none. */
  #unit(node: Node, property: string, handle: number): Node | undefined {
    const unit = this.#byHandle.get(handle);
    if (unit !== undefined && this.#scopes.has(unit)) return unit;
    const text = unit === undefined ? `no node has the phandle ${handle}` : `${this.#short(unit)} is not an IOMMU`;
    this.problems.push({ path: `${this.#short(node)}/${property}`, text });
    return undefined;
  }

  #iommus(node: Node): void {
    const values = cells(this.#files.bytes(`${node.path}/iommus`));
    const named: DeviceScope = { kind: 'named', name: this.#short(node) };
    for (let i = 0; i < values.length; ) {
      const unit = this.#unit(node, 'iommus', values[i] ?? 0);
      if (unit === undefined) return;
      const scopes = this.#scopes.get(unit);
      if (scopes?.at(-1) !== named) scopes?.push(named);
      i += 1 + (cells(this.#files.bytes(`${unit.path}/#iommu-cells`))[0] ?? 0);
    }
  }

  /** `rid-base, unit, sid-base, length`, four cells each. */
  #iommuMap(node: Node): void {
    const values = cells(this.#files.bytes(`${node.path}/iommu-map`));
    for (let i = 0; i + 4 <= values.length; i += 4) {
      const [first = 0, handle = 0, , length = 0] = values.slice(i, i + 4);
      const unit = this.#unit(node, 'iommu-map', handle);
      if (unit === undefined || length === 0) continue;
      const [segment = 0] = cells(this.#files.bytes(`${node.path}/linux,pci-domain`));
      const last = Math.min(0xffff, first + length - 1);
      this.#scopes.get(unit)?.push({ kind: 'range', segment, first, last });
    }
  }
}

/** Reads the IOMMUs of a device tree below a folder; null where there is no device tree. */
export function readDeviceTree(files: TreeFiles, root: string): DeviceTree | null {
  if (files.names(root).length === 0) return null;
  const reader = new Reader(files, root, nodesBelow(files, root));
  return { units: reader.units(), problems: reader.problems };
}
