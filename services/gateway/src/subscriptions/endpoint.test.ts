import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEndpoint, resolveEndpoint } from './endpoint.ts';
import { mayCall, rangesOf, type SsrfPolicy } from './ssrf-policy.ts';

const strict: SsrfPolicy = { ranges: rangesOf([]), loopback: false };
const laptop: SsrfPolicy = { ranges: rangesOf([]), loopback: true };

const REFUSED_ADDRESSES = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.127.255.254',
  '127.0.0.1',
  '127.1.2.3',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.7',
  '203.0.113.9',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:8.8.8.8',
  '::ffff:0:8.8.8.8',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:a00:1',
  '::ffff:0:10.0.0.1',
  '64:ff9b::8.8.8.8',
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::10.0.0.1',
  '100::1',
  '2001::1',
  '2001:10::1',
  '2001:db8::1',
  '2002:a00:1::1',
  '2002:7f00:1::1',
  '2002:808:808::1',
  '2002:a9fe:a9fe::1',
  '2001:0:808:808::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  '2606:4700::1111%eth0',
  '::1%lo',
  'fe80::1%25eth0',
  'fec0::1',
  'ff02::1',
  'localhost',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '2130706433',
  '127.1',
  '8.8.8.8.',
  '08.8.8.8',
  ' 8.8.8.8',
  '',
];

const PUBLIC_ADDRESSES = [
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '100.128.0.1',
  '172.32.0.1',
  '2606:4700::1111',
  '2a00:1450::8',
];

test('only public unicast addresses may be called', () => {
  for (const address of REFUSED_ADDRESSES) assert.equal(mayCall(address, strict), false, address);
  for (const address of PUBLIC_ADDRESSES) assert.equal(mayCall(address, strict), true, address);
});

test('no address that leads to a private IPv4 address by IPv6 may be called', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const inside = fc
    .tuple(fc.constantFrom('10', '127', '169.254', '192.168'), octet, octet, octet)
    .map(([start, ...rest]) => [...start.split('.'), ...rest].slice(0, 4).map(Number));
  fc.assert(
    fc.property(inside, fc.constantFrom('::ffff:', '::', '64:ff9b::', '2002:'), (bytes, prefix) => {
      const [a = 0, b = 0, c = 0, d = 0] = bytes;
      const words = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      return !mayCall(prefix === '2002:' ? `${prefix}${words}::1` : `${prefix}${words}`, strict);
    }),
  );
});

test('operators may let ranges of their own network pass, and never link-local addresses', () => {
  const policy: SsrfPolicy = {
    ranges: rangesOf(['10.20.0.0/16', '169.254.0.0/16', 'fe80::/10', '::/0', '0.0.0.0/0']),
    loopback: true,
  };
  assert.equal(mayCall('10.20.3.4', policy), true);
  for (const address of [
    '169.254.169.254',
    'fe80::1',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    'fd00:ec2::254',
  ])
    assert.equal(mayCall(address, policy), false, address);
  assert.equal(mayCall('10.21.0.1', { ranges: rangesOf(['10.20.0.0/16']), loopback: false }), false);
  for (const wrong of ['10.0.0.0', '10.0.0.0/33', 'example.org/8', '10.0.0.0/'])
    assert.throws(() => rangesOf([wrong]), wrong);
});

const REFUSED_ENDPOINTS = [
  'http://hooks.example.org/',
  'ftp://hooks.example.org/',
  'hooks.example.org',
  '/hooks',
  'https://user:secret@hooks.example.org/',
  'https://user@hooks.example.org/',
  'https://hooks.example.org./',
  'https://hooks.example.org../',
  'https://localhost./',
  'https://127.0.0.1./',
  'https://1.1.1.1./',
  'https://[::1]./',
  'https://hooks.example.org/#part',
  'https://0x7f.1/',
  'https://0x7f.0.0.0x1/',
  'https://0X7F000001/',
  'https://0177.0.0.1/',
  'https://017700000001/',
  'https://127.0.0.01/',
  'https://2130706433/',
  'https://127.1/',
  'https://127.0.1/',
  'https://0/',
  'https://0.0.0.0/',
  'https://0x01010101/',
  'https://01.01.01.01/',
  'https://4294967296/',
  'https://256.1.1.1/',
  'https://0x08080808/',
  'https://134744072/',
  'https://127.0.0.1/',
  'https://10.0.0.1:8443/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[0:0:0:0:0:ffff:7f00:1]/',
  'https://[::ffff:8.8.8.8]/',
  'https://[::127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[64:ff9b::8.8.8.8]/',
  'https://[64:ff9b:1::a00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[2002:808:808::1]/',
  'https://[2001::1]/',
  'https://[fd00::1]/',
  'https://[fd00:ec2::254]/',
  'https://[fe80::1]/',
  'https://[fe80::1%25eth0]/',
  'https://[fe80::1%eth0]/',
  'https://[2606:4700::1111%25eth0]/',
  'https://[2606:4700:0:0:0:0:0:1111]/',
  'https://169.254.169.254/latest/meta-data/',
  'https://localhost/',
  'https://gateway/',
  'https://１２７.0.0.1/',
  'https://127。0。0。1/',
  'https:\\\\127.0.0.1\\',
  'https:127.0.0.1/',
  'https:///127.0.0.1/',
  'https:/hooks.example.org/',
  'https://%31%32%37.0.0.1/',
  'https://hooks%2eexample.org/',
  'https://127.0.0\t.1/',
  'https://hooks.exam\nple.org/',
  'https://127.0.0.1%00.example.org/',
  'https://1.1.1.1\\@127.0.0.1/',
  'https://127.0.0.1\\@hooks.example.org/',
  'https://127.0.0.1#@hooks.example.org/',
  'https://hooks.example.org@127.0.0.1/',
  'https://@127.0.0.1/',
  'https://ho\u00adoks.example.org/',
  'file:///etc/passwd',
  'gopher://hooks.example.org/',
  'wss://hooks.example.org/',
  'data:text/plain,x',
  'javascript:alert(1)',
  ' https://hooks.example.org/',
  'https://hooks.example.org:0/',
  'https://hooks.example.org:99999/',
  `https://hooks.example.org/${'a'.repeat(2_000)}`,
];

test('an endpoint is written plainly, over https, and not in a network of its own', () => {
  for (const endpoint of REFUSED_ENDPOINTS)
    assert.throws(() => parseEndpoint(endpoint, strict), { code: 'endpoint-refused' }, endpoint);
  for (const endpoint of [
    'https://hooks.example.org/a?b=c',
    'https://hooks.example.org:8443',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
  ])
    assert.doesNotThrow(() => parseEndpoint(endpoint, strict), endpoint);
});

test('on a laptop plain http reaches this machine and nothing else', () => {
  for (const endpoint of ['http://127.0.0.1:9000/', 'http://127.8.9.1/', 'http://localhost:9000/'])
    assert.doesNotThrow(() => parseEndpoint(endpoint, laptop), endpoint);
  for (const endpoint of [
    'http://10.0.0.1/',
    'http://hooks.example.org/',
    'http://0x7f.1/',
    'http://169.254.169.254/',
  ])
    assert.throws(() => parseEndpoint(endpoint, laptop), { code: 'endpoint-refused' }, endpoint);
});

test('the address that is connected to is the one that was checked, at each attempt anew', async () => {
  const answers = [['1.1.1.1'], ['127.0.0.1']];
  const resolve = async () => answers.shift() ?? [];
  const url = parseEndpoint('https://rebinding.example.org/', strict);
  assert.equal((await resolveEndpoint(url, strict, resolve)).address, '1.1.1.1');
  await assert.rejects(resolveEndpoint(url, strict, resolve), { code: 'endpoint-refused' });
  await assert.rejects(resolveEndpoint(url, strict, resolve), { code: 'name-not-resolved' });
});

test('one private address among public ones condemns a name', async () => {
  const url = parseEndpoint('https://hooks.example.org/', strict);
  for (const addresses of [
    ['1.1.1.1', '10.0.0.1'],
    ['2606:4700::1111', '::ffff:10.0.0.1'],
    ['1.1.1.1', 'fe80::1'],
    ['1.1.1.1', '2606:4700::1111%eth0'],
    ['2606:4700::1111', '64:ff9b::a00:1'],
    ['2606:4700::1111', '2002:a00:1::1'],
    ['1.1.1.1', 'not an address'],
    ['1.1.1.1', ''],
  ])
    await assert.rejects(
      resolveEndpoint(url, strict, async () => addresses),
      { code: 'endpoint-refused' },
    );
});

test('a public name that leads to this machine is refused on a laptop too where it is not https', async () => {
  const url = new URL('http://hooks.example.org/');
  await assert.rejects(
    resolveEndpoint(url, laptop, async () => ['127.0.0.1']),
    { code: 'endpoint-refused' },
  );
});
