"""Runs the AArch64 stage 1 table cases (4K granule, one TTBR) of a conformance pack through a walker; yours takes its place.

python3 conformance.py conformance.jsonl.gz
"""

import gzip
import json
import sys

ALL = (1 << 64) - 1


def words_of(runs):
    for address, word, *rest in runs:
        count, stride = rest or (1, "0x0")
        for i in range(count):
            yield int(address, 16) + 8 * i, int(word, 16) + i * int(stride, 16) & ALL


def walk(read, root, input_bits, iova):
    """The address, or None (Arm DDI 0487 D8.2, 48-bit descriptors)."""
    if iova >> input_bits:
        return None
    start = 4 - -(-(input_bits - 12) // 9)
    for level in range(start, 4):
        shift = 39 - 9 * level
        index = iova >> shift & (511 if level > start else (1 << (input_bits - shift)) - 1)
        entry = read(root + 8 * index)
        is_table = entry & 3 == 3
        if not entry & 1 or (level == 3 and not is_table) or (level == 0 and not is_table):
            return None
        address = entry & 0xFFFFFFFFF000
        if level == 3 or not is_table:
            return address >> shift << shift | iova & (1 << shift) - 1
        root = address


def main(path):
    memory, passed, failed = {}, 0, 0
    with gzip.open(path, "rt") as pack:
        header = json.loads(next(pack))
        assert header["version"] == 1, "another version of the schema"
        for each in map(json.loads, pack):
            if each["kind"] == "image":
                memory = dict(words_of(each["words"]))
            if each["kind"] != "tables" or each["format"] != "arm-64-lpae-s1" or each["granule"] != 4096 or each["quirks"]:
                continue
            got = walk(lambda at: memory.get(at, 0), int(each["roots"][0], 16), each["inputBits"], int(each["iova"], 16))
            expected = each["expect"].get("address")
            if got == (None if expected is None else int(expected, 16)):
                passed += 1
            else:
                failed += 1
                print(f"FAILED {each['id']} ({each['source']}): expected {expected}, got {got and hex(got)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main(sys.argv[1]))
