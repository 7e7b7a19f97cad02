/**
 * Reading a conformance pack: a header, then images and cases, one to a line. An image comes before the cases that use it.
 * @module
 */
import { InputError } from '../../errors.ts';
import type { ConformCase } from '../cases.ts';
import { runRiscvCase, wrongRiscvKey } from '../riscv-case.ts';
import type { VectorResult } from '../run.ts';
import { wrongKey } from '../schema.ts';
import { isNumber, isObject, isText, own, type Shape, shaped, wrongIn } from '../shape.ts';
import { type CaseKeys, differenceOf, runCase } from './case.ts';
import { IMAGE, ImageMemory, isImage, type PackImage } from './image.ts';
import { MAP_CASE, type MapCase, runMapCase } from './map-case.ts';
import { askTables, askUnit, TABLES_CASE, type TablesCase, UNIT_CASE, type UnitCase } from './walks.ts';

/** Version of the schema of packs that this library reads and writes. */
export const PACK_VERSION = 1;

const HEADER: Shape = {
  needs: {
    pack: isText,
    version: isNumber,
    cases: isNumber,
    sources: (value) => isObject(value) && Object.values(value).every(shaped({ needs: { what: isText } })),
  },
};

/** Whether a line is the header of a pack. */
export function isPackHeader(value: unknown): boolean {
  return isObject(value) && own(value, 'pack') !== undefined;
}

/** A translation request of the RISC-V reference model, with the keys of a case. */
type RequestCase = CaseKeys & Parameters<typeof runRiscvCase>[0];

type Image = ImageMemory | undefined;

/** A kind of case: what is wrong with a line of it, and how it runs. */
interface PackKind {
  readonly wrongKey: (value: unknown) => string | undefined;
  readonly run: (value: never, image: Image) => VectorResult;
}

function withImage(image: Image): ImageMemory {
  if (image === undefined) throw new Error('the case has no image');
  return image;
}

const KINDS: ReadonlyMap<unknown, PackKind> = new Map<unknown, PackKind>([
  [
    'unit',
    {
      wrongKey: (value) => wrongIn(value, UNIT_CASE),
      run: (each: UnitCase, image) =>
        runCase(each.id, () => differenceOf(each.expect, askUnit(each, withImage(image)))),
    },
  ],
  [
    'tables',
    {
      wrongKey: (value) => wrongIn(value, TABLES_CASE),
      run: (each: TablesCase, image) =>
        runCase(each.id, () => differenceOf(each.expect, askTables(each, withImage(image)))),
    },
  ],
  [
    'map',
    {
      wrongKey: (value) => wrongIn(value, MAP_CASE) ?? wrongKey((value as MapCase).vector),
      run: (each: MapCase, image) => runMapCase(each, image),
    },
  ],
  ['request', { wrongKey: wrongRiscvKey, run: (each: RequestCase) => runRiscvCase(each) }],
]);

/** Reads a pack line by line. */
export class PackReader {
  readonly #source: string;
  readonly #sources: ReadonlySet<string>;
  readonly #images = new Map<string, ImageMemory>();

  /** @throws InputError `MALFORMED` where the header is not one of this version. */
  constructor(source: string, header: unknown) {
    this.#source = source;
    const wrong = wrongIn(header, HEADER);
    if (wrong !== undefined) throw this.#malformed(1, `a header whose ${wrong} is missing or wrong`);
    const { version, sources } = header as { version: number; sources: object };
    if (version !== PACK_VERSION) throw this.#malformed(1, `version ${version} instead of ${PACK_VERSION}`);
    this.#sources = new Set(Object.keys(sources));
  }

  /**
   * The case of a line; undefined for an image.
   * @throws InputError `MALFORMED`.
   */
  read(value: unknown, line: number): ConformCase | undefined {
    if (isImage(value)) {
      this.#addImage(value, line);
      return undefined;
    }
    const kind = isObject(value) ? KINDS.get(own(value, 'kind')) : undefined;
    if (kind === undefined) throw this.#malformed(line, `a kind other than image, ${[...KINDS.keys()].join(', ')}`);
    const wrong = kind.wrongKey(value);
    if (wrong !== undefined) throw this.#malformed(line, `a case whose ${wrong} is missing or wrong`);
    const { id, source } = value as CaseKeys;
    if (!this.#sources.has(source)) throw this.#malformed(line, `source '${source}', which is not in the header`);
    const image = this.#imageOf(value as { readonly image?: string }, line);
    return { id, run: () => kind.run(value as never, image) };
  }

  #addImage(value: unknown, line: number): void {
    const wrong = wrongIn(value, IMAGE);
    if (wrong !== undefined) throw this.#malformed(line, `an image whose ${wrong} is missing or wrong`);
    const image = value as PackImage;
    this.#images.set(image.id, ImageMemory.of(image));
  }

  #imageOf({ image }: { readonly image?: string }, line: number): Image {
    if (image === undefined) return undefined;
    const found = this.#images.get(image);
    if (found === undefined) throw this.#malformed(line, `image '${image}', which is not above this line`);
    return found;
  }

  #malformed(line: number, what: string): InputError {
    return new InputError(
      'MALFORMED',
      this.#source,
      `line ${line}: expected a line of a conformance pack, got ${what}`,
      { line },
    );
  }
}
