/** Documents that the source side kept as dead letters, once more on the way that every document goes. */
import { redrivenAs, redriveWhole } from '@causeway/runtime/adapter/intake';
import type { Intake } from './intake.ts';

export const createSourceRedrive = (intake: Pick<Intake, 'again'>) =>
  redriveWhole(async (raw) => redrivenAs(await intake.again(raw)));
