import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

type Entry = { payload: AdapterPayload; expires: number };

/** Sessions, codes and grants in memory; clients from where they are declared. */
export function createStore(findClient: (id: string) => AdapterPayload | undefined): AdapterFactory {
  return (model) => (model === 'Client' ? clientStore(findClient) : memoryStore());
}

function clientStore(find: (id: string) => AdapterPayload | undefined): Adapter {
  return { ...memoryStore(), find: async (id) => find(id) };
}

function memoryStore(): Adapter {
  const entries = new Map<string, Entry>();
  const live = (entry: Entry | undefined) =>
    entry && entry.expires > Date.now() ? entry.payload : undefined;
  const findBy = async (key: 'uid' | 'userCode', value: string) => {
    for (const entry of entries.values()) if (entry.payload[key] === value) return live(entry);
    return undefined;
  };
  return {
    async upsert(id, payload, expiresIn) {
      for (const [key, entry] of entries) if (!live(entry)) entries.delete(key);
      entries.set(id, {
        payload,
        expires: expiresIn ? Date.now() + expiresIn * 1000 : Number.POSITIVE_INFINITY,
      });
    },
    find: async (id) => live(entries.get(id)),
    findByUid: (uid) => findBy('uid', uid),
    findByUserCode: (code) => findBy('userCode', code),
    async consume(id) {
      const entry = entries.get(id);
      if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      entries.delete(id);
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key);
    },
  };
}
