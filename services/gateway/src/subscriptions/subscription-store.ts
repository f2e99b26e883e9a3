import type { Database } from '@causeway/runtime/postgres/database';
import type { SecretEncryption } from './secret-encryption.ts';

export type Status = 'active' | 'paused' | 'disabled' | 'expired';
/** Equality on `type`, `subject` or top-level fields of the data. */
export type Filter = Record<string, string | number | boolean>;

/** A partner's subscription as it is kept; secrets are encrypted. */
export type Stored = {
  id: string;
  organisation: string;
  endpoint: string;
  types: string[] | null;
  filter: Filter | null;
  status: Status;
  reason: string | null;
  expires: Date | null;
  secret: Buffer;
  previous_secret: Buffer | null;
  previous_until: Date | null;
  created_at: Date;
  revision: number;
};

export type Change = Partial<Omit<Stored, 'id' | 'organisation' | 'created_at' | 'revision'>>;

export type SubscriptionStore = {
  /** False where the organisation has as many as it may have. */
  add(subscription: Omit<Stored, 'created_at' | 'revision'>, most: number): Promise<boolean>;
  all(): Promise<Stored[]>;
  of(organisation: string): Promise<Stored[]>;
  get(organisation: string, id: string): Promise<Stored | undefined>;
  change(organisation: string, id: string, change: Change): Promise<Stored | undefined>;
  /** Ends it for a reason of its own, unless it was stopped or changed meanwhile. */
  end(id: string, revision: number, status: 'disabled' | 'expired', reason: string): Promise<void>;
  remove(organisation: string, id: string): Promise<boolean>;
  /** Re-encrypts its secrets with the first key where another key was used, unless they changed meanwhile. */
  reencrypt(stored: Stored, encryption: Pick<SecretEncryption, 'reencrypt'>): Promise<void>;
};

const COLUMNS = [
  'endpoint',
  'types',
  'filter',
  'status',
  'reason',
  'expires',
  'secret',
  'previous_secret',
  'previous_until',
] as const;

export const createSubscriptionStore = ({ query }: Pick<Database, 'query'>): SubscriptionStore => ({
  async add(subscription, most) {
    const names = ['id', 'organisation', ...COLUMNS] as const;
    const rows = await query(
      `insert into webhook_subscription (${names.join(', ')})
       select ${names.map((_, index) => `$${index + 1}`).join(', ')}
       where (select count(*) from webhook_subscription where organisation = $2) < $${names.length + 1}
       returning id`,
      [...names.map((name) => written(name, subscription[name])), most],
    );
    if (rows.length === 0) return false;
    // Many at once may all have counted the same: a request that finds too many afterwards removes its own.
    const [after] = await query<{ count: number }>(
      'select count(*)::int as count from webhook_subscription where organisation = $1',
      [subscription.organisation],
    );
    if ((after?.count ?? 0) <= most) return true;
    await query('delete from webhook_subscription where id = $1', [subscription.id]);
    return false;
  },
  all: () => query<Stored>('select * from webhook_subscription'),
  of: (organisation) =>
    query<Stored>('select * from webhook_subscription where organisation = $1 order by created_at, id', [
      organisation,
    ]),
  async get(organisation, id) {
    const sql = 'select * from webhook_subscription where organisation = $1 and id = $2';
    return (await query<Stored>(sql, [organisation, id]))[0];
  },
  async change(organisation, id, change) {
    const changed = COLUMNS.filter((name) => change[name] !== undefined);
    const set = changed.map((name, index) => `${name} = $${index + 3}`);
    const [row] = await query<Stored>(
      `update webhook_subscription set ${[...set, 'revision = revision + 1'].join(', ')}
       where organisation = $1 and id = $2 returning *`,
      [organisation, id, ...changed.map((name) => written(name, change[name]))],
    );
    return row;
  },
  async end(id, revision, status, reason) {
    await query(
      `update webhook_subscription set status = $3, reason = $4, revision = revision + 1
       where id = $1 and revision = $2 and status = 'active'`,
      [id, revision, status, reason],
    );
  },
  async remove(organisation, id) {
    const sql = 'delete from webhook_subscription where organisation = $1 and id = $2 returning id';
    const rows = await query(sql, [organisation, id]);
    await query('delete from webhook_dead_letter where organisation = $1 and subscription = $2', [
      organisation,
      id,
    ]);
    return rows.length === 1;
  },
  async reencrypt({ id, secret, previous_secret: previous }, encryption) {
    const again = encryption.reencrypt(secret, id);
    const previousAgain = previous === null ? undefined : encryption.reencrypt(previous, id);
    if (again === undefined && previousAgain === undefined) return;
    await query(
      `update webhook_subscription set secret = $2, previous_secret = $3
       where id = $1 and secret = $4 and previous_secret is not distinct from $5`,
      [id, again ?? secret, previousAgain ?? previous, secret, previous],
    );
  },
});

const written = (name: string, value: unknown): unknown =>
  name === 'filter' && value !== null && value !== undefined ? JSON.stringify(value) : value;
