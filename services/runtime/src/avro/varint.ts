type Place = { value: Buffer; at: number };

/** Moves over a number of at most `longest` bytes in its shortest form; false where there is none. */
export const skipVarint = (place: Place, longest: number): boolean => {
  const { value, at: start } = place;
  const limit = Math.min(start + longest, value.length);
  for (let at = start; at < limit; at += 1) {
    const byte = value[at] as number;
    if (byte > 0x7f) continue;
    place.at = at + 1;
    return byte !== 0 || at === start;
  }
  return false;
};

/** A number that `skipVarint` has found to be well formed; exact for up to four bytes. */
export const readVarint = (bytes: Buffer, start: number): number => {
  let value = 0;
  for (let at = start, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes[at] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
  }
};

/** The same, exact for up to seven bytes. */
export const readLong = (bytes: Buffer, start: number): number => {
  let value = 0;
  for (let at = start, weight = 1; ; at += 1, weight *= 128) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
};
