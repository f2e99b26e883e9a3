import { BlockList, isIP } from 'node:net';

/**
 * Which addresses the gateway may call. Sources: the special-purpose address registries of IANA for IPv4 and IPv6 (RFC 6890 and its
 * updates). Of IPv6 only 2000::/3 is assigned as global unicast, so everything else is refused without a list: unique local, link-local,
 * multicast, IPv4-mapped and -compatible, NAT64.
 */
const NOT_PUBLIC_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** IETF protocol assignments with Teredo, documentation, 6to4. */
const NOT_PUBLIC_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
/** Never allowed: where clouds hand out credentials, and a host's own neighbours. */
const NEVER = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128'];

/** @throws Error for what is no range of addresses */
export const rangesOf = (ranges: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix = ''] = range.split('/');
    const family = familyOf(address);
    if (family === undefined || !/^\d{1,3}$/.test(prefix)) throw new Error('not a range of addresses');
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
};

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined =>
  isIP(address) === 4 ? 'ipv4' : isIP(address) === 6 ? 'ipv6' : undefined;

const notPublic4 = rangesOf(NOT_PUBLIC_4);
const notPublic6 = rangesOf(NOT_PUBLIC_6);
const unicast6 = rangesOf(['2000::/3']);
const never = rangesOf(NEVER);
const loopback = rangesOf(['127.0.0.0/8', '::1/128']);

/** Whether one of the ranges holds an address of this machine itself. */
export const holdsLoopback = (ranges: readonly string[]): boolean => {
  const named = rangesOf(ranges);
  return (
    named.check('127.0.0.1', 'ipv4') ||
    named.check('::1', 'ipv6') ||
    ranges.some((range) => {
      const [address = ''] = range.split('/');
      return loopback.check(address, familyOf(address));
    })
  );
};

/** What operators let pass beyond the public internet. */
export type SsrfPolicy = {
  ranges: BlockList;
  /** On a laptop: this machine, over plain http as well. */
  loopback: boolean;
};

/** Whether it may be called. Anything that is not an address may not. */
export const mayCall = (address: string, { ranges, loopback: here }: SsrfPolicy): boolean => {
  const family = familyOf(address);
  if (family === undefined || address.includes('%')) return false;
  const embedded = embeddedIn(address);
  if (never.check(address, family) || (embedded !== undefined && never.check(embedded, 'ipv4'))) return false;
  if (here && loopback.check(address, family)) return true;
  if (ranges.check(address, family)) return true;
  return family === 'ipv4'
    ? !notPublic4.check(address, 'ipv4')
    : unicast6.check(address, 'ipv6') && !notPublic6.check(address, 'ipv6');
};

export const isLoopback = (address: string): boolean => {
  const family = familyOf(address);
  return family !== undefined && loopback.check(address, family);
};

/** The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64 (both prefixes) and 6to4. */
const embeddedIn = (address: string): string | undefined => {
  const words = wordsOf(address);
  if (words === undefined) return undefined;
  const dotted = (high = 0, low = 0) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  if (words[0] === 0x2002) return dotted(words[1], words[2]);
  const zeros = words.slice(0, 5).every((word) => word === 0);
  const nat64 = words[0] === 0x64 && words[1] === 0xff9b;
  return (zeros && (words[5] === 0xffff || words[5] === 0)) || nat64 ? dotted(words[6], words[7]) : undefined;
};

/** The eight words of an IPv6 address; undefined for one of IPv4. */
const wordsOf = (address: string): number[] | undefined => {
  if (isIP(address) !== 6) return undefined;
  // The URL parser writes every form of an address in the one of RFC 5952, without dots.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const parse = (text: string) =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  if (tail === undefined) return parse(head);
  const [before, behind] = [parse(head), parse(tail)];
  return [...before, ...Array.from({ length: 8 - before.length - behind.length }, () => 0), ...behind];
};
