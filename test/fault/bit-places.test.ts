import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBits, inRecord } from '../../src/fault/bit-fields.ts';
import { explainFault, faultJson } from '../../src/fault/explain.ts';
import { FaultLog } from '../../src/fault/log.ts';

interface Placed {
  readonly of: string;
  readonly name: string;
  readonly at: number;
  readonly bits: number;
  readonly value: string;
}

function placesOf(lines: string): Placed[] {
  const log = new FaultLog();
  log.push(new TextEncoder().encode(lines));
  log.end();
  const [record] = log.incidents;
  if (record === undefined) throw new Error('no incident');
  return (faultJson(explainFault(record, undefined, undefined)) as { bitFields: Placed[] }).bitFields;
}

function byName(places: readonly Placed[], name: string): Placed | undefined {
  return places.find((place) => place.name === name);
}

describe('the place of a field in its record', () => {
  test('is that of the SMMUv3 event record', () => {
    const places = placesOf(`arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:
arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000010000000010
arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000020800000000
arm-smmu-v3 arm-smmu-v3.0.auto: \t0x00000000fffff000
arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000000000000000
`);
    const words = [0x0000010000000010n, 0x0000020800000000n, 0xfffff000n, 0n];
    const record = words.reduce((sum, word, i) => sum | (word << BigInt(64 * i)), 0n);
    expect(places.length).toBeGreaterThan(8);
    for (const { at, bits, value } of places) expect(BigInt(value)).toBe(BigInt.asUintN(bits, record >> BigInt(at)));
    expect(byName(places, 'InputAddr')).toMatchObject({ of: 'record', at: 128, bits: 64 });
  });

  test('is that of the VT-d fault record, of which the address field begins at bit 12', () => {
    const places = placesOf(
      'DMAR: [DMA Write NO_PASID] Request device [00:14.0] fault addr 0x7b7ef000 [fault reason 0x05] PTE Write access is not set\n',
    );
    expect(byName(places, 'FI')).toEqual({ of: 'record', name: 'FI', at: 12, bits: 52, value: '0x7b7ef' });
    expect(byName(places, 'SID')).toMatchObject({ at: 64, bits: 16, value: '0xa0' });
    expect(byName(places, 'FR')).toMatchObject({ of: 'record', at: 96, value: '0x5' });
  });

  test('is that of the register that was printed', () => {
    const places = placesOf(
      'arm-smmu 5000000.iommu: Unhandled context fault: fsr=0x402, iova=0x1f4a2000, fsynr=0x10011, cbfrsynra=0x881, cb=3\n',
    );
    expect(byName(places, 'TF')).toMatchObject({ of: 'FSR', at: 1, bits: 1, value: '0x1' });
    expect(byName(places, 'WNR')).toMatchObject({ of: 'FSYNR0', at: 4 });
  });
});

test('fields of a register give back its value', () => {
  const fields = [
    { name: 'A', at: 0, meaning: '' },
    { name: 'B', at: 3, bits: 5, meaning: '' },
    { name: 'C', at: 20, bits: 12, meaning: '' },
  ];
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 0xffffffffn }), (value) => {
      const decoded = decodeBits(value, fields);
      const placed = decoded.reduce(
        (sum, { value: bits, place }) => sum | (BigInt(bits) << BigInt(place?.at ?? 0)),
        0n,
      );
      expect(placed).toBe(value);
    }),
  );
});

test('a field that the layout does not have has no place', () => {
  const field = { name: 'X', value: '0x1', meaning: '' };
  expect(inRecord(field, [{ name: 'Y', at: 1, bits: 2 }])).toEqual(field);
});
