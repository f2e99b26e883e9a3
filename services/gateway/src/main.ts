import { runService } from '@causeway/runtime/service';
import { settings, startGateway } from './gateway.ts';

await runService('gateway', settings, startGateway);
