import avro from 'avsc';

type Tap = { buf: Buffer; pos: number; readLong(): number; skipLong(): void };
type Item = { _read(tap: Tap): unknown; _skip(tap: Tap): void };
type ArrayReader = { itemsType: Item };

/**
 * The library believes the length that an array claims: ten bytes that announce 2^40 items keep it busy until the
 * memory is full, and a negative size sends it backwards without end. Here a block has at most as many items as
 * bytes are left, because every item of our schemas takes at least one. Resolvers take these readers over. Set for all
 * types at once, because the library freezes each of them.
 */
export const boundArrays = () => {
  const arrays = (avro.types as unknown as { ArrayType: { prototype: object } }).ArrayType.prototype;
  Object.assign(arrays, {
    _read(this: ArrayReader, tap: Tap) {
      const items: unknown[] = [];
      forEachItem(tap, () => items.push(this.itemsType._read(tap)));
      return items;
    },
    _skip(this: ArrayReader, tap: Tap) {
      forEachItem(tap, () => this.itemsType._skip(tap));
    },
  });
};

const forEachItem = (tap: Tap, take: () => void) => {
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    // A negative count is followed by the size of the block in bytes, which nothing here needs.
    if (count < 0) tap.skipLong();
    const length = Math.abs(count);
    if (!(length <= tap.buf.length - tap.pos)) throw new RangeError('more items than bytes');
    for (let index = 0; index < length; index += 1) take();
  }
};
