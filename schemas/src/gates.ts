import type { Agreement } from './agreement.ts';

/**
 * The gates that an agreement uses and the exchange does not enforce yet, as `<member>: <value>`. Such an agreement is
 * refused when it is loaded, never applied by half.
 */
export function refusedGates(agreement: Agreement): string[] {
  const refused: string[] = [];
  if (agreement.audience === 'originator') refused.push('audience: originator');
  if (typeof agreement.audience === 'object') refused.push('audience: knownAs');
  if (agreement.matching === 'demographic') refused.push('matching: demographic');
  return refused;
}
