// Texts of bodies, compared as numbers: all parts of a comparison are joined into one test.

/** Zero where ` - 0x` stands, behind the sixteen digits of an address. */
@inline
export function notEnd(at: usize): u64 {
  return (load<u64>(at) << 24) ^ 0x7830202d20000000;
}

/** Zero where `IOMMU: iova=0x` stands. */
@inline
export function notIommu(at: usize): u64 {
  return (load<u64>(at) ^ 0x69203a554d4d4f49) | (load<u64>(at, 6) ^ 0x78303d61766f6920);
}

/** Zero where ` paddr=0x` stands. */
@inline
export function notPaddr(at: usize): u64 {
  return (load<u64>(at) ^ 0x303d726464617020) | ((load<u8>(at, 8) ^ 0x78) as u64);
}

/** Zero where ` size=` stands. */
@inline
export function notSize(at: usize): u64 {
  return (load<u64>(at) << 16) ^ 0x3d657a6973200000;
}

/** Zero where ` unmapped_size=` stands. */
@inline
export function notUnmapped(at: usize): u64 {
  return (load<u64>(at) ^ 0x657070616d6e7520) | (load<u64>(at, 7) ^ 0x3d657a69735f6465);
}

/** Zero where ` phys_addr=` stands. */
@inline
export function notPhysical(at: usize): u64 {
  return (load<u64>(at) ^ 0x64615f7379687020) | ((load<u32>(at, 7) ^ 0x3d726464) as u64);
}

/** Zero where ` attrs=` stands. */
@inline
export function notAttributes(at: usize): u64 {
  return (load<u64>(at) << 8) ^ 0x3d73727474612000;
}

/** Zero where ` ents=` stands. */
@inline
export function notCounts(at: usize): u64 {
  return (load<u64>(at) << 16) ^ 0x3d73746e65200000;
}

/** Zero where ` dma_addrs=` stands. */
@inline
export function notDmaAddrs(at: usize): u64 {
  return (load<u64>(at) ^ 0x6464615f616d6420) | ((load<u32>(at, 7) ^ 0x3d737264) as u64);
}

/** Zero where ` sizes=` stands. */
@inline
export function notSizes(at: usize): u64 {
  return (load<u64>(at) << 8) ^ 0x3d73657a69732000;
}

/** Zero where ` phys_addrs=` stands. */
@inline
export function notPhysAddrs(at: usize): u64 {
  return (load<u64>(at) ^ 0x64615f7379687020) | ((load<u32>(at, 8) ^ 0x3d737264) as u64);
}
