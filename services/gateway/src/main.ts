import { runService } from '@causeway/runtime/service/service';
import { settings, startGateway } from './app/gateway.ts';

await runService('gateway', settings, startGateway);
